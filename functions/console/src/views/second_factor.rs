//! Two-factor sign-in of one's own account.

use askama::Template;

use super::{Frame, Moment};

/// `/account/second-factor`.
#[derive(Debug, Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactor {
    /// Around it.
    pub frame: Frame,
    /// How far it is.
    pub state: State,
}

/// How far a second factor is set up.
#[derive(Debug, Clone)]
pub enum State {
    /// Not at all.
    Off {
        /// Whether the address is confirmed, without which it cannot be set up.
        confirmed: bool,
    },
    /// It waits for the first code.
    Waits {
        /// What an authenticator scans.
        qr: Qr,
        /// What a person types instead.
        secret: String,
    },
    /// In use.
    On {
        /// Since when.
        since: Moment,
        /// How many recovery codes are left.
        recovery_codes: usize,
    },
}

/// A QR code.
#[derive(Debug, Clone)]
pub struct Qr {
    /// Modules a side.
    pub width: usize,
    /// Its dark modules, as the path of an SVG.
    pub path: String,
}
