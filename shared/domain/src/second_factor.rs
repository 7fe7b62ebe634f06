//! What proves a second factor: the code of an authenticator (TOTP, RFC 6238), or a recovery code.

use crate::Rejected;

/// How long an authenticator shows a code, in seconds.
pub const STEP: u64 = 30;
/// Recovery codes of an account.
pub const RECOVERY_CODES: usize = 10;
/// Bytes of chance in a recovery code: 80 bits, so that a plain hash of it is safe in the table.
pub const RECOVERY_BYTES: usize = 10;

/// Crockford's base 32: no letter that is taken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What somebody typed.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// Six digits.
    Code(String),
    /// A recovery code, in the spelling that is hashed.
    Recovery(String),
}

impl Proof {
    /// Reads a code as typed: white space, hyphens and case do not count.
    pub fn parse(raw: &str) -> Result<Proof, Rejected> {
        let plain = raw.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase());
        let plain: String = plain
            .map(|c| match c {
                'o' => '0',
                'i' | 'l' => '1',
                c => c,
            })
            .collect();
        match plain.len() {
            6 if plain.bytes().all(|b| b.is_ascii_digit()) => Ok(Proof::Code(plain)),
            16 if plain.bytes().all(|b| ALPHABET.contains(&b)) => Ok(Proof::Recovery(plain)),
            _ => Err(Rejected::because("a code has 6 digits, a recovery code 16 letters and digits")),
        }
    }
}

/// A recovery code from chance, as it is shown: four groups of four.
pub fn recovery_code(chance: [u8; RECOVERY_BYTES]) -> String {
    let bits = chance.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letter = |at: u32| char::from(ALPHABET[usize::try_from(bits >> (5 * at) & 31).unwrap_or(0)]);
    let letters: Vec<char> = (0..16).rev().map(letter).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert!(Proof::parse(" 123 456 ").unwrap() == Proof::Code("123456".into()));
        let shown = recovery_code([0xff, 0, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35]);
        assert_eq!(shown, "zw04-8cgm-rx15-9dhn");
        assert!(
            Proof::parse(&shown.to_uppercase().replace('0', "O").replace('1', "l")).unwrap() == Proof::Recovery(shown.replace('-', ""))
        );
        for bad in ["", "12345", "1234567", "12345a", "zw04-8cgm-rx15-9dh", "zw04-8cgm-rx15-9dhu", "１２３４５６"] {
            assert!(Proof::parse(bad).is_err(), "{bad}");
        }
    }
}
