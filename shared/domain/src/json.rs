//! JSON as text. What goes in comes out (promise G6), so nothing here turns a document into values and back: number
//! literals, key order, repeated keys, escapes and lone surrogates stay as they were written. A document is checked
//! once ([`check`], with `serde_json`'s own reader); everything else only walks text that is known to be JSON.

use serde::de::IgnoredAny;

use crate::Rejected;

/// Where and why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in bytes.
    pub column: usize,
    /// What the reader says.
    pub reason: String,
}

/// Checks that `text` is one JSON value (RFC 8259) nested no deeper than `deepest`.
pub fn check(text: &str, deepest: usize) -> Result<(), Malformed> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| Malformed {
        line: error.line(),
        column: error.column(),
        reason: error.to_string(),
    })?;
    let mut depth = 0_usize;
    let mut at = Cursor::new(text);
    while let Some(byte) = at.peek() {
        match byte {
            b'"' => {
                at.string();
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => (),
        }
        if depth > deepest {
            let before = &text[..at.at];
            return Err(Malformed {
                line: before.matches('\n').count() + 1,
                column: before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1,
                reason: format!("nested deeper than {deepest} values"),
            });
        }
        at.at += 1;
    }
    Ok(())
}

/// Decodes a file: UTF-8 with or without a byte order mark, or UTF-16 with one (or with a first character that shows it).
/// Half of a surrogate pair, which no Rust text can hold, becomes its escape: in a JSON string that is the same character.
pub fn decode(bytes: &[u8]) -> Result<String, Rejected> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [b'{' | b'[', 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, b'{' | b'[', ..] => wide(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => match std::str::from_utf8(rest) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(Rejected::because(format!("the body is not UTF-8 from byte {} on", error.valid_up_to()))),
        },
    }
}

fn wide(pairs: &[u8], read: fn([u8; 2]) -> u16) -> Result<String, Rejected> {
    if !pairs.len().is_multiple_of(2) {
        return Err(Rejected::because(format!("the body is UTF-16 that ends in half a character, at byte {}", pairs.len())));
    }
    let units = pairs.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    let mut text = String::with_capacity(pairs.len() / 2);
    for character in char::decode_utf16(units) {
        match character {
            Ok(character) => text.push(character),
            Err(half) => text.push_str(&format!("\\u{:04x}", half.unpaired_surrogate())),
        }
    }
    Ok(text)
}

/// A walk over text that is known to be JSON.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// The byte here.
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space, where the cursor then stands.
    pub fn next_token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.peek()
    }

    /// Steps over one byte of punctuation.
    pub fn step(&mut self) {
        self.at += 1;
    }

    /// The string that starts here, with its quotes, as written.
    pub fn string(&mut self) -> &'a str {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at = (self.at + 1).min(bytes.len());
        &self.text[start..self.at]
    }

    /// The value that starts here, as written.
    pub fn value(&mut self) -> &'a str {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string();
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        break;
                    }
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => break,
                _ => (),
            }
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// The key that starts here and the value behind its colon.
    pub fn member(&mut self) -> (&'a str, &'a str) {
        let key = self.key();
        (key, self.value())
    }

    /// The key that starts here; the cursor then stands on its value.
    pub fn key(&mut self) -> &'a str {
        let key = self.string();
        self.next_token();
        self.step();
        self.next_token();
        key
    }
}

/// The members of an object in their order: key and value as written. Empty for anything but an object.
pub fn members(object: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut at = Cursor::new(object);
    if at.next_token() != Some(b'{') {
        return found;
    }
    at.step();
    while let Some(byte) = at.next_token() {
        match byte {
            b'"' => found.push(at.member()),
            b',' => at.step(),
            _ => break,
        }
    }
    found
}

/// The entries of an array, as written. Empty for anything but an array.
pub fn entries(array: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = Cursor::new(array);
    if at.next_token() != Some(b'[') {
        return found;
    }
    at.step();
    while let Some(byte) = at.next_token() {
        match byte {
            b']' => break,
            b',' => at.step(),
            _ => found.push(at.value()),
        }
    }
    found
}

/// The last value under `key` (what a JavaScript reader sees where a key is repeated).
pub fn get<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object).into_iter().rev().find(|(raw, _)| is_key(raw, key)).map(|(_, value)| value)
}

/// Whether a key as written spells `key`.
pub fn is_key(raw: &str, key: &str) -> bool {
    let inside = &raw[1..raw.len() - 1];
    inside == key || (inside.contains('\\') && text(raw).is_some_and(|decoded| decoded == key))
}

/// The text of a JSON string; `None` for other values and for lone surrogates, which Rust's strings cannot hold.
pub fn text(raw: &str) -> Option<String> {
    raw.starts_with('"').then(|| serde_json::from_str(raw).ok()).flatten()
}

/// `text` as a JSON string.
pub fn quote(text: &str) -> String {
    // A string always serializes; the fallback keeps this total.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

/// Whether a value as written is an object.
pub fn is_object(raw: &str) -> bool {
    raw.trim_start().starts_with('{')
}

/// Whether a value as written is an array.
pub fn is_array(raw: &str) -> bool {
    raw.trim_start().starts_with('[')
}

/// The same value without white space between tokens. Number literals, escapes and key order stay.
pub fn minify(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut at = Cursor::new(raw);
    while let Some(byte) = at.next_token() {
        if byte == b'"' {
            out.push_str(at.string());
        } else {
            out.push(char::from(byte));
            at.step();
        }
    }
    out
}

/// Whether two values are the same but for white space between tokens.
pub fn same(one: &str, other: &str) -> bool {
    one == other || minify(one) == minify(other)
}

/// `object` with `key` set to `value` in its place, or at the end where it is new; removed where `value` is `None`.
/// Of a repeated key the last one is set, and all are removed.
pub fn set(object: &str, key: &str, value: Option<&str>) -> String {
    let all = members(object);
    let last = all.iter().rposition(|(raw, _)| is_key(raw, key));
    let mut out = Builder::object();
    for (index, (raw, old)) in all.iter().enumerate() {
        match value {
            Some(new) if Some(index) == last => out.member(raw, new),
            None if is_key(raw, key) => (),
            _ => out.member(raw, old),
        }
    }
    if let (None, Some(new)) = (last, value) {
        out.member(&quote(key), new);
    }
    out.finish()
}

/// `patch` applied to `target` as a JSON Merge Patch (RFC 7396): objects are merged, `null` removes, all else replaces.
pub fn merge_patch(target: &str, patch: &str) -> String {
    if !is_object(patch) {
        return patch.to_owned();
    }
    let start = if is_object(target) { target } else { "{}" };
    members(patch).into_iter().fold(start.to_owned(), |state, (raw, value)| {
        let Some(key) = text(raw) else { return state };
        match value {
            "null" => set(&state, &key, None),
            _ => {
                let old = get(&state, &key).unwrap_or("null").to_owned();
                set(&state, &key, Some(&merge_patch(&old, value)))
            }
        }
    })
}

/// An array of values as written.
pub fn array(entries: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut out = "[".to_owned();
    for entry in entries {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(entry.as_ref());
    }
    out.push(']');
    out
}

/// Writes an object member by member.
#[derive(Debug)]
pub struct Builder {
    out: String,
}

impl Builder {
    /// Starts an object.
    pub fn object() -> Builder {
        Builder { out: "{".to_owned() }
    }

    /// Adds a member: a key with its quotes and a value, both as written.
    pub fn member(&mut self, raw_key: &str, value: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.out.push_str(raw_key);
        self.out.push(':');
        self.out.push_str(value);
    }

    /// Adds a member under a name that needs no escapes.
    pub fn put(&mut self, name: &str, value: &str) {
        self.member(&format!("\"{name}\""), value);
    }

    /// Ends it.
    pub fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARD: &str = r#" { "a" : 1.0 , "a" : 1e3, "\u0062":"x\"}",  "c":[ 1 ,{"d": "\ud800"} ,[]], "" : null , "e":{} } "#;

    #[test]
    fn members_keep_what_was_written() {
        let found = members(HARD);
        assert_eq!(found.len(), 6);
        assert_eq!(found[0], ("\"a\"", "1.0"));
        assert_eq!(found[1], ("\"a\"", "1e3"));
        assert_eq!(get(HARD, "b"), Some(r#""x\"}""#));
        assert_eq!(entries(get(HARD, "c").unwrap()), ["1", r#"{"d": "\ud800"}"#, "[]"]);
        assert_eq!(get(HARD, ""), Some("null"));
        assert!(members("[1]").is_empty() && entries("{}").is_empty());
    }

    #[test]
    fn setting_changes_one_member_only() {
        assert_eq!(set(r#"{"a":1.0, "b":2}"#, "b", Some("3e0")), r#"{"a":1.0,"b":3e0}"#);
        assert_eq!(set(r#"{"a":1}"#, "b", Some("[]")), r#"{"a":1,"b":[]}"#);
        assert_eq!(set(r#"{"a":1,"a":2}"#, "a", None), "{}");
    }

    #[test]
    fn merge_patches_follow_the_rfc() {
        // The examples of RFC 7396, appendix A, that concern objects.
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ] {
            assert_eq!(merge_patch(target, patch), result, "{target} {patch}");
        }
    }

    #[test]
    fn bad_documents_are_named_with_their_place() {
        let error = check("{\n  \"a\": tru }", 10).unwrap_err();
        assert_eq!(error.line, 2);
        let error = check("[[[1]]]", 2).unwrap_err();
        assert_eq!((error.line, error.column), (1, 3));
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        assert!(check(&deep, 100).is_err());
        assert!(check(&deep, 300_000).is_ok());
        assert!(check(HARD, 10).is_ok());
    }

    #[test]
    fn files_are_decoded() {
        assert_eq!(decode(b"\xef\xbb\xbf{}").unwrap(), "{}");
        assert_eq!(decode(&[0xff, 0xfe, b'{', 0, b'}', 0]).unwrap(), "{}");
        assert_eq!(decode(&[0xfe, 0xff, 0, b'{', 0, b'}']).unwrap(), "{}");
        assert_eq!(decode(&[b'{', 0, b'}', 0]).unwrap(), "{}");
        assert_eq!(decode(&[0, b'{', 0, b'}']).unwrap(), "{}");
        assert_eq!(decode(&[0xfe, 0xff, 0, b'"', 0xd8, 0x3d, 0, b'"']).unwrap(), "\"\\ud83d\"");
        assert_eq!(decode(&[0xfe, 0xff, 0xd8, 0x3d, 0xde, 0]).unwrap(), "😀");
        assert!(decode(&[0xff, 0xfe, b'{']).is_err());
        assert!(decode(b"{\"\xff\"}").unwrap_err().0.contains("byte 2"));
    }

    #[test]
    fn minified_text_is_the_same_value() {
        assert_eq!(minify(" { \"a b\" : [ 1.0 , true ] } "), r#"{"a b":[1.0,true]}"#);
        assert!(same("[1, 2]", "[1,2]"));
        assert!(!same("[1.0]", "[1]"));
    }
}
