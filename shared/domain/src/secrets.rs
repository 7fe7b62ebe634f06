//! What looks like a secret in a collection: found before anybody is let in to read it. It finds well-known shapes, values
//! whose names say what they are, and texts that look drawn at random; what it does not know it does not find.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Findings of one element; more are not told.
const OF_ONE: usize = 50;
/// Nobody types so much: a text is looked at up to here.
const TEXT: usize = 1024 * 1024;

/// Something that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it stands in the element.
    pub pointer: String,
    /// What it looks like.
    pub kind: &'static str,
    /// As much of it as tells it from others, and how long it is.
    pub masked: String,
}

static SHAPES: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let shapes = [
        ("private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
        ("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
        ("GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
        ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
        ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("Slack webhook", r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
        ("Stripe key", r"\b(?:(?:sk|rk)_(?:live|test)|whsec)_[A-Za-z0-9]{16,}"),
        ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
        ("Google token", r"\bya29\.[0-9A-Za-z_-]{20,}"),
        ("Postman API key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),
        ("SendGrid key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
        ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("OpenAI key", r"\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}"),
        ("JSON Web Token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
        ("password in a URL", r"://[^\s/:@{}<>]+:[^\s/@{}<>]{3,}@"),
    ];
    shapes.into_iter().filter_map(|(kind, shape)| Some((kind, Regex::new(shape).ok()?))).collect()
});

/// What a name says of its value.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = "pass(?:word|wd|phrase|code)?|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|client[-_ ]?secret|credentials?|signature";
    Regex::new(&format!("(?i)^(?:.*[-_. ])?(?:{words})$|(?i:(?:password|secret|token|apikey|accesskey|privatekey)s?$)")).ok()
});

/// A named text inside a text: in a body that is JSON, or a form.
static INSIDE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)["']?([a-z0-9_.-]*(?:password|passwd|secret|token|api_?key|access_?key))["']?\s*[:=]\s*["']([^"'\s]{4,})["']"#).ok()
});

static SCHEME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?is)^\s*(?:bearer|basic|token|digest)\s+(.{4,})$").ok());

static LONG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_-]{32,}={0,2}").ok());

static UUID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}").ok());

/// Whether a value stands for itself: not for a variable, nor for what a reader shall put in.
fn literal(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let stands_for = value.contains("{{") || value.starts_with(['<', '$', '%', '{', '[']) || lower.starts_with("your");
    let filler = value.chars().all(|c| matches!(c, 'x' | 'X' | '*' | '.' | '-' | '_' | '•' | '0'));
    let word = ["string", "null", "none", "true", "false", "todo", "changeme", "example", "password", "secret", "token", "bearer", "text"];
    4 <= value.chars().count() && !stands_for && !filler && !word.contains(&lower.as_str())
}

fn mask(value: &str, shown: bool) -> String {
    let length = value.chars().count();
    let start: String = if shown && 16 <= length { value.chars().take(4).collect() } else { String::new() };
    format!("{start}•••• ({length} characters)")
}

/// How many bits a character of a text says, if its characters were drawn as they occur.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / all).map(|share| -share * share.log2()).sum()
}

fn drawn_at_random(text: &str) -> bool {
    let has = |wanted: fn(&u8) -> bool| text.as_bytes().iter().any(wanted);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let hex = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) && has(u8::is_ascii_digit);
    // A path of words has slashes and long runs of letters; what was drawn has not.
    let words = text.split(['/', '-', '_']).any(|part| part.len() > 12 && part.bytes().all(|byte| byte.is_ascii_lowercase()));
    (mixed && !words && 4.2 <= entropy(text)) || (hex && 3.0 <= entropy(text))
}

struct Found {
    all: BTreeSet<Finding>,
}

impl Found {
    fn note(&mut self, pointer: &str, kind: &'static str, value: &str, shown: bool) {
        if self.all.len() < OF_ONE {
            self.all.insert(Finding { pointer: pointer.to_owned(), kind, masked: mask(value, shown) });
        }
    }

    /// A value with a name.
    fn named(&mut self, pointer: &str, name: &str, value: &str) {
        let scheme = SCHEME.as_ref().and_then(|scheme| scheme.captures(value)).and_then(|found| found.get(1));
        if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization") {
            let token = scheme.map_or(value, |found| found.as_str());
            if literal(token) && literal(value) {
                self.note(pointer, "credential in a header", token, false);
            }
            return;
        }
        if NAMED.as_ref().is_some_and(|named| named.is_match(name)) && literal(value) {
            self.note(pointer, "value whose name says that it is secret", value, false);
        }
    }

    /// A text, whatever it is for.
    fn text(&mut self, pointer: &str, text: &str) {
        let text = match text.char_indices().nth(TEXT) {
            Some((end, _)) => &text[..end],
            None => text,
        };
        let before = self.all.len();
        for (kind, shape) in SHAPES.iter() {
            for found in shape.find_iter(text).take(5) {
                self.note(pointer, kind, found.as_str(), true);
            }
        }
        for found in INSIDE.as_ref().map(|inside| inside.captures_iter(text)).into_iter().flatten().take(5) {
            if let Some(value) = found.get(2).map(|value| value.as_str()).filter(|value| literal(value)) {
                self.note(pointer, "value whose name says that it is secret", value, false);
            }
        }
        if self.all.len() > before {
            return;
        }
        for found in LONG.as_ref().map(|long| long.find_iter(text)).into_iter().flatten().take(20) {
            let one = found.as_str();
            let is_id = UUID.as_ref().is_some_and(|uuid| uuid.is_match(one));
            if !is_id && drawn_at_random(one) {
                self.note(pointer, "text that looks drawn at random", one, true);
            }
        }
    }
}

/// What looks like a secret in an element's own JSON, by its place. A JSON that nests too deep is looked at as text.
pub fn scan(json: &str) -> Vec<Finding> {
    let mut found = Found { all: BTreeSet::new() };
    let Ok(whole) = serde_json::from_str::<Value>(json) else {
        found.text("", json);
        return found.all.into_iter().collect();
    };
    let mut rest: Vec<(String, &Value)> = vec![(String::new(), &whole)];
    while let Some((pointer, value)) = rest.pop() {
        match value {
            Value::String(text) => found.text(&pointer, text),
            Value::Array(values) => rest.extend(values.iter().enumerate().map(|(at, value)| (format!("{pointer}/{at}"), value))),
            Value::Object(members) => {
                let text = |name: &str| members.get(name).and_then(Value::as_str);
                if let (Some(name), Some(value)) = (text("key").or_else(|| text("name")), text("value")) {
                    found.named(&format!("{pointer}/value"), name, value);
                }
                for (name, value) in members {
                    let here = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    if matches!(name.as_str(), "id" | "uid" | "_postman_id" | "schema" | "info" | "key" | "name") && value.is_string() {
                        continue;
                    }
                    if let Value::String(value) = value {
                        found.named(&here, name, value);
                    }
                    rest.push((here, value));
                }
            }
            _ => (),
        }
    }
    found.all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(json: serde_json::Value) -> Vec<(String, &'static str)> {
        scan(&json.to_string()).into_iter().map(|finding| (finding.pointer, finding.kind)).collect()
    }

    #[test]
    fn well_known_shapes_are_found_where_they_stand() {
        // Put together here, so that nobody's scan of this file finds them.
        let shape = |parts: &[&str]| parts.concat();
        for (text, kind) in [
            (shape(&["AKI", "AIOSFODNN7EXAMPLE"]), "AWS access key"),
            (shape(&["-----BEGIN RSA PRIV", "ATE KEY-----\nMIIE"]), "private key"),
            (shape(&["ghp", "_abcdefghijklmnopqrstuvwxyz0123456789"]), "GitHub token"),
            (shape(&["xox", "b-123456789012-abcdefghijkl"]), "Slack token"),
            (shape(&["sk_", "live_abcdefghijklmnop1234"]), "Stripe key"),
            (shape(&["AIz", "aSyA-0123456789abcdefghijklmnopqrstu"]), "Google API key"),
            (shape(&["eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"]), "JSON Web Token"),
            ("https://ann:correcthorse@db.example".to_owned(), "password in a URL"),
        ] {
            let found = scan(&serde_json::json!({"request": {"body": {"raw": format!("x {text} y")}}}).to_string());
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].pointer.as_str(), found[0].kind), ("/request/body/raw", kind));
            assert!(!found[0].masked.contains(&text[4..]), "{}", found[0].masked);
        }
    }

    #[test]
    fn names_say_what_a_value_is() {
        let secret = "value whose name says that it is secret";
        let auth = serde_json::json!({"auth": {"type": "basic", "basic": [{"key": "password", "value": "hunter22"}, {"key": "username", "value": "ann"}]}});
        assert_eq!(kinds(auth), [("/auth/basic/0/value".to_owned(), secret)]);
        let older = serde_json::json!({"auth": {"bearer": {"token": "letmein-letmein"}}});
        assert_eq!(kinds(older), [("/auth/bearer/token".to_owned(), secret)]);
        let header = serde_json::json!({"request": {"header": [{"key": "Authorization", "value": "Basic YW5uOmh1bnRlcg=="}]}});
        assert_eq!(kinds(header), [("/request/header/0/value".to_owned(), "credential in a header")]);
        let variable =
            serde_json::json!({"variable": [{"key": "db_password", "value": "s3cr3t!"}, {"key": "host", "value": "example.com"}]});
        assert_eq!(kinds(variable), [("/variable/0/value".to_owned(), secret)]);
        let body = serde_json::json!({"request": {"body": {"raw": "{\"user\": \"ann\", \"password\": \"hunter22\"}"}}});
        assert_eq!(kinds(body), [("/request/body/raw".to_owned(), secret)]);
        let long = serde_json::json!({"variable": [{"key": "x", "value": "q8Zr3vYk1LwPz7TnB5sXc9HdGf2JmA4e"}]});
        assert_eq!(kinds(long), [("/variable/0/value".to_owned(), "text that looks drawn at random")]);
        let masked = &scan("{\"password\": \"hunter22\"}")[0].masked;
        assert_eq!(masked, "•••• (8 characters)");
    }

    #[test]
    fn what_stands_for_something_else_is_none() {
        for value in ["{{token}}", "<your token>", "", "xxxxxxxx", "********", "your-api-key", "changeme", "$TOKEN"] {
            assert_eq!(kinds(serde_json::json!({"variable": [{"key": "token", "value": value}]})), [], "{value}");
            assert_eq!(kinds(serde_json::json!({"header": [{"key": "Authorization", "value": format!("Bearer {value}")}]})), [], "{value}");
        }
        let plain = serde_json::json!({
            "id": "0199aaaa-0000-7000-8000-000000000000",
            "name": "Get a token",
            "request": {"method": "GET", "url": "https://api.example.com/v1/customers/0199aaaa-0000-7000-8000-000000000000/orders?page=1",
                "description": "Gives an access token to whoever shows a password. See https://example.com/documentation/authentication-and-authorization"},
        });
        assert_eq!(kinds(plain), []);
    }

    #[test]
    fn hostile_documents_end() {
        let deep = format!("{}\"ghp_{}\"{}", "[".repeat(10_000), "a".repeat(40), "]".repeat(10_000));
        assert_eq!(scan(&deep).len(), 1);
        let many: Vec<_> = (0..1_000).map(|at| serde_json::json!({"key": "password", "value": format!("hunter-{at}")})).collect();
        assert_eq!(scan(&serde_json::json!(many).to_string()).len(), OF_ONE);
        scan(&format!("{{\"a\": \"{}\"}}", "A1b".repeat(1_000_000)));
        scan("");
    }
}
