//! Passwords: Argon2id with the OWASP parameters, off the async threads, one at a time with one block of memory.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use subtle::ConstantTimeEq;

use crate::Problem;
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

fn internal(error: impl std::fmt::Display) -> Problem {
    Problem::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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
