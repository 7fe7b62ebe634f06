//! URLs as Postman reads them: a text with `{{variables}}` anywhere, taken apart without ever being refused.

use crate::json::{Builder, array, quote};

/// The parts of a URL, as they stand in its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Url<'a> {
    /// The text itself, without white space before it.
    pub raw: &'a str,
    /// What stands before `://`.
    pub protocol: Option<&'a str>,
    /// User and password before `@`.
    pub auth: Option<(&'a str, Option<&'a str>)>,
    /// The host, split at its dots.
    pub host: Vec<&'a str>,
    /// What stands behind the last `:` of the host.
    pub port: Option<&'a str>,
    /// The path, split at its slashes.
    pub path: Option<Vec<&'a str>>,
    /// Names and values of the query; neither for an empty parameter, no value where there is no `=`.
    pub query: Vec<(Option<&'a str>, Option<&'a str>)>,
    /// What stands behind `#`.
    pub hash: Option<&'a str>,
}

/// The text's bytes, with what stands in `{{…}}` made harmless, so that a place in one is a place in the other.
fn masked(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        let inside = open + 2;
        match text[inside..].find(['{', '}']).map(|at| inside + at) {
            Some(close) if text[close..].starts_with("}}") => {
                bytes[inside..close].fill(b'_');
                from = close + 2;
            }
            Some(other) => from = other.max(open + 1),
            None => break,
        }
    }
    bytes
}

impl<'a> Url<'a> {
    /// Takes a URL apart.
    pub fn parse(text: &'a str) -> Url<'a> {
        let text = text.trim_start();
        let mask = masked(text);
        let (mut start, mut end) = (0, text.len());
        let first = |from: usize, to: usize, wanted: &[u8]| mask[from..to].iter().position(|b| wanted.contains(b)).map(|at| from + at);
        let last = |from: usize, to: usize, wanted: u8| mask[from..to].iter().rposition(|b| *b == wanted).map(|at| from + at);
        let split = |mut from: usize, to: usize, at: &[u8]| {
            let mut parts = Vec::new();
            while let Some(next) = first(from, to, at) {
                parts.push(&text[from..next]);
                from = next + 1;
            }
            parts.push(&text[from..to]);
            parts
        };
        let mut url = Url { raw: text, ..Url::default() };
        if let Some(at) = first(start, end, b"#") {
            url.hash = Some(&text[at + 1..end]);
            end = at;
        }
        if let Some(at) = first(start, end, b"?") {
            url.query = split(at + 1, end, b"&").into_iter().map(parameter).collect();
            end = at;
        }
        let window = |wanted: &[u8]| mask[..end].windows(3).position(|three| three == wanted);
        if let Some(at) = window(b"://").or_else(|| window(b":\\\\")) {
            url.protocol = Some(&text[..at]);
            start = at + 3;
        }
        if let Some(at) = first(start, end, b"/\\") {
            url.path = Some(split(at + 1, end, b"/\\"));
            end = at;
        }
        if let Some(at) = last(start, end, b'@') {
            let auth = &text[start..at];
            url.auth = Some(auth.split_once(':').map_or((auth, None), |(user, password)| (user, Some(password))));
            start = at + 1;
        }
        if let Some(at) = last(start, end, b':')
            && !text[at + 1..end].contains(']')
        {
            url.port = Some(&text[at + 1..end]);
            end = at;
        }
        if start < end {
            url.host = split(start, end, b".");
        }
        url
    }

    /// The names of the path's `:variables`, each once.
    pub fn path_variables(&self) -> Vec<&'a str> {
        let mut found: Vec<&str> = Vec::new();
        for name in self.path.iter().flatten().filter_map(|segment| segment.strip_prefix(':')) {
            if !name.is_empty() && !found.contains(&name) {
                found.push(name);
            }
        }
        found
    }

    /// It as the format's object, with other entries for `query` and `variable` where they are given (as JSON).
    pub fn to_json(&self, query: Option<&str>, variable: Option<&str>) -> String {
        let quoted = |parts: &[&str]| array(parts.iter().map(|part| quote(part)));
        let mut out = Builder::object();
        out.put("raw", &quote(self.raw));
        if let Some(protocol) = self.protocol {
            out.put("protocol", &quote(protocol));
        }
        if let Some((user, password)) = self.auth {
            let mut auth = Builder::object();
            auth.put("user", &quote(user));
            if let Some(password) = password {
                auth.put("password", &quote(password));
            }
            out.put("auth", &auth.finish());
        }
        if !self.host.is_empty() {
            out.put("host", &quoted(&self.host));
        }
        if let Some(port) = self.port {
            out.put("port", &quote(port));
        }
        if let Some(path) = &self.path {
            out.put("path", &quoted(path));
        }
        let text = |text: &Option<&str>| text.map_or_else(|| "null".to_owned(), quote);
        match query {
            Some(query) => out.put("query", query),
            None if !self.query.is_empty() => {
                let entries = self.query.iter().map(|(key, value)| format!("{{\"key\":{},\"value\":{}}}", text(key), text(value)));
                out.put("query", &array(entries));
            }
            None => (),
        }
        if let Some(hash) = self.hash {
            out.put("hash", &quote(hash));
        }
        let named = self.path_variables();
        match variable {
            Some(variable) => out.put("variable", variable),
            None if !named.is_empty() => out.put("variable", &array(named.iter().map(|name| format!("{{\"key\":{}}}", quote(name))))),
            None => (),
        }
        out.finish()
    }
}

fn parameter(text: &str) -> (Option<&str>, Option<&str>) {
    match text.split_once('=') {
        _ if text.is_empty() => (None, None),
        Some((key, value)) => (Some(key), Some(value)),
        None => (Some(text), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_around_their_variables() {
        let url = Url::parse(" https://u:p@api.{{a.b/c}}.com:8080/v1/:id/{{x?y}}?q=1&flag&&r={{a&b}}#top");
        assert_eq!(url.protocol, Some("https"));
        assert_eq!(url.auth, Some(("u", Some("p"))));
        assert_eq!(url.host, ["api", "{{a.b/c}}", "com"]);
        assert_eq!(url.port, Some("8080"));
        assert_eq!(url.path.as_deref(), Some(["v1", ":id", "{{x?y}}"].as_slice()));
        assert_eq!(url.query, [(Some("q"), Some("1")), (Some("flag"), None), (None, None), (Some("r"), Some("{{a&b}}"))]);
        assert_eq!(url.hash, Some("top"));
        assert_eq!(url.path_variables(), ["id"]);
        let url = Url::parse("{{base}}/things");
        assert_eq!((url.host.as_slice(), url.path.as_deref()), (["{{base}}"].as_slice(), Some(["things"].as_slice())));
        assert_eq!(Url::parse("http://[::1]:80/").port, Some("80"));
        for odd in ["", "{{", "{{{a}}", "a{{b}c}}", "?", "#", "://", "{{a}}{{b}}:{{port}}", "é{{ö:ü}}:1"] {
            Url::parse(odd);
        }
    }
}
