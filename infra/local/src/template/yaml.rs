//! CloudFormation's YAML as plain JSON: the short tags (`!Ref`, `!Sub`, `!GetAtt` …) become their long forms, and
//! what is known before deployment (parameters with a default) can be filled in.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The one document of `text`. `!Ref X` becomes `{"Ref": "X"}`, `!GetAtt A.B` becomes `{"Fn::GetAtt": ["A", "B"]}`,
/// any other `!Tag` becomes `{"Fn::Tag": …}`.
pub fn parse(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    match documents.as_slice() {
        [document] => plain(document),
        _ => Err("a template is one YAML document".to_owned()),
    }
}

fn plain(node: &Yaml<'_>) -> Result<Value, String> {
    Ok(match node {
        Yaml::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => json!(value),
            Scalar::Integer(value) => json!(value),
            Scalar::FloatingPoint(value) => json!(value.into_inner()),
            Scalar::String(value) => json!(value),
        },
        Yaml::Sequence(items) => Value::Array(items.iter().map(plain).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(name(key)?, plain(value)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tag, inner) if tag.is_yaml_core_schema() => plain(inner)?,
        Yaml::Tagged(tag, inner) => long_form(&tag.suffix, plain(inner)?),
        Yaml::Representation(text, ..) => json!(text),
        Yaml::Alias(_) | Yaml::BadValue => return Err(format!("cannot read {node:?}")),
    })
}

fn name(key: &Yaml<'_>) -> Result<String, String> {
    match plain(key)? {
        Value::String(name) => Ok(name),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("{other} is no name")),
    }
}

fn long_form(tag: &str, inner: Value) -> Value {
    match (tag, inner) {
        ("Ref" | "Condition", inner) => json!({ tag: inner }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((&path, ""));
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        (_, inner) => json!({ format!("Fn::{tag}"): inner }),
    }
}

/// `value` as text when it is known before deployment: a literal, or a `Ref` to a parameter that has a default.
pub fn literal(value: &Value, parameters: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Object(map) => literal(parameters.get(map.get("Ref")?.as_str()?)?.get("Default")?, parameters),
        Value::Null | Value::Array(_) => None,
    }
}

/// The logical ids that `value` names by `Ref`, `Fn::GetAtt` or `Fn::Sub`, in the order they stand there.
pub fn references(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match (key.as_str(), inner) {
                    ("Ref", Value::String(id)) => found.push(id),
                    ("Fn::GetAtt", Value::Array(path)) => found.extend(path.first().and_then(Value::as_str)),
                    ("Fn::Sub", Value::String(text)) => placeholders(text, found),
                    ("Fn::Sub", Value::Array(parts)) => {
                        if let Some(text) = parts.first().and_then(Value::as_str) {
                            placeholders(text, found);
                        }
                        parts.iter().skip(1).for_each(|part| collect(part, found));
                    }
                    _ => collect(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `${Name}` and `${Name.Attribute}`, but neither `${AWS::Region}` nor the escaped `${!Literal}`.
fn placeholders<'a>(text: &'a str, found: &mut Vec<&'a str>) {
    for part in text.split("${").skip(1) {
        if let Some((inside, _)) = part.split_once('}') {
            let id = inside.split('.').next().unwrap_or(inside).trim();
            if !id.starts_with('!') && !id.contains("::") {
                found.push(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_their_long_forms() {
        let read = parse(
            "a: !Ref Table\nb: !GetAtt Table.StreamArn\nc: !Sub 'x/${Api}/${AWS::Region}/${!Not}/${Fn.Arn}'\n\
             d: !If [Yes, !Ref A, !Ref AWS::NoValue]\ne: {Ref: B}\nf: '10'\ng: 10\nh: true\ni: $default\n",
        )
        .unwrap();
        assert_eq!(read["a"], json!({"Ref": "Table"}));
        assert_eq!(read["b"], json!({"Fn::GetAtt": ["Table", "StreamArn"]}));
        assert_eq!(read["d"], json!({"Fn::If": ["Yes", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]}));
        assert_eq!(read["f"], "10");
        assert_eq!(read["g"], 10);
        assert_eq!(read["h"], true);
        assert_eq!(read["i"], "$default");
        assert_eq!(references(&read["a"]), ["Table"]);
        assert_eq!(references(&read["b"]), ["Table"]);
        assert_eq!(references(&read["c"]), ["Api", "Fn"]);
        assert_eq!(references(&read["e"]), ["B"]);
    }

    #[test]
    fn a_literal_is_text_or_a_parameter_with_a_default() {
        let parameters = json!({"Stage": {"Default": "live"}, "Topic": {"Type": "String"}});
        assert_eq!(literal(&json!("x"), &parameters).as_deref(), Some("x"));
        assert_eq!(literal(&json!({"Ref": "Stage"}), &parameters).as_deref(), Some("live"));
        assert_eq!(literal(&json!({"Ref": "Topic"}), &parameters), None);
        assert_eq!(literal(&json!({"Fn::Sub": "x"}), &parameters), None);
    }

    #[test]
    fn what_is_not_yaml_is_refused() {
        assert!(parse("a: [").is_err());
        assert!(parse("").is_err());
    }
}
