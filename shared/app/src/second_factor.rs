//! The authenticator of a person: secrets, codes (TOTP, RFC 6238: SHA-1, six digits, thirty seconds, which is what every
//! authenticator knows), recovery codes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::Email;
use domain::ids::UserId;
use domain::second_factor::{Proof, RECOVERY_BYTES, RECOVERY_CODES, STEP, recovery_code};
use jiff::Timestamp;
use store::factors::Factor;
use store::users::Profile;
use totp_rs::{Algorithm, Builder, Totp};

use crate::rates::{self, Rate};
use crate::{App, Problem, Tokens};

/// RFC 4226: 160 bits.
const SECRET_BYTES: usize = 20;
/// Clocks may differ by one step.
const STEPS_BESIDE: u16 = 1;
const ISSUER: &str = "Postroom";
const SEALED_FOR: &str = "totp";

fn chance<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

fn broken(error: impl std::fmt::Display) -> Problem {
    Problem::Internal(error.to_string())
}

/// An authenticator with its secret in the open: to be shown to its owner while they set it up.
pub struct Authenticator(Totp);

impl Authenticator {
    fn of(secret: Vec<u8>, account: &Email) -> Result<Authenticator, Problem> {
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(STEP).with_skew(STEPS_BESIDE);
        let builder = builder.with_secret(secret).with_issuer(Some(ISSUER)).with_account_name(account.as_str());
        builder.build().map(Authenticator).map_err(broken)
    }

    /// The secret as a person types it: base 32.
    pub fn secret(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The secret as an authenticator scans it: `otpauth://totp/…`.
    pub fn url(&self) -> Result<String, Problem> {
        self.0.to_url().map_err(broken)
    }

    /// The step of time whose code this is, if it is that of now or of one beside it.
    fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        self.0.check(code, u64::try_from(now.as_second()).ok()?)
    }
}

impl App {
    /// A new secret for a person's authenticator, and how the table keeps it.
    pub fn new_authenticator(&self, profile: &Profile) -> Result<(Authenticator, String), Problem> {
        let secret = chance::<SECRET_BYTES>()?;
        let sealed = self.tokens.seal(SEALED_FOR, &profile.id.to_string(), &URL_SAFE_NO_PAD.encode(secret))?;
        Ok((Authenticator::of(secret.to_vec(), &profile.email)?, sealed))
    }

    /// A person's authenticator.
    pub fn authenticator(&self, factor: &Factor, account: &Email) -> Result<Authenticator, Problem> {
        let secret = self.tokens.open(SEALED_FOR, &factor.user.to_string(), &factor.sealed);
        let secret = secret.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        Authenticator::of(secret.ok_or_else(|| broken("an authenticator's secret does not open: is its signing key gone?"))?, account)
    }

    /// The step of time whose code was typed to show that an authenticator works, if it does.
    pub async fn first_step(&self, profile: &Profile, factor: &Factor, typed: &str) -> Result<Option<u64>, Problem> {
        self.try_code(profile.id, false).await?;
        let Ok(Proof::Code(code)) = Proof::parse(typed) else { return Ok(None) };
        Ok(self.authenticator(factor, &profile.email)?.step_of(&code, self.now()))
    }

    /// Whether somebody shows the second factor of an account: a code that was not used, or a recovery code, which is
    /// used up by it. Tries are limited (429), with a count of their own for a browser that is `known`.
    pub async fn proves(&self, profile: &Profile, typed: &str, known: bool) -> Result<bool, Problem> {
        self.try_code(profile.id, known).await?;
        let Some(factor) = self.store.factor(profile.id).await?.filter(|factor| factor.on_at.is_some()) else { return Ok(false) };
        match Proof::parse(typed) {
            Ok(Proof::Code(code)) => match self.authenticator(&factor, &profile.email)?.step_of(&code, self.now()) {
                Some(step) => Ok(self.store.use_step(profile.id, step).await?),
                None => Ok(false),
            },
            Ok(Proof::Recovery(code)) => Ok(self.store.use_recovery(profile, &Tokens::hash(&code), self.now()).await?),
            Err(_) => Ok(false),
        }
    }

    /// Tries are counted before they are judged: many at once are no way around the limit.
    async fn try_code(&self, user: UserId, known: bool) -> Result<(), Problem> {
        let rate: Rate = if known { rates::CODES_FROM_KNOWN } else { rates::CODES };
        self.once_more(rate, &user.to_string()).await
    }
}

/// New recovery codes: as they are shown, and their hashes.
pub fn recovery_codes() -> Result<(Vec<String>, Vec<String>), Problem> {
    let codes = (0..RECOVERY_CODES).map(|_| Ok(recovery_code(chance::<RECOVERY_BYTES>()?))).collect::<Result<Vec<_>, Problem>>()?;
    let hashes = codes.iter().map(|code| Tokens::hash(&code.replace('-', ""))).collect();
    Ok((codes, hashes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, shortened to six digits.
        let account = Email::parse("ann@example.com").unwrap();
        let authenticator = Authenticator::of(b"12345678901234567890".to_vec(), &account).unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let step = u64::try_from(seconds).unwrap() / STEP;
            for beside in [-30, 0, 30] {
                assert_eq!(authenticator.step_of(code, at(seconds + beside)), Some(step), "{seconds} {beside}");
            }
            assert_eq!(authenticator.step_of(code, at(seconds + 61)), None);
        }
        let url = authenticator.url().unwrap();
        assert!(url.starts_with("otpauth://totp/Postroom:ann%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{url}");
    }
}
