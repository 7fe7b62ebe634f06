//! Secrets: access tokens (JWT, RFC 7519), secret links (HMAC, RFC 2104), random secrets and their hashes.
//!
//! The algorithm is fixed; `kid` says which key signed, so that keys can be changed one after the other.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{SessionId, UserId};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Crash, Problem};

/// How long an access token is good for, in seconds.
pub const ACCESS_SECONDS: i64 = 600;

struct Key {
    id: String,
    secret: Vec<u8>,
}

/// The signing keys; the first one signs, all of them check.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<[Key]>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Tokens(***)")
    }
}

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// The session's id.
    pub sid: SessionId,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Expires at, seconds since 1970.
    pub exp: i64,
}

#[derive(Deserialize)]
struct Secret {
    kid: String,
    key: String,
    #[serde(default)]
    previous: Vec<Secret>,
}

impl Tokens {
    /// Reads `{"kid","key","previous"?:[{"kid","key"}]}`. A key has 32 characters or more.
    pub fn from_secret(json: &str) -> Result<Tokens, Crash> {
        let secret: Secret = serde_json::from_str(json).map_err(|_| "the signing secret is not {\"kid\",\"key\"}")?;
        let all = std::iter::once((secret.kid, secret.key)).chain(secret.previous.into_iter().map(|old| (old.kid, old.key)));
        let keys: Vec<Key> = all.map(|(id, key)| Key { id, secret: key.into_bytes() }).collect();
        if keys.iter().any(|key| key.secret.len() < 32) {
            return Err("a signing key has fewer than 32 characters".into());
        }
        Ok(Tokens { keys: keys.into() })
    }

    pub(crate) async fn from_secrets_manager(aws: &aws_types::SdkConfig, id: &str) -> Result<Tokens, Crash> {
        let client = aws_sdk_secretsmanager::Client::new(aws);
        let answer = client.get_secret_value().secret_id(id).send().await?;
        Tokens::from_secret(answer.secret_string().ok_or("the signing secret is not a text")?)
    }

    /// No keys: for functions that neither issue nor check tokens.
    pub fn none() -> Tokens {
        Tokens { keys: Arc::new([]) }
    }

    fn signing(&self) -> Result<&Key, Problem> {
        self.keys.first().ok_or_else(|| Problem::Internal("this function has no signing key".to_owned()))
    }

    /// An access token for a session.
    pub fn access(&self, user: UserId, session: &SessionId, now: Timestamp) -> Result<String, Problem> {
        let key = self.signing()?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        let iat = now.as_second();
        let claims = Claims { sub: user.to_string(), sid: session.clone(), iat, exp: iat + ACCESS_SECONDS };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&key.secret)).map_err(|error| Problem::Internal(error.to_string()))
    }

    /// The claims of an access token that one of our keys signed and that is not too old.
    pub fn check(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let key = self.keys.iter().find(|key| Some(&key.id) == header.kid.as_ref())?;
        let mut validation = Validation::new(Algorithm::HS256);
        // The library asks the system for the time; ours can be moved.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(&key.secret), &validation).ok()?.claims;
        (now.as_second() < claims.exp).then_some(claims)
    }

    /// The secret of a link: 256 bits that follow from the signing key and what the link is about, so that the table
    /// need not hold it and it can be shown again. Text of 43 characters, safe in a URL.
    pub fn link(&self, purpose: &str, parts: &[&str]) -> Result<String, Problem> {
        Ok(URL_SAFE_NO_PAD.encode(mac(self.signing()?, purpose, parts)))
    }

    /// Whether `presented` is the secret of this link, under any of our keys.
    pub fn link_is(&self, purpose: &str, parts: &[&str], presented: &str) -> bool {
        let Ok(presented) = URL_SAFE_NO_PAD.decode(presented) else { return false };
        self.keys.iter().any(|key| bool::from(mac(key, purpose, parts).as_slice().ct_eq(&presented)))
    }

    /// The key that seals for a purpose, and the id of the signing key that it follows from.
    pub(crate) fn sealing(&self, purpose: &str) -> Result<(&str, Vec<u8>), Problem> {
        let key = self.signing()?;
        Ok((&key.id, mac(key, "seal", &[purpose])))
    }

    /// The key that opens what was sealed for a purpose under a signing key.
    pub(crate) fn opening(&self, purpose: &str, id: &str) -> Option<Vec<u8>> {
        self.keys.iter().find(|key| key.id == id).map(|key| mac(key, "seal", &[purpose]))
    }

    /// 256 random bits as text of 43 characters, safe in a URL.
    pub fn random(&self) -> Result<String, Problem> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| Problem::Internal(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The SHA-256 of a file, in hex.
    pub fn hash_bytes(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The hash under which a random secret is kept: SHA-256 in hex. Enough for secrets of 256 bits.
    pub fn hash(secret: &str) -> String {
        Tokens::hash_bytes(secret.as_bytes())
    }

    /// Whether `hash` is the one under which `secret` is kept.
    pub fn is_hash(hash: &str, secret: &str) -> bool {
        hash.as_bytes().ct_eq(Tokens::hash(secret).as_bytes()).into()
    }
}

/// Whether a text can be a challenge of RFC 7636, method S256: a SHA-256, base64url without padding.
pub fn is_pkce_challenge(challenge: &str) -> bool {
    URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether a challenge was made of this verifier: 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (RFC 7636).
pub fn is_pkce_verifier(verifier: &str, challenge: &str) -> bool {
    let plain = verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    plain && (43..=128).contains(&verifier.len()) && bool::from(made.as_bytes().ct_eq(challenge.as_bytes()))
}

fn mac(key: &Key, purpose: &str, parts: &[&str]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.secret) else {
        // HMAC takes keys of any length.
        return Vec::new();
    };
    // Lengths first, so that no two lists of parts read the same.
    for part in std::iter::once(&purpose).chain(parts) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(kid: &str) -> Tokens {
        Tokens::from_secret(&format!(r#"{{"kid":"{kid}","key":"{}"}}"#, kid.repeat(32))).unwrap()
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_and_under_its_key_only() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let session: SessionId = "s1".parse().unwrap();
        let token = tokens("a").access(UserId(7), &session, now).unwrap();
        let after = |seconds| now + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(tokens("a").check(&token, after(599)).unwrap().sub, "7");
        assert!(tokens("a").check(&token, after(600)).is_none());
        assert!(tokens("b").check(&token, now).is_none());
        let both = Tokens::from_secret(&format!(
            r#"{{"kid":"b","key":"{}","previous":[{{"kid":"a","key":"{}"}}]}}"#,
            "b".repeat(32),
            "a".repeat(32)
        ));
        assert!(both.unwrap().check(&token, now).is_some());
    }

    #[test]
    fn another_algorithm_is_not_taken() {
        let claims = Claims { sub: "7".into(), sid: "s".parse().unwrap(), iat: 0, exp: i64::MAX };
        let header = Header { kid: Some("a".into()), ..Header::new(Algorithm::HS512) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&b"a".repeat(32))).unwrap();
        assert!(tokens("a").check(&token, Timestamp::UNIX_EPOCH).is_none());
        let none = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"a"}"#),
            URL_SAFE_NO_PAD.encode(r#"{"sub":"7","sid":"s","iat":0,"exp":9e9}"#)
        );
        assert!(tokens("a").check(&none, Timestamp::UNIX_EPOCH).is_none());
    }

    #[test]
    fn a_link_is_for_one_thing() {
        let tokens = tokens("a");
        let link = tokens.link("invite", &["1", "2"]).unwrap();
        assert_eq!(link.len(), 43);
        assert!(tokens.link_is("invite", &["1", "2"], &link));
        for other in [["12", ""], ["1", "3"]] {
            assert!(!tokens.link_is("invite", &other, &link));
        }
        assert!(!tokens.link_is("confirm", &["1", "2"], &link));
        assert!(!tokens.link_is("invite", &["1", "2"], ""));
    }

    #[test]
    fn a_challenge_is_made_of_its_verifier() {
        // RFC 7636, appendix B.
        let (verifier, challenge) = ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_pkce_challenge(challenge) && is_pkce_verifier(verifier, challenge));
        assert!(!is_pkce_verifier(&verifier.replace('d', "e"), challenge) && !is_pkce_verifier(challenge, challenge));
        assert!(!is_pkce_challenge("plain") && !is_pkce_challenge(&challenge[1..]) && !is_pkce_challenge(&format!("{challenge}=")));
    }

    #[test]
    fn short_keys_are_refused_and_none_is_shown() {
        assert!(Tokens::from_secret(r#"{"kid":"a","key":"short"}"#).is_err());
        assert_eq!(format!("{:?}", tokens("a")), "Tokens(***)");
    }
}
