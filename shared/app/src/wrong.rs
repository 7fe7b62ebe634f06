//! What is wrong with a body: every field's rule is told at once, each by its pointer.
//!
//! A body is read in two steps. Its shape (names and types of fields) is read here, and what does not fit is noted and
//! left out; the rules of its values are the handler's, which notes what they refuse beside. Then all of it is answered.

use domain::Rejected;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::{FieldError, Problem};

/// What was found wrong with a body so far.
#[derive(Debug, Default)]
pub struct Wrong(Vec<FieldError>);

impl Wrong {
    /// Notes what is wrong with a field. Of one that something was wrong with or in already, no more is said.
    pub fn note(&mut self, pointer: &str, why: impl Into<String>) {
        let told = |known: &FieldError| known.pointer.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if pointer.is_empty() || !self.0.iter().any(told) {
            self.0.push(FieldError { pointer: pointer.to_owned(), detail: why.into() });
        }
    }

    /// The value of a field, or a note of why it was not taken.
    pub fn keep<T>(&mut self, pointer: &str, read: Result<T, Rejected>) -> Option<T> {
        read.map_err(|rejected| self.note(pointer, rejected.0)).ok()
    }

    /// What was done with fields, or notes of why they were not taken. Another problem stays one.
    pub fn absorb<T>(&mut self, done: Result<T, Problem>) -> Result<Option<T>, Problem> {
        match done {
            Ok(value) => Ok(Some(value)),
            Err(Problem::Rejected(fields)) => {
                fields.into_iter().for_each(|field| self.note(&field.pointer, field.detail));
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Notes a text that is needed and was left out.
    pub fn needed(&mut self, pointer: &str, text: &str) {
        if text.is_empty() {
            self.note(pointer, NEEDED);
        }
    }

    /// What was read, where nothing was wrong with the body.
    pub fn with<T>(self, read: Option<T>) -> Result<T, Problem> {
        match read {
            Some(value) => self.end().map(|()| value),
            None => Err(Problem::Rejected(self.0)),
        }
    }

    /// Refuses the body where anything was wrong with it.
    pub fn end(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::Rejected(self.0)) }
    }
}

const NEEDED: &str = "this is needed";

/// Reads a body by its shape. Fields that do not fit, or that are not known, are noted and left out, as long as what is
/// left can be read: a type whose fields have defaults always can.
pub(crate) fn read<T: DeserializeOwned>(mut body: Value) -> Result<(T, Wrong), Problem> {
    let mut wrong = Wrong::default();
    if !body.is_object() {
        wrong.note("", "the body is a JSON object");
        return Err(Problem::Rejected(wrong.0));
    }
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&body) {
            Ok(value) => return Ok((value, wrong)),
            Err(error) => error,
        };
        let said = error.inner().to_string();
        let mut path = path(error.path());
        let named = between(&said, "unknown field `").or_else(|| between(&said, "missing field `"));
        if let Some(name) = named
            && path.last().map(String::as_str) != Some(name)
        {
            path.push(name.to_owned());
        }
        let pointer: String = path.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect();
        wrong.note(&pointer, plainly(&said));
        if said.starts_with("missing field") || !take(&mut body, &path) {
            return Err(Problem::Rejected(wrong.0));
        }
    }
}

fn path(path: &serde_path_to_error::Path) -> Vec<String> {
    let names = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    names.collect()
}

/// Takes a field out of a body; of a list the whole, so that what is left keeps its places. `false`: there is none.
fn take(body: &mut Value, path: &[String]) -> bool {
    let mut at = body;
    for (index, name) in path.iter().enumerate() {
        let Value::Object(members) = at else { return false };
        let last = index + 1 == path.len() || members.get(name).is_some_and(Value::is_array);
        if last {
            return members.remove(name).is_some();
        }
        let Some(below) = members.get_mut(name) else { return false };
        at = below;
    }
    false
}

fn between<'a>(said: &'a str, before: &str) -> Option<&'a str> {
    said.strip_prefix(before)?.split('`').next()
}

/// What serde says, for people.
fn plainly(said: &str) -> String {
    let choices = |rest: &str| rest.replace("one of ", "").replace(" or ", ", ").replace('`', "");
    if said.starts_with("missing field") {
        return NEEDED.to_owned();
    }
    match said.split_once(", expected ") {
        Some((what, rest)) if what.starts_with("unknown field") => match rest {
            "there are no fields" => "there is no such field".to_owned(),
            rest => format!("there is no such field: known are {}", choices(rest)),
        },
        Some((what, rest)) if what.starts_with("unknown variant") => format!("this is one of {}", choices(rest)),
        Some((what, rest)) => match what.split_once(": ") {
            Some(("invalid type" | "invalid value", found)) => format!("this is {}, not {}", found.replace('`', ""), choices(rest)),
            _ => said.to_owned(),
        },
        None => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Body {
        name: String,
        count: u8,
        kind: Option<Kind>,
        list: Vec<String>,
        inner: Inner,
    }

    #[derive(Debug, Clone, Copy, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Other,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        on: bool,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[allow(dead_code)]
        token: String,
    }

    fn told(wrong: Wrong) -> Vec<(String, String)> {
        wrong.0.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn all_that_does_not_fit_is_noted() {
        let body = json!({
            "name": 5, "count": -1, "kind": "third", "list": ["a", 1, 2], "inner": {"on": "yes", "off": 1}, "a/b": null, "more": 1,
        });
        let (read, wrong): (Body, Wrong) = read(body).unwrap();
        assert_eq!((read.name.as_str(), read.count, read.kind.is_some(), read.list.len(), read.inner.on), ("", 0, false, 0, false));
        let mut told = told(wrong);
        told.sort();
        let pointers: Vec<&str> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/a~1b", "/count", "/inner/off", "/inner/on", "/kind", "/list/1", "/more", "/name"]);
        assert_eq!(told[4].1, "this is one of one, other");
        assert_eq!(told[7].1, "this is integer 5, not a string");
        assert!(told[6].1.starts_with("there is no such field: known are name, count"), "{told:?}");
        let kinds: [Kind; 2] = serde_json::from_value(json!(["one", "other"])).unwrap();
        assert!(matches!(kinds, [Kind::One, Kind::Other]));
    }

    #[test]
    fn what_is_missing_is_named_beside_the_rest() {
        let Err(Problem::Rejected(errors)) = read::<Strict>(json!({"tokn": "x"})) else { panic!() };
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/tokn", "/token"]);
        assert_eq!(errors[1].detail, NEEDED);
        for body in [json!(["x"]), json!(5), json!(null)] {
            let Err(Problem::Rejected(errors)) = read::<Strict>(body) else { panic!() };
            assert_eq!(errors.len(), 1, "{errors:?}");
        }
    }

    #[test]
    fn a_field_is_complained_about_once() {
        let mut wrong = Wrong::default();
        wrong.note("/name", "this is integer 5, not a string");
        assert!(wrong.keep::<()>("/name", Err(Rejected::because("too short"))).is_none());
        wrong.needed("/token", "");
        assert_eq!(told(wrong).len(), 2);
    }
}
