//! What a person types about themselves, read at the edge.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{Rejected, limit};

/// An e-mail address in lower case, its domain as the DNS has it (`xn--…`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address: one `@`, a host with a dot, no white space, at most 254 characters (RFC 5321).
    pub fn parse(raw: &str) -> Result<Email, Rejected> {
        let Some((local, host)) = raw.trim().rsplit_once('@') else {
            return Err(Rejected::because("an e-mail address has an @"));
        };
        // The same letters can be written in several ways, and a domain in two: one of them is kept.
        let local = local.nfc().collect::<String>().to_lowercase().nfc().collect::<String>();
        let host = idna::domain_to_ascii(host).map_err(|_| Rejected::because("the part behind the @ is no domain"))?;
        let (email, local, host) = (format!("{local}@{host}"), local.as_str(), host.as_str());
        let labels_fit = host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        let fits = |text: &str| text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c));
        if local.is_empty() || local.len() > 64 || !host.contains('.') || !labels_fit || !fits(local) || !fits(host) || email.len() > 254 {
            return Err(Rejected::because("this is not a complete e-mail address"));
        }
        Ok(Email(email))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The addresses of a text as people paste it: separated by commas, semicolons or lines, with names or without
/// (`Ann Lee <ann@example.com>`, `"Lee, Ann" <ann@example.com>`). What is no address comes back as it was typed.
pub fn addresses(pasted: &str) -> Vec<Result<Email, String>> {
    pasted.lines().flat_map(pieces).flat_map(in_piece).collect()
}

/// A line at its commas and semicolons, but not at those in a name in quotes.
fn pieces(line: &str) -> Vec<&str> {
    let quotes = line.matches('"').count().is_multiple_of(2);
    let mut quoted = false;
    let parts = line.split(|c: char| {
        quoted ^= c == '"' && quotes;
        matches!(c, ',' | ';') && !quoted
    });
    parts.map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

fn in_piece(piece: &str) -> Vec<Result<Email, String>> {
    let read = |text: &str| Email::parse(text).map_err(|_| text.trim().to_owned());
    let bracketed: Vec<&str> = piece.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(inside, _)| inside)).collect();
    if !bracketed.is_empty() {
        return bracketed.into_iter().map(read).collect();
    }
    let words: Vec<Result<Email, String>> = piece.split_whitespace().filter(|word| word.contains('@')).map(read).collect();
    if words.is_empty() { vec![Err(piece.to_owned())] } else { words }
}

impl fmt::Display for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A username as typed: 3 to 32 of letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Reads a username. Letters are ASCII, so that no two names look alike.
    pub fn parse(raw: &str) -> Result<Username, Rejected> {
        let name = raw.trim();
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !plain || !(3..=32).contains(&name.len()) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(Rejected::because("a username is 3 to 32 of a-z, A-Z, 0-9, - _ and ., and starts with a letter or digit"));
        }
        Ok(Username(name.to_owned()))
    }

    /// As typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For comparing: two usernames that differ in case only are the same.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// What it looks like: names that are easily taken for each other have the same, and only one of them can be had.
    pub fn skeleton(&self) -> String {
        let alike = |c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            c => c,
        };
        let plain: String = self.folded().chars().map(alike).collect();
        plain.replace("rn", "m").replace("vv", "w")
    }
}

impl fmt::Display for Username {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What somebody says about themselves, without white space around it.
pub fn about(raw: &str) -> Result<String, Rejected> {
    let text = raw.trim();
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Rejected::because("this holds control characters"));
    }
    if limit::ABOUT_CHARS < text.chars().count() {
        return Err(Rejected::because(format!("this has at most {} characters", limit::ABOUT_CHARS)));
    }
    Ok(text.to_owned())
}

/// A link of a profile: the address of a web page, of nobody's account there.
pub fn link(raw: &str) -> Result<String, Rejected> {
    let text = raw.trim();
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"'`\\{}|^".contains(c));
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme)).map(|_| &text[scheme.len()..]));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let named = host.chars().next().is_some_and(char::is_alphanumeric) && host.contains('.') && !host.contains('@');
    if !plain || !named {
        return Err(Rejected::because("a link is the address of a web page, https://…"));
    }
    if limit::LINK_CHARS < text.chars().count() {
        return Err(Rejected::because(format!("a link has at most {} characters", limit::LINK_CHARS)));
    }
    Ok(text.to_owned())
}

/// A password. Never shown, never compared in the clear.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Reads a new password: 8 to 128 characters. How well it resists guessing is judged elsewhere.
    pub fn parse(raw: &str) -> Result<Password, Rejected> {
        if (8..=128).contains(&raw.chars().count()) {
            Ok(Password(raw.to_owned()))
        } else {
            Err(Rejected::because("a password has 8 to 128 characters"))
        }
    }

    /// What a person typed at sign-in, without rules.
    pub fn typed(raw: String) -> Password {
        Password(raw)
    }

    /// For the hash function only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// The hash of a password (a PHC string). Never shown either.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// From what the hash function gave.
    pub fn new(phc: String) -> PasswordHash {
        PasswordHash(phc)
    }

    /// Of an account whose owner has chosen no password: nothing that is typed is right.
    pub fn none() -> PasswordHash {
        PasswordHash(String::new())
    }

    /// For the hash function only; `None` where there is no password.
    pub fn usable(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|hash| !hash.is_empty())
    }

    /// As it is kept: for what is bound to it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// What an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read.
    Read,
    /// Read and write.
    Write,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(Email::parse(" Ann@Example.COM ").unwrap().as_str(), "ann@example.com");
        // Composed or not, in letters or in ASCII: one address.
        for same in ["Jürgen@Bücher.example", "ju\u{308}rgen@bu\u{308}cher.example", "JÜRGEN@XN--BCHER-KVA.EXAMPLE"] {
            assert_eq!(Email::parse(same).unwrap().as_str(), "jürgen@xn--bcher-kva.example");
        }
        for bad in ["", "ann", "@example.com", "ann@", "ann@example", "a b@example.com", "<a@b.c>", "a@b..c", "a@b.c\n", "a,b@c.de"] {
            // A line end around an address is white space, inside it is not.
            assert!(Email::parse(bad).is_err() || bad == "a@b.c\n", "{bad:?}");
        }
    }

    #[test]
    fn pasted_addresses() {
        let read = |pasted: &str| -> Vec<String> {
            super::addresses(pasted)
                .into_iter()
                .map(|one| one.map_or_else(|typed| format!("?{typed}"), |email| email.to_string()))
                .collect()
        };
        assert_eq!(read("a@x.com, b@x.com;c@x.com\r\n\n d@x.com e@x.com ,"), ["a@x.com", "b@x.com", "c@x.com", "d@x.com", "e@x.com"]);
        assert_eq!(read("Ann <Ann@X.com>, \"Lee, Bob; Jr.\" <bob@x.com> Carl <carl@x.com>"), ["ann@x.com", "bob@x.com", "carl@x.com"]);
        assert_eq!(read("Ann Lee ann@x.com, nobody, <a@b>, a@@b.c"), ["ann@x.com", "?nobody", "?a@b", "?a@@b.c"]);
        assert_eq!(read("5\" disk, a@x.com"), ["?5\" disk", "a@x.com"]);
        assert!(read(" ,;\n").is_empty());
    }

    #[test]
    fn links_lead_to_web_pages() {
        for good in ["https://example.com", "http://example.com/~ann?x=1#y", "HTTPS://Example.com:8443/", "https://bücher.example"] {
            assert_eq!(link(good).unwrap(), good);
        }
        for bad in [
            "",
            "example.com",
            "javascript:alert(1)",
            "ftp://example.com",
            "https://",
            "https:///x",
            "https://localhost",
            "https://ann@example.com",
            "https://example.com/ x",
            "https://exa\"mple.com",
            "//example.com",
            "data:text/html,x",
            &format!("https://example.com/{}", "x".repeat(300)),
        ] {
            assert!(link(bad).is_err(), "{bad}");
        }
        assert!(about("two\nlines").is_ok() && about("a\u{0}").is_err() && about(&"x".repeat(1_001)).is_err());
    }

    #[test]
    fn usernames() {
        assert_eq!(Username::parse("Ann-1").unwrap().folded(), "ann-1");
        let looks = |name: &str| Username::parse(name).unwrap().skeleton();
        for (one, other) in [("modern", "rnodern"), ("bob", "b0b"), ("paul", "PauI"), ("paul", "pau1"), ("wim", "vvim")] {
            assert_eq!(looks(one), looks(other), "{one} {other}");
        }
        assert_ne!(looks("ann"), looks("anna"));
        assert_ne!(looks("ann-lee"), looks("ann_lee"));
        for bad in ["ab", "-ann", "ann lee", "аnn", "a#b", &"a".repeat(33)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Password::parse("correct horse").unwrap()), "***");
        assert!(Password::parse("short").is_err());
    }
}
