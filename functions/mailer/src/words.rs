//! How a change is put into words, without giving away what may be a secret.

use domain::access::TeamRole;
use domain::change::{Change, Counts, Op};
use domain::collection::Kind;
use domain::merge::FieldChange;
pub(crate) use domain::words::{kind, line, thing};

/// A value longer than this is shortened.
const VALUE_CHARS: usize = 120;
/// Places of one change that a letter lists.
pub(crate) const LINES: usize = 12;
/// A place whose path has one of these words can hold a password, a token or a key: its values stay out of mails.
const SECRET: [&str; 8] = ["auth", "variable", "password", "token", "secret", "key", "script", "exec"];

/// A role, with its article.
pub(crate) fn role(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Viewer => "a viewer",
        TeamRole::Editor => "an editor",
        TeamRole::Admin => "an admin",
    }
}

/// What was done: `changed the request “List orders”`.
pub(crate) fn deed(change: &Change) -> String {
    domain::words::deed(change.op, change.item.as_ref(), change.merged.as_deref())
}

/// The name of what was touched, for a subject.
pub(crate) fn subject(change: &Change, collection: &str) -> String {
    let name = match &change.item {
        Some(item) if item.kind != Kind::Collection => format!(" · {}", short(&line(&item.name))),
        _ => String::new(),
    };
    let done = match change.op {
        Op::Create => "added",
        Op::Update => "changed",
        Op::Move => "moved",
        Op::Delete => "deleted",
        Op::Import if change.merged.is_some() => "merged",
        Op::Import => "imported",
        Op::Restore => "restored",
    };
    format!("{}{name} {done} by {}", short(&line(collection)), change.actor.username)
}

/// How many elements, for a change of many.
pub(crate) fn counts(counts: &Counts) -> String {
    let parts = [(counts.created, "new"), (counts.updated, "changed"), (counts.deleted, "removed"), (counts.unchanged, "unchanged")];
    let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    parts.join(", ")
}

/// One changed place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) place: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// The changed places that a letter lists.
pub(crate) fn lines(changes: &[FieldChange]) -> Vec<Line> {
    let of = |change: &FieldChange| {
        let place = change.pointer.trim_start_matches('/').replace('/', " › ").replace("~1", "/").replace("~0", "~");
        let folded = change.pointer.to_lowercase();
        let hidden = SECRET.iter().any(|word| folded.contains(word));
        let value = |raw: &Option<Box<serde_json::value::RawValue>>| {
            raw.as_ref().map(|raw| if hidden { "(not shown)".to_owned() } else { value(raw.get()) })
        };
        Line {
            place: if place.is_empty() { "everything".to_owned() } else { short(&line(&place)) },
            before: value(&change.before),
            after: value(&change.after),
        }
    };
    changes.iter().take(LINES).map(of).collect()
}

/// Texts and numbers as they are; of lists and objects, which hold headers and parameters, the size only.
fn value(raw: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(raw) {
        Ok(serde_json::Value::String(text)) => short(&line(&text)),
        Ok(serde_json::Value::Array(list)) => amount(list.len(), "entry", "entries"),
        Ok(serde_json::Value::Object(object)) => amount(object.len(), "field", "fields"),
        Ok(plain) => plain.to_string(),
        Err(_) => "(a value)".to_owned(),
    }
}

fn amount(count: usize, one: &str, many: &str) -> String {
    format!("({count} {})", if count == 1 { one } else { many })
}

fn short(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::merge::raw;

    fn field(pointer: &str, before: Option<&str>, after: Option<&str>) -> FieldChange {
        FieldChange { pointer: pointer.to_owned(), before: before.and_then(raw), after: after.and_then(raw) }
    }

    #[test]
    fn what_may_be_a_secret_is_not_told() {
        let changes = [
            field("/request/url", Some("\"http://a\""), Some("\"http://b\"")),
            field("/request/auth/bearer", Some("[{\"value\":\"hunter2\"}]"), Some("\"hunter2\"")),
            field("/request/header", Some("[]"), Some("[{\"key\":\"Authorization\",\"value\":\"hunter2\"}]")),
            field("/variable", None, Some("\"hunter2\"")),
        ];
        let lines = lines(&changes);
        assert_eq!(lines[0], Line { place: "request › url".into(), before: Some("http://a".into()), after: Some("http://b".into()) });
        assert_eq!(lines[2].after.as_deref(), Some("(1 entry)"));
        assert!(!format!("{lines:?}").contains("hunter2"));
    }

    #[test]
    fn long_and_many_lined_values_stay_short() {
        assert_eq!(value("\"a\\n  b\\u0000c\""), "a b c");
        assert_eq!(value(&format!("\"{}\"", "ä".repeat(500))).chars().count(), VALUE_CHARS + 1);
        assert_eq!(value("{\"a\":1}"), "(1 field)");
        assert_eq!(counts(&Counts { created: 2, updated: 0, deleted: 1, unchanged: 7 }), "2 new, 1 removed, 7 unchanged");
    }
}
