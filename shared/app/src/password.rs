//! Passwords: Argon2id with the OWASP parameters, off the async threads, one at a time with one block of memory.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use subtle::ConstantTimeEq;

use crate::Problem;
use domain::Rejected;
use domain::account::Password;

/// OWASP: Argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;

/// Hashes and checks passwords. The memory of 19 MiB is kept and used again: otherwise it would grow with each hash.
#[derive(Clone, Default)]
pub struct Passwords {
    memory: Arc<Mutex<Vec<Block>>>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Passwords")
    }
}

impl Passwords {
    /// The hash to keep, as a PHC string (`$argon2id$v=19$…`).
    pub async fn hash(&self, password: &Password) -> Result<String, Problem> {
        let mut salt = [0_u8; 16];
        getrandom::fill(&mut salt).map_err(internal)?;
        let output = self.run(password, salt.to_vec()).await?;
        let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
        Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}", encode(&salt), encode(&output)))
    }

    /// Whether a password is the one behind a hash. Without a hash (no such account) it does the same work and says no.
    pub async fn verify(&self, password: &Password, hash: Option<&str>) -> Result<bool, Problem> {
        let parsed = hash.map(PasswordHash::new).transpose().map_err(internal)?;
        let salt: Option<Salt> = parsed.as_ref().and_then(|hash| hash.salt);
        let expected: Option<Output> = parsed.as_ref().and_then(|hash| hash.hash);
        let salt = salt.map_or_else(|| vec![0_u8; 16], |salt| salt.as_ref().to_vec());
        let output = self.run(password, salt).await?;
        Ok(expected.is_some_and(|expected| expected.as_bytes().ct_eq(&output).into()))
    }

    async fn run(&self, password: &Password, salt: Vec<u8>) -> Result<[u8; OUTPUT_BYTES], Problem> {
        let memory = Arc::clone(&self.memory);
        let password = password.clone();
        let work = move || {
            let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).map_err(internal)?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            // A panic of another hash leaves blocks that are written over anyway.
            let mut blocks = memory.lock().unwrap_or_else(PoisonError::into_inner);
            blocks.resize(argon2.params().block_count(), Block::default());
            let mut output = [0_u8; OUTPUT_BYTES];
            argon2
                .hash_password_into_with_memory(password.expose().as_bytes(), &salt, &mut output, blocks.as_mut_slice())
                .map_err(internal)?;
            Ok(output)
        };
        tokio::task::spawn_blocking(work).await.map_err(internal)?
    }
}

/// Of zxcvbn's 0 to 4: "safe from throttled online attacks".
const STRONG_ENOUGH: u8 = 2;

/// A new password, judged: one that would be guessed soon is not taken, and the advice says why. `about` is what others
/// know of the person. It takes some milliseconds, and is done off the async threads.
pub async fn strong(typed: String, about: Vec<String>) -> Result<Result<Password, Rejected>, Problem> {
    let judge = move || {
        let password = Password::parse(&typed)?;
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        let entropy = zxcvbn::zxcvbn(password.expose(), &about);
        if u8::from(entropy.score()) >= STRONG_ENOUGH {
            return Ok(password);
        }
        let warning = entropy.feedback().and_then(zxcvbn::feedback::Feedback::warning).map(|warning| warning.to_string());
        let advice = entropy.feedback().and_then(|feedback| feedback.suggestions().first()).map(ToString::to_string);
        let said: Vec<String> = [warning, advice].into_iter().flatten().map(|text| text.trim_end_matches('.').to_owned()).collect();
        let why = if said.is_empty() { "Use a few words that do not belong together".to_owned() } else { said.join(". ") };
        Err(Rejected::because(format!("this password is too easy to guess. {why}")))
    };
    tokio::task::spawn_blocking(judge).await.map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Problem {
    Problem::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_easy_password_gets_advice() {
        let about = vec!["ann@example.com".to_owned(), "ann-lee".to_owned()];
        for easy in ["password1", "ann-lee1", "12345678", "aaaaaaaaaa"] {
            let why = strong(easy.to_owned(), about.clone()).await.unwrap().unwrap_err().0;
            assert!(why.starts_with("this password is too easy to guess. "), "{why}");
        }
        assert!(strong("correct horse battery".to_owned(), about).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn only_the_right_password_is_taken() {
        let passwords = Passwords::default();
        let right = Password::parse("correct horse").unwrap();
        let hash = passwords.hash(&right).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(&right, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&Password::parse("wrong horse").unwrap(), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&right, None).await.unwrap());
    }
}
