//! What every function shares: the [`App`] (table, mail, push, keys, clock, configuration), the extractors that settle
//! who calls and what they may, the one error type, and the two ways to run: as a Lambda and inside another process.

use std::sync::Arc;

use domain::ids::UserId;
use domain::team::Invite;
use jiff::Timestamp;
use store::Store;
use store::users::{NewUser, Profile};

mod bell;
mod body;
mod clock;
mod config;
pub mod cookie;
mod cursor;
mod dns;
mod extract;
pub mod feed;
pub mod lambda;
pub mod links;
mod mail;
mod meter;
mod once;
mod outbound;
mod partners;
mod password;
mod payments;
mod problem;
mod publish;
mod push;
pub mod rates;
mod robot;
mod routes;
mod seal;
pub mod second_factor;
pub mod serve;
pub mod show;
pub mod sso;
pub mod stream;
pub mod telemetry;
mod tokens;
mod waiting;
pub mod webhooks;
mod wrong;

pub use bell::Bell;
pub use body::{Document, Fields, File, Json, Typed};
pub use clock::Clock;
pub use config::{Config, Var};
pub use cursor::cursor;
pub use dns::{Dns, Given as GivenDns};
pub use extract::{Again, Anyone, By, Export, Fetched, Follower, Holder, Keyed, Open, Path, Query, Seen, Who, address, edits, writes};
pub use mail::{Letter, Mail, Unsent};
pub use meter::Limits;
pub use outbound::{Outbound, Unreachable};
pub use partners::{PartnerSecrets, Partners};
pub use password::{Passwords, strong};
pub use payments::{Paid, Payments, StripeSecrets};
pub use problem::{FieldError, Problem};
pub use publish::Scan;
pub use push::{Frame, Push, Pushed};
pub use tokens::{ACCESS_SECONDS, Claims, Tokens, is_pkce_challenge, is_pkce_verifier};
pub use waiting::{Ear, Waiting};
pub use wrong::Wrong;

/// Ids are drawn from the time and 12 random bits: two people in one millisecond meet once in 4,096 times.
const DRAWS: usize = 5;

/// Why a function cannot start or an event cannot be handled. For the log and for Lambda, never for a caller.
pub type Crash = Box<dyn std::error::Error + Send + Sync>;

/// Everything a handler needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The table.
    pub store: Store,
    /// The way to inboxes.
    pub mail: Mail,
    /// The way to open WebSockets.
    pub push: Push,
    /// What wakes the function that tells webhooks.
    pub bell: Bell,
    /// The way to addresses that somebody gave us.
    pub outbound: Outbound,
    /// What others gave whoever runs this.
    pub partners: Partners,
    /// What signs and checks tokens and links.
    pub tokens: Tokens,
    /// What hashes and checks passwords.
    pub passwords: Passwords,
    /// How much each caller may ask.
    pub limits: Limits,
    /// How teams pay.
    pub payments: Payments,
    /// What the DNS says.
    pub dns: Dns,
    /// Who waits for a change in this process.
    pub waiting: Waiting,
    /// The time.
    pub clock: Clock,
    /// The configuration.
    pub config: Arc<Config>,
}

/// The parts of an [`App`] that differ between the cloud, a laptop and a test.
pub struct Wiring {
    /// The configuration.
    pub config: Config,
    /// Credentials, region, HTTP client.
    pub aws: aws_types::SdkConfig,
    /// Where DynamoDB is, if not where the SDK would look.
    pub dynamodb: Option<String>,
    /// Where SES is, if not where the SDK would look.
    pub ses: Option<String>,
    /// Where EventBridge is, if not where the SDK would look.
    pub events: Option<String>,
    /// What others gave whoever runs this.
    pub partners: Partners,
    /// The signing keys.
    pub tokens: Tokens,
    /// The way to addresses that somebody gave us.
    pub outbound: Outbound,
    /// Who waits for a change in this process.
    pub waiting: Waiting,
    /// The time.
    pub clock: Clock,
}

impl App {
    /// Puts an app together.
    pub fn new(wiring: Wiring) -> App {
        let Wiring { config, aws, dynamodb, ses, events, partners, tokens, outbound, waiting, clock } = wiring;
        App {
            store: Store::connect(&aws, dynamodb.as_deref(), &config.table),
            mail: Mail::new(&aws, ses.as_deref(), &config),
            push: Push::new(&aws, &config.connections_url),
            bell: Bell::new(&aws, events),
            outbound,
            partners,
            tokens,
            passwords: Passwords::default(),
            limits: Limits::new(config.rate_limit),
            dns: Dns::system(),
            payments: Payments::kept(&aws, &config.stripe_secret_id),
            waiting,
            clock,
            config: Arc::new(config),
        }
    }

    /// Puts an app together in a Lambda: from the environment variables that the template sets.
    pub async fn from_env(needs: &[Var]) -> Result<App, Crash> {
        let config = Config::read(needs, |name| std::env::var(name).ok())?;
        let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        let tokens = match config.token_secret_id.as_str() {
            "" => Tokens::none(),
            id => Tokens::from_secrets_manager(&aws, id).await?,
        };
        let partners = Partners::kept(&aws, &config.partners_secret_id);
        let (outbound, waiting, clock) = (Outbound::public(), Waiting::alone(), Clock::system());
        Ok(App::new(Wiring { config, aws, dynamodb: None, ses: None, events: None, partners, tokens, outbound, waiting, clock }))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new UUID, version 7: ids made later sort later.
    pub fn new_id(&self) -> uuid::Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds))
    }

    /// 64 random bits.
    pub fn chance(&self) -> Result<u64, Problem> {
        getrandom::u64().map_err(|error| Problem::Internal(error.to_string()))
    }

    /// Makes an account under an id that is drawn. Refuses as [`Store::sign_up`] does.
    pub async fn sign_up(&self, new: impl Fn(UserId) -> NewUser, invite: Option<&Invite>) -> Result<Profile, store::Error> {
        for _ in 1..DRAWS {
            match self.store.sign_up(&new(UserId::new(self.now(), self.random())), invite, self.now()).await {
                Err(store::Error::Conflict(store::Conflict::IdTaken)) => (),
                ended => return ended,
            }
        }
        self.store.sign_up(&new(UserId::new(self.now(), self.random())), invite, self.now()).await
    }

    /// Random bits for a number id.
    pub fn random(&self) -> u16 {
        // A system without randomness cannot draw keys either: a collision is then found by the store and drawn again.
        getrandom::u32().map_or(0, |bits| u16::try_from(bits & 0xffff).unwrap_or(0))
    }
}
