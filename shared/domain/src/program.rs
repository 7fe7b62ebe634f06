//! Programs that sign in through the browser: the code that a person types (RFC 8628), and the address on the person's own
//! machine that a browser goes back to (RFC 8252).

use std::fmt;

use crate::Rejected;

/// Consonants that are not taken for each other, and make no words: what RFC 8628 proposes.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LETTERS: u32 = 8;

/// The code that a program shows and a person types: eight letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// One from chance.
    pub fn from_chance(chance: u64) -> UserCode {
        let letter = |at: u32| char::from(ALPHABET[usize::try_from(chance / 20_u64.pow(at) % 20).unwrap_or(0)]);
        UserCode((0..LETTERS).map(letter).collect())
    }

    /// Reads one as typed: white space, hyphens and case do not count.
    pub fn parse(raw: &str) -> Result<UserCode, Rejected> {
        let plain: String = raw.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
        if plain.len() == LETTERS as usize && plain.bytes().all(|b| ALPHABET.contains(&b)) {
            return Ok(UserCode(plain));
        }
        Err(Rejected::because("the code that a program shows has eight letters, such as BCDF-GHJK"))
    }

    /// Without the hyphen.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = self.0.split_at(4);
        write!(out, "{one}-{other}")
    }
}

/// An address on the person's own machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loopback(String);

impl Loopback {
    /// Reads one: `http`, a loopback host, a port or none. Nothing that a browser could read as another host.
    pub fn parse(raw: &str) -> Result<Loopback, Rejected> {
        let refused = || Rejected::because("a program is answered on its own machine only: http://127.0.0.1:PORT/, [::1] or localhost");
        let rest = raw.strip_prefix("http://").ok_or_else(refused)?;
        let plain = rest.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'\\' | b'@' | b'"' | b'<' | b'>' | b'{' | b'}'));
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let port = ["127.0.0.1", "[::1]", "localhost"].iter().find_map(|known| host.strip_prefix(known)).ok_or_else(refused)?;
        let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
        if !plain || !port_fits || raw.len() > 1000 {
            return Err(refused());
        }
        Ok(Loopback(if path.starts_with('/') { raw.to_owned() } else { format!("http://{host}/{path}") }))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with parameters in its query.
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        format!("{}{}{}", self.0, if self.0.contains('?') { '&' } else { '?' }, pairs.join("&"))
    }
}

fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = UserCode::from_chance(0x0123_4567_89ab_cdef);
        assert_eq!(UserCode::parse(&format!(" {} ", code.to_string().to_lowercase())).unwrap(), code);
        assert_eq!(UserCode::from_chance(0).to_string(), "BBBB-BBBB");
        for bad in ["", "BCDF-GHJ", "BCDF-GHJKL", "BCDF-GHJA", "BCDF-GHJ1", "ßCDF-GHJ"] {
            assert!(UserCode::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_program_is_answered_on_its_own_machine() {
        for good in ["http://127.0.0.1:8123/cb", "http://[::1]:1/", "http://localhost/cb?x=1", "http://127.0.0.1"] {
            assert!(Loopback::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "https://127.0.0.1/",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "http://127.0.0.1:80@evil.example/",
            "http://evil.example/",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:0/",
            "http://127.0.0.1:/",
            "http://localhost\\evil",
            "http://127.0.0.1/#x",
            "http://127.0.0.1/ x",
            "//127.0.0.1/",
            "HTTP://127.0.0.1/",
            "javascript:alert(1)",
            "http://127.0.0.1:8123/\u{e9}",
            "http://127.0.0.2/",
            "http://127.0.0.1/\"",
        ] {
            assert!(Loopback::parse(bad).is_err(), "{bad}");
        }
        let back = Loopback::parse("http://127.0.0.1:8123/cb?x=1").unwrap();
        assert_eq!(back.with(&[("code", "a b"), ("state", "&")]), "http://127.0.0.1:8123/cb?x=1&code=a%20b&state=%26");
        assert_eq!(Loopback::parse("http://localhost?x").unwrap().as_str(), "http://localhost/?x");
    }
}
