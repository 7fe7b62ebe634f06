//! Programs that want to sign in as the person who looks.

use askama::Template;

use super::{Frame, Moment, Viewer};

/// `/device`.
#[derive(Debug, Template)]
#[template(path = "device.html")]
pub struct Device {
    /// Around it.
    pub frame: Frame,
    /// How far it is.
    pub step: DeviceStep,
}

/// How far a program's question is.
#[derive(Debug, Clone)]
pub enum DeviceStep {
    /// The code is to be typed.
    Type {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        wrong: Option<String>,
    },
    /// It is to be answered.
    Answer {
        /// The code.
        code: String,
        /// What the program calls itself.
        client: String,
        /// The network address that it asked from.
        address: Option<String>,
        /// When it asked.
        asked: Moment,
    },
    /// It is answered.
    Done {
        /// Whether with yes.
        approved: bool,
    },
}

/// `/authorize`.
#[derive(Debug, Template)]
#[template(path = "authorize.html")]
pub struct Authorize {
    /// Around it.
    pub frame: Frame,
    /// As whom it would sign in.
    pub viewer: Viewer,
    /// What the program calls itself.
    pub client: String,
    /// Where it waits.
    pub redirect: String,
    /// Its challenge.
    pub challenge: String,
    /// What it wants to hear again.
    pub state: Option<String>,
}
