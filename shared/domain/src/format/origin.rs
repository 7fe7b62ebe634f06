//! Where an element came from: how it stood in a file of format 1 or 2.0, beside its JSON of format 2.1. It is kept
//! apart from that JSON, so nobody edits it, and it lets the file come back as it was: what nobody changed is given
//! back as it was written, and of what was changed only the members that the change concerns are other ones.

use super::Version;
use super::parts::Obj;
use crate::json::{self, Builder};

/// Members of an origin beside `format` and `own`: `at` (its place in the file's flat list), `in` (what it stood in, where
/// the element itself says otherwise), and the orders of its children, where the element itself says otherwise.
pub(super) struct Origin<'a> {
    pub(super) version: Version,
    pub(super) own: &'a str,
    pub(super) more: Obj<'a>,
}

impl<'a> Origin<'a> {
    /// Reads what [`write`] wrote.
    pub(super) fn read(text: &'a str) -> Option<Origin<'a>> {
        let more = Obj::of(text);
        let version = Version::parse(&json::text(more.get("format")?)?)?;
        Some(Origin { version, own: more.get("own")?, more })
    }
}

/// An origin: the version, the element as it stood in the file, and what else must be known of it.
pub(super) fn write(version: Version, own: &str, more: &[(&str, String)]) -> String {
    let mut out = Builder::object();
    out.put("format", &json::quote(version.as_str()));
    for (name, value) in more {
        out.put(name, value);
    }
    out.put("own", own);
    out.finish()
}

/// `own`, whose conversion there and back gave `base`, where it should now give `now`: members that are the same in both
/// stay as they are in `own`, whatever they are there; the others become what they are now. `depth` levels of it.
pub(super) fn overlay(own: &str, base: &str, now: &str, depth: usize) -> String {
    if json::same(base, now) {
        return own.to_owned();
    }
    if depth == 0 || ![own, base, now].into_iter().all(json::is_object) {
        return now.to_owned();
    }
    let (was, base, next) = (json::members(own), Obj::of(base), Obj::of(now));
    let name = |key: &str| json::text(key).unwrap_or_default();
    let mut out = Builder::object();
    for (index, (key, value)) in was.iter().enumerate() {
        let named = name(key);
        // Of a repeated key only the last one means something.
        let repeated = was[index + 1..].iter().any(|(later, _)| json::is_key(later, &named));
        match (base.get(&named), next.get(&named)) {
            _ if repeated => out.member(key, value),
            (None, None) => out.member(key, value),
            (Some(before), Some(after)) => out.member(key, &overlay(value, before, after, depth - 1)),
            (None, Some(after)) => out.member(key, after),
            (Some(_), None) => (),
        }
    }
    for (key, value) in next.members() {
        let named = name(key);
        let new = !was.iter().any(|(old, _)| json::is_key(old, &named));
        if new && base.get(&named).is_none_or(|before| !json::same(before, value)) {
            out.member(key, value);
        }
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_changes() {
        let own = r#"{"x":1.0,"x":2,"name":"A","request":{"url":"u","odd":[ 1 ]},"gone":1}"#;
        let base = r#"{"name":"A","request":{"url":"u"},"gone":1,"extra":[]}"#;
        assert_eq!(overlay(own, base, base, 3), own);
        let now = r#"{"name":"B","request":{"url":"v","method":"PUT"},"extra":[],"more":2}"#;
        assert_eq!(overlay(own, base, now, 3), r#"{"x":1.0,"x":2,"name":"B","request":{"url":"v","odd":[ 1 ],"method":"PUT"},"more":2}"#);
    }
}
