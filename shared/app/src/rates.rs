//! How often something may be done: by whoever guesses, or has us send mails.

use jiff::SignedDuration;
use store::rates::Counter;

use crate::{App, Problem, Tokens};

/// A limit: so many times within a window of time.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    what: &'static str,
    times: u64,
    window: SignedDuration,
}

/// Wrong passwords for one account, from places where nobody has signed in to it before.
pub const WRONG_FOR_ACCOUNT: Rate = Rate { what: "wrong-account", times: 10, window: SignedDuration::from_mins(15) };
/// Wrong passwords for one account from browsers that somebody has signed in with.
pub const WRONG_FROM_KNOWN: Rate = Rate { what: "wrong-known", times: 20, window: SignedDuration::from_mins(15) };
/// Wrong passwords from one network address, whatever the account.
pub const WRONG_FROM_ADDRESS: Rate = Rate { what: "wrong-address", times: 100, window: SignedDuration::from_mins(15) };
/// Codes tried as the second factor of one account: of a million codes, three are right.
pub const CODES: Rate = Rate { what: "code", times: 10, window: SignedDuration::from_mins(15) };
/// The same from browsers that somebody has signed in with: whoever knows the password locks nobody out of them.
pub const CODES_FROM_KNOWN: Rate = Rate { what: "code-known", times: 10, window: SignedDuration::from_mins(15) };
/// Codes of programs that one person looks up or answers: whoever guesses finds nobody's.
pub const PROGRAM_CODES: Rate = Rate { what: "program-code", times: 30, window: SignedDuration::from_mins(15) };
/// Programs that ask to sign in from one network address.
pub const PROGRAMS: Rate = Rate { what: "program", times: 100, window: SignedDuration::from_mins(15) };
/// New accounts from one network address: a classroom may sign up at once.
pub const SIGN_UPS: Rate = Rate { what: "sign-up", times: 200, window: SignedDuration::from_hours(1) };
/// Ways back from an issuer, to one network address.
pub const ARRIVALS: Rate = Rate { what: "arrival", times: 300, window: SignedDuration::from_mins(15) };
/// Letters that somebody at one network address asks for without being signed in.
pub const LETTERS: Rate = Rate { what: "letter", times: 60, window: SignedDuration::from_hours(1) };
/// Wishes of one member that somebody be invited: each is mailed to all admins.
pub const WISHES: Rate = Rate { what: "wish", times: 30, window: SignedDuration::from_hours(1) };

impl App {
    fn counter(&self, rate: &Rate, whom: &str) -> Counter {
        // Under a hash: an address in a key would be an address in metrics and logs.
        Counter::of(rate.what, &Tokens::hash(whom), rate.window, self.now())
    }

    fn wait(&self, counter: &Counter) -> Problem {
        let seconds = counter.ends.duration_since(self.now()).as_secs();
        Problem::TooMany(u32::try_from(seconds).unwrap_or(0).max(1))
    }

    /// Counts what is done now, and refuses it with 429 where it is once too often.
    pub async fn once_more(&self, rate: Rate, whom: &str) -> Result<(), Problem> {
        let counter = self.counter(&rate, whom);
        if self.store.count(&counter).await? > rate.times { Err(self.wait(&counter)) } else { Ok(()) }
    }

    /// Refuses with 429 where any of these failed too often lately.
    pub async fn not_too_often(&self, limits: &[(Rate, &str)]) -> Result<(), Problem> {
        let counters: Vec<Counter> = limits.iter().map(|(rate, whom)| self.counter(rate, whom)).collect();
        let counts = self.store.counts(&counters.iter().collect::<Vec<_>>()).await?;
        let over = limits.iter().zip(&counts).zip(&counters).find(|(((rate, _), count), _)| rate.times <= **count);
        over.map_or(Ok(()), |(_, counter)| Err(self.wait(counter)))
    }

    /// Counts a failure.
    pub async fn failed(&self, limits: &[(Rate, &str)]) -> Result<(), Problem> {
        let counted = limits.iter().map(|(rate, whom)| async {
            let counter = self.counter(rate, whom);
            self.store.count(&counter).await
        });
        futures::future::try_join_all(counted).await?;
        Ok(())
    }
}
