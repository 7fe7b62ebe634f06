//! What goes in comes out (promise G6): a comparison of JSON texts that sees what a value tree does not: the order and
//! repetition of keys, the spelling of numbers, lone surrogates. Written apart from the product's own reader on purpose.

use std::fmt::Write;

/// A JSON value as it was written. Strings are UTF-16 code units, because `"\ud800"` is one.
#[derive(Clone, Debug, PartialEq)]
pub enum Exact {
    /// `null`, `true`, `false`, or a number in its own spelling.
    Literal(String),
    /// A string.
    Text(Vec<u16>),
    /// An array.
    Array(Vec<Exact>),
    /// An object: its members in order, repeated ones too.
    Object(Vec<(Vec<u16>, Exact)>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Exact {
    /// Reads a text; fails the test where it is not JSON.
    #[track_caller]
    pub fn read(text: &str) -> Exact {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value();
        reader.space();
        assert_eq!(reader.at, text.len(), "something follows the JSON value");
        value
    }

    /// The member of an object.
    #[track_caller]
    pub fn get(&self, key: &str) -> &Exact {
        let Exact::Object(members) = self else { panic!("no object: {self:?}") };
        let wanted = units(key);
        let found = members.iter().find(|(key, _)| *key == wanted);
        &found.unwrap_or_else(|| panic!("no {key}")).1
    }
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

impl Reader<'_> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let there = self.peek() == byte;
        self.at += usize::from(there);
        there
    }

    fn value(&mut self) -> Exact {
        self.space();
        match self.peek() {
            b'{' => {
                self.at += 1;
                let mut members = Vec::new();
                if self.take(b'}') {
                    return Exact::Object(members);
                }
                loop {
                    self.space();
                    let key = self.string();
                    assert!(self.take(b':'), "no colon at {}", self.at);
                    members.push((key, self.value()));
                    if !self.take(b',') {
                        assert!(self.take(b'}'), "no end of the object at {}", self.at);
                        return Exact::Object(members);
                    }
                }
            }
            b'[' => {
                self.at += 1;
                let mut entries = Vec::new();
                if self.take(b']') {
                    return Exact::Array(entries);
                }
                loop {
                    entries.push(self.value());
                    if !self.take(b',') {
                        assert!(self.take(b']'), "no end of the array at {}", self.at);
                        return Exact::Array(entries);
                    }
                }
            }
            b'"' => Exact::Text(self.string()),
            _ => {
                let from = self.at;
                while matches!(self.peek(), b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') {
                    self.at += 1;
                }
                assert!(from < self.at, "no value at {from}");
                Exact::Literal(self.text[from..self.at].to_owned())
            }
        }
    }

    fn string(&mut self) -> Vec<u16> {
        assert_eq!(self.peek(), b'"', "no string at {}", self.at);
        self.at += 1;
        let mut units = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let c = rest.chars().next().expect("the string ends");
            self.at += c.len_utf8();
            match c {
                '"' => return units,
                '\\' => {
                    let escaped = self.peek();
                    self.at += 1;
                    let plain = match escaped {
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => 10,
                        b'r' => 13,
                        b't' => 9,
                        b'u' => {
                            let hex = &self.text[self.at..self.at + 4];
                            self.at += 4;
                            u16::from_str_radix(hex, 16).expect("four hexadecimal digits")
                        }
                        other => u16::from(other),
                    };
                    units.push(plain);
                }
                c => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }
}

/// Names under which the server may give an id to an object that came without.
const IDS: [&str; 3] = ["id", "_postman_id", "uid"];

/// Every difference between a collection that was sent and what came back. None: it is the same collection. An id that
/// the server added is no difference; one that it changed is, except the collection's own (in `info`) and one that the
/// file has twice: two elements cannot have the same address.
pub fn differences(sent: &Exact, back: &Exact) -> Vec<String> {
    let mut found = Found::default();
    compare(sent, back, &mut String::new(), &mut found);
    found.differences
}

#[derive(Default)]
struct Found {
    differences: Vec<String>,
    ids: Vec<Exact>,
}

impl Found {
    fn push(&mut self, difference: String) {
        self.differences.push(difference);
    }

    /// Whether an id was there before.
    fn again(&mut self, id: &Exact) -> bool {
        let again = self.ids.contains(id);
        if !again {
            self.ids.push(id.clone());
        }
        again
    }
}

fn compare(sent: &Exact, back: &Exact, at: &mut String, found: &mut Found) {
    match (sent, back) {
        (Exact::Array(sent), Exact::Array(back)) => {
            if sent.len() != back.len() {
                found.push(format!("{at}: {} entries became {}", sent.len(), back.len()));
            }
            for (index, (sent, back)) in sent.iter().zip(back).enumerate() {
                within(at, &index.to_string(), |at| compare(sent, back, at, found));
            }
        }
        (Exact::Object(sent), Exact::Object(back)) => objects(sent, back, at, found),
        _ if sent == back => (),
        _ => found.push(format!("{at}: {} became {}", shown(sent), shown(back))),
    }
}

fn objects(sent: &[(Vec<u16>, Exact)], back: &[(Vec<u16>, Exact)], at: &mut String, found: &mut Found) {
    let name = |key: &[u16]| String::from_utf16_lossy(key);
    let had = |key: &[u16]| sent.iter().any(|(sent, _)| sent == key);
    let kept: Vec<_> = back.iter().filter(|(key, _)| had(key) || !IDS.contains(&name(key).as_str())).collect();
    let (before, after): (Vec<_>, Vec<_>) =
        (sent.iter().map(|(key, _)| name(key)).collect(), kept.iter().map(|(key, _)| name(key)).collect());
    if before != after {
        found.push(format!("{at}: the keys {before:?} became {after:?}"));
        return;
    }
    for ((key, sent), (_, back)) in sent.iter().zip(kept) {
        let key = name(key);
        if IDS.contains(&key.as_str()) && (at == "/info" || (key == "id" && found.again(sent))) {
            continue;
        }
        within(at, &key, |at| compare(sent, back, at, found));
    }
}

fn within(at: &mut String, step: &str, then: impl FnOnce(&mut String)) {
    let length = at.len();
    write!(at, "/{step}").expect("a text can be written to");
    then(at);
    at.truncate(length);
}

fn shown(value: &Exact) -> String {
    let text = match value {
        Exact::Text(units) => format!("{:?}", String::from_utf16_lossy(units)),
        other => format!("{other:?}"),
    };
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differ(sent: &str, back: &str) -> bool {
        !differences(&Exact::read(sent), &Exact::read(back)).is_empty()
    }

    #[test]
    fn what_a_value_tree_does_not_see() {
        assert!(differ(r#"{"a":1.0}"#, r#"{"a":1}"#));
        assert!(differ(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
        assert!(differ(r#"{"a":1,"a":2}"#, r#"{"a":2}"#));
        assert!(differ(r#"{"a":[]}"#, r#"{}"#));
        assert!(differ(r#"{"a":"\ud800"}"#, r#"{"a":"\ufffd"}"#));
        assert!(differ(r#"{"id":"x"}"#, r#"{"id":"y"}"#));
        assert!(!differ(r#"{"a":"\u00e9"}"#, "{ \"a\" : \"é\" }"));
        assert!(!differ(r#"{"a":{}}"#, r#"{"a":{"id":"new"}}"#));
        assert!(!differ(r#"{"info":{"_postman_id":"x"}}"#, r#"{"info":{"_postman_id":"y"}}"#));
    }
}
