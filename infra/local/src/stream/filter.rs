//! `FilterCriteria` of an event source mapping: which records a function is handed.
//!
//! The subset of Lambda's pattern language that stands here: lists of exact values, `prefix`, `suffix`, `exists`,
//! `anything-but`, nested to any depth. Anything else is refused when the template is read, never ignored.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The filters of one mapping: a record passes when one of them matches, or when there is none.
#[derive(Debug, Default)]
pub struct Filter(Vec<BTreeMap<String, Pattern>>);

#[derive(Debug)]
enum Pattern {
    Nested(BTreeMap<String, Pattern>),
    AnyOf(Vec<Rule>),
}

#[derive(Debug)]
enum Rule {
    Is(Value),
    Prefix(String),
    Suffix(String),
    Exists(bool),
    AnythingBut(Vec<Rule>),
}

impl Filter {
    /// Reads the JSON texts of a mapping's filters.
    pub fn parse(patterns: &[&str]) -> Result<Filter, String> {
        patterns
            .iter()
            .map(|text| match serde_json::from_str(text) {
                Ok(value) => nested(&value),
                Err(error) => Err(format!("{text}: {error}")),
            })
            .collect::<Result<_, _>>()
            .map(Filter)
    }

    /// Whether a record, as the JSON that the function would get, passes.
    pub fn matches(&self, record: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| all(pattern, Some(record)))
    }

    /// The attributes of `image` (`NewImage`, `OldImage`, `Keys`) that a filter looks at: nothing else of a record
    /// has to be there to judge it.
    pub fn attributes(&self, image: &str) -> BTreeSet<&str> {
        self.0
            .iter()
            .filter_map(|pattern| pattern.get("dynamodb")?.fields()?.get(image)?.fields())
            .flat_map(|fields| fields.keys().map(String::as_str))
            .collect()
    }
}

impl Pattern {
    fn fields(&self) -> Option<&BTreeMap<String, Pattern>> {
        match self {
            Pattern::Nested(fields) => Some(fields),
            Pattern::AnyOf(_) => None,
        }
    }
}

fn nested(value: &Value) -> Result<BTreeMap<String, Pattern>, String> {
    let fields = value.as_object().ok_or_else(|| format!("{value} is no filter pattern"))?;
    fields.iter().map(|(name, value)| Ok((name.clone(), pattern(value)?))).collect()
}

fn pattern(value: &Value) -> Result<Pattern, String> {
    match value {
        Value::Array(rules) => Ok(Pattern::AnyOf(rules.iter().map(rule).collect::<Result<_, _>>()?)),
        _ => nested(value).map(Pattern::Nested),
    }
}

fn rule(value: &Value) -> Result<Rule, String> {
    let Value::Object(operator) = value else { return Ok(Rule::Is(value.clone())) };
    let unknown = || format!("the local stack does not know the filter rule {value}");
    let mut entries = operator.iter();
    let (Some((name, operand)), None) = (entries.next(), entries.next()) else { return Err(unknown()) };
    Ok(match (name.as_str(), operand) {
        ("prefix", Value::String(text)) => Rule::Prefix(text.clone()),
        ("suffix", Value::String(text)) => Rule::Suffix(text.clone()),
        ("exists", Value::Bool(wanted)) => Rule::Exists(*wanted),
        ("anything-but", Value::Array(values)) => Rule::AnythingBut(values.iter().map(rule).collect::<Result<_, _>>()?),
        ("anything-but", one) => Rule::AnythingBut(vec![rule(one)?]),
        _ => return Err(unknown()),
    })
}

fn all(fields: &BTreeMap<String, Pattern>, value: Option<&Value>) -> bool {
    fields.iter().all(|(name, pattern)| {
        let inner = value.and_then(|value| value.get(name));
        match pattern {
            Pattern::Nested(fields) => all(fields, inner),
            Pattern::AnyOf(rules) => rules.iter().any(|rule| rule.allows(inner)),
        }
    })
}

impl Rule {
    fn allows(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Rule::Exists(wanted), value) => value.is_some() == *wanted,
            (_, None) => false,
            // A list passes when one of its members does.
            (_, Some(Value::Array(members))) => members.iter().any(|member| self.allows(Some(member))),
            (Rule::Is(wanted), Some(value)) => wanted == value,
            (Rule::Prefix(prefix), Some(value)) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
            (Rule::Suffix(suffix), Some(value)) => value.as_str().is_some_and(|text| text.ends_with(suffix)),
            (Rule::AnythingBut(rules), Some(value)) => !rules.iter().any(|rule| rule.allows(Some(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn passes(pattern: Value, record: Value) -> bool {
        Filter::parse(&[&pattern.to_string()]).unwrap().matches(&record)
    }

    fn inserted(kind: &str) -> Value {
        json!({"eventName": "INSERT", "dynamodb": {"NewImage": {"kind": {"S": kind}, "tags": {"SS": ["a", "b"]}}}})
    }

    #[test]
    fn exact_values_nested_and_listed() {
        let ours = json!({"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["change", "event"]}}}});
        assert!(passes(ours.clone(), inserted("change")));
        assert!(passes(ours.clone(), inserted("event")));
        assert!(!passes(ours.clone(), inserted("session")));
        assert!(!passes(ours.clone(), json!({"eventName": "MODIFY", "dynamodb": inserted("change")["dynamodb"]})));
        assert!(!passes(ours, json!({"eventName": "INSERT"})));
        assert!(passes(json!({"dynamodb": {"NewImage": {"tags": {"SS": ["b"]}}}}), inserted("x")));
        assert!(passes(json!({"a": [null, 1]}), json!({"a": null})));
        assert!(!passes(json!({"a": [1]}), json!({"a": "1"})));
    }

    #[test]
    fn rules_about_text_and_presence() {
        let kind = |rule: Value| json!({"dynamodb": {"NewImage": {"kind": {"S": [rule]}}}});
        assert!(passes(kind(json!({"prefix": "ch"})), inserted("change")));
        assert!(!passes(kind(json!({"prefix": "ch"})), inserted("event")));
        assert!(passes(kind(json!({"suffix": "ge"})), inserted("change")));
        assert!(passes(kind(json!({"anything-but": ["event"]})), inserted("change")));
        assert!(!passes(kind(json!({"anything-but": "change"})), inserted("change")));
        assert!(!passes(kind(json!({"anything-but": {"prefix": "ch"}})), inserted("change")));
        assert!(!passes(kind(json!({"anything-but": ["event"]})), json!({})));
        let old = |wanted: bool| json!({"dynamodb": {"OldImage": {"pk": [{"exists": wanted}]}}});
        assert!(passes(old(false), inserted("change")));
        assert!(!passes(old(true), inserted("change")));
        assert!(passes(old(true), json!({"dynamodb": {"OldImage": {"pk": {"S": "x"}}}})));
    }

    #[test]
    fn one_of_several_filters_is_enough_and_none_lets_all_through() {
        let two = Filter::parse(&[r#"{"eventName":["INSERT"]}"#, r#"{"eventName":["REMOVE"]}"#]).unwrap();
        assert!(two.matches(&json!({"eventName": "REMOVE"})));
        assert!(!two.matches(&json!({"eventName": "MODIFY"})));
        assert!(Filter::default().matches(&json!({})));
    }

    #[test]
    fn a_filter_names_the_attributes_it_needs() {
        let filter = Filter::parse(&[
            r#"{"dynamodb":{"NewImage":{"kind":{"S":["change"]}}}}"#,
            r#"{"dynamodb":{"NewImage":{"to":{"S":[{"exists":true}]}},"Keys":{"pk":{"S":["a"]}}}}"#,
        ])
        .unwrap();
        assert_eq!(filter.attributes("NewImage").into_iter().collect::<Vec<_>>(), ["kind", "to"]);
        assert_eq!(filter.attributes("Keys").into_iter().collect::<Vec<_>>(), ["pk"]);
        assert!(filter.attributes("OldImage").is_empty());
    }

    #[test]
    fn an_unknown_rule_is_refused() {
        for pattern in [r#"{"a":[{"numeric":[">",1]}]}"#, r#"{"a":"b"}"#, "[]", "{", r#"{"a":[{"prefix":"a","suffix":"b"}]}"#] {
            assert!(Filter::parse(&[pattern]).is_err(), "{pattern}");
        }
    }
}
