//! Two-factor sign-in of one's own account.

use app::{App, Problem};
use axum::extract::State;
use axum::response::Response;
use qrcode::{Color, EcLevel, QrCode};

use crate::answer::{Lost, On, page};
use crate::frame;
use crate::views::{self, Moment, Qr};

/// Set up, confirm, recovery codes, switch off.
#[utoipa::path(get, path = "/account/second-factor", responses((status = 200), (status = 303)))]
pub async fn second_factor(State(app): State<App>, On(app::Who(caller)): On<app::Who>) -> Result<Response, Lost> {
    let factor = async { app.store.factor(caller.user).await.map_err(Lost::from) };
    let profile = async { app.store.profile(caller.user).await.map_err(Lost::from) };
    let (frame, factor, profile) = tokio::try_join!(frame(&app, &caller, None, ""), factor, profile)?;
    let profile = profile.ok_or_else(Lost::nothing)?;
    let state = match factor {
        Some(factor) if factor.on_at.is_some() => {
            views::State::On { since: Moment(factor.on_at.unwrap_or(factor.asked_at)), recovery_codes: factor.recovery.len() }
        }
        Some(factor) if factor.waits(app.now()) => {
            let authenticator = app.authenticator(&factor, &profile.email)?;
            let secret = authenticator.secret();
            views::State::Waits { qr: picture(&authenticator.url()?)?, secret: in_fours(&secret) }
        }
        _ => views::State::Off { confirmed: profile.verified },
    };
    page(&app, &views::SecondFactor { frame, state })
}

/// Easier to type.
fn in_fours(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// A text as a QR code: every run of dark modules of a row is a rectangle.
fn picture(text: &str) -> Result<Qr, Problem> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|error| Problem::Internal(format!("a QR code: {error}")))?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, other| one == other) {
            if run.first() == Some(&Color::Dark) {
                path.push_str(&format!("M{x} {y}h{}v1h-{}z", run.len(), run.len()));
            }
            x += run.len();
        }
    }
    Ok(Qr { width, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_has_its_three_corners() {
        let qr = picture("otpauth://totp/Postroom:ann%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Postroom").unwrap();
        let last = qr.width - 7;
        for corner in ["M0 0h7v1h-7z".to_owned(), format!("M{last} 0h7v1h-7z"), format!("M0 {last}h7v1h-7z")] {
            assert!(qr.path.contains(&corner), "{corner}");
        }
        assert_eq!(in_fours("ABCDEFGH"), "ABCD EFGH");
    }
}
