//! Sealing: what has to be kept, or given to a browser to keep, and is nobody's to read or change (AES-256-GCM).
//!
//! The key follows from the signing key and the purpose. What is sealed names the signing key, so that keys can be
//! changed one after the other. Behind a seal belongs what has to be had in the clear again: a client secret, the state
//! of a sign-in. What is only ever compared is hashed instead.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Problem, Tokens};

impl Tokens {
    /// Seals a text for a purpose and for what it belongs to: it opens there only. Safe in a cookie, a URL and the table.
    pub fn seal(&self, purpose: &str, of: &str, text: &str) -> Result<String, Problem> {
        let broken = |_| Problem::Internal("a seal cannot be made".to_owned());
        let (id, key) = self.sealing(purpose)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(broken)?;
        let mut sealed = text.as_bytes().to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(of.as_bytes()), &mut sealed).map_err(broken)?;
        let whole = [nonce.as_ref().as_slice(), sealed.as_slice()].concat();
        Ok(format!("{}.{id}", URL_SAFE_NO_PAD.encode(whole)))
    }

    /// What [`Tokens::seal`] sealed for the same purpose and thing. `None`: it is not that, or its key is gone.
    pub fn open(&self, purpose: &str, of: &str, sealed: &str) -> Option<String> {
        let (whole, id) = sealed.split_once('.')?;
        let whole = URL_SAFE_NO_PAD.decode(whole).ok()?;
        let (nonce, rest) = whole.split_first_chunk::<NONCE_LEN>()?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.opening(purpose, id)?).ok()?;
        let mut rest = rest.to_vec();
        let text = key.open_in_place(Nonce::from(nonce), Aad::from(of.as_bytes()), &mut rest).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Seals a value.
    pub fn seal_value(&self, purpose: &str, of: &str, value: &impl Serialize) -> Result<String, Problem> {
        self.seal(purpose, of, &serde_json::to_string(value).map_err(|error| Problem::Internal(error.to_string()))?)
    }

    /// What [`Tokens::seal_value`] sealed.
    pub fn open_value<T: DeserializeOwned>(&self, purpose: &str, of: &str, sealed: &str) -> Option<T> {
        serde_json::from_str(&self.open(purpose, of, sealed)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(key: &str) -> Tokens {
        Tokens::from_secret(&format!(r#"{{"kid":"{key}","key":"{}"}}"#, key.repeat(32))).unwrap()
    }

    #[test]
    fn a_seal_opens_where_it_belongs_and_nowhere_else() {
        let sealed = tokens("a").seal("client", "team 7", "s3cret").unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_ne!(sealed, tokens("a").seal("client", "team 7", "s3cret").unwrap(), "each one is another");
        assert_eq!(tokens("a").open("client", "team 7", &sealed).as_deref(), Some("s3cret"));
        assert_eq!(tokens("a").open("client", "team 8", &sealed), None);
        assert_eq!(tokens("a").open("flow", "team 7", &sealed), None);
        assert_eq!(tokens("b").open("client", "team 7", &sealed), None);
        for at in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(tokens("a").open("client", "team 7", &String::from_utf8(other).unwrap()), None, "at {at}");
        }
        for rubbish in ["", ".", ".a", "AAAA.a", "AAAAAAAAAAAAAAAA.a"] {
            assert_eq!(tokens("a").open("client", "team 7", rubbish), None);
        }
        let (a, b) = ("a".repeat(32), "b".repeat(32));
        let both = Tokens::from_secret(&format!(r#"{{"kid":"b","key":"{b}","previous":[{{"kid":"a","key":"{a}"}}]}}"#)).unwrap();
        assert_eq!(both.open("client", "team 7", &sealed).as_deref(), Some("s3cret"), "after a change of keys");
    }
}
