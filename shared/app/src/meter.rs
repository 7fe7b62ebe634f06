//! How many requests are answered a minute: of one account, and of one network address.
//!
//! Counted in the memory of the process, so that it costs neither a round trip nor a write: it keeps one caller from
//! taking the whole of an instance. What has to hold across instances, guesses of passwords and mails, is counted in
//! the table ([`crate::rates`]).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ids::UserId;
use jiff::Timestamp;

use crate::{App, Problem};

/// Behind one network address may be an office: it has so many times the limit of one account.
const ADDRESS_TIMES: u32 = 10;
/// Of so many callers a process remembers how much they have left.
const REMEMBERED: usize = 20_000;
const MINUTE: f64 = 60.0;

/// What says how much is left, in answers.
pub(crate) const HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    Account(UserId),
    Address(IpAddr),
}

/// A bucket of requests: it holds what may be asked at once, and fills up again within a minute.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    holds: f64,
    at: Timestamp,
}

/// How much a caller has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    limit: u32,
    remaining: u32,
    /// Seconds until all of it is there again or, where there is nothing, until there is one.
    reset: u32,
}

impl Left {
    fn tell(self, headers: &mut HeaderMap) {
        for (name, number) in HEADERS.into_iter().zip([self.limit, self.remaining, self.reset]) {
            headers.insert(name, HeaderValue::from(number));
        }
    }
}

/// The limit, and who has how much of it left. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Requests of an account a minute; 0: as many as they like.
    per_minute: u32,
    buckets: Arc<Mutex<HashMap<Whose, Bucket>>>,
}

impl Limits {
    /// Limits an account to so many requests a minute; 0 limits nobody.
    pub fn new(per_minute: u32) -> Limits {
        Limits { per_minute, buckets: Arc::default() }
    }

    /// Takes one request out of somebody's bucket. `Err`: it is empty.
    fn take(&self, whose: Whose, now: Timestamp) -> Result<Left, Left> {
        let limit = match whose {
            Whose::Account(_) => self.per_minute,
            Whose::Address(_) => self.per_minute.saturating_mul(ADDRESS_TIMES),
        };
        let full = f64::from(limit);
        let a_second = full / MINUTE;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if REMEMBERED <= buckets.len() && !buckets.contains_key(&whose) {
            // Whoever has asked nothing for a minute has all of it again: that is what is not remembered either.
            buckets.retain(|_, bucket| now.duration_since(bucket.at).as_secs_f64() < MINUTE);
            if REMEMBERED <= buckets.len() {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(whose).or_insert(Bucket { holds: full, at: now });
        let since = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        let holds = (bucket.holds + since * a_second).min(full);
        let taken = 1.0 <= holds;
        *bucket = Bucket { holds: if taken { holds - 1.0 } else { holds }, at: now };
        let missing = if taken { full - bucket.holds } else { 1.0 - holds };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Small and not negative.
        let left = Left { limit, remaining: bucket.holds as u32, reset: ((missing / a_second).ceil() as u32).max(1) };
        if taken { Ok(left) } else { Err(left) }
    }
}

/// Where a request notes how much its caller's account has left, once it is known whose it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Option<Left>>>);

impl Meter {
    fn read(&self) -> Option<Left> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request of an account, once, however often it is asked who calls. 429 where it is one too many.
    pub(crate) fn count(&self, app: &App, user: UserId) -> Result<(), Problem> {
        if self.read().is_some() {
            return Ok(());
        }
        let counted = app.limits.take(Whose::Account(user), app.now());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted.unwrap_or_else(|left| left));
        counted.map(drop).map_err(|left| Problem::TooMany(left.reset))
    }
}

/// The part of an address that one customer of a network has: of IPv6 the first half.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_none() => IpAddr::V6((six.to_bits() & !u128::from(u64::MAX)).into()),
        other => other.to_canonical(),
    }
}

/// The layer that counts each request of a network address, and says in each answer how much is left: of the account
/// where somebody is signed in, of the address otherwise.
pub(crate) async fn metered(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if app.limits.per_minute == 0 {
        return next.run(request).await;
    }
    let address = crate::address(request.headers()).and_then(|address| address.parse().ok()).map(network);
    let counted = address.map(|address| app.limits.take(Whose::Address(address), app.now()));
    let meter = Meter::default();
    let mut response = match counted {
        Some(Err(left)) => Problem::TooMany(left.reset).into_response(),
        _ => {
            request.extensions_mut().insert(meter.clone());
            next.run(request).await
        }
    };
    let of_address = counted.map(|counted| counted.unwrap_or_else(|left| left));
    if let Some(left) = meter.read().or(of_address) {
        left.tell(response.headers_mut());
    }
    response
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_fills_up_within_a_minute() {
        let limits = Limits::new(60);
        let (ann, start) = (Whose::Account(UserId(1)), Timestamp::UNIX_EPOCH);
        for remaining in (0..60).rev() {
            assert_eq!(limits.take(ann, start).map(|left| left.remaining), Ok(remaining));
        }
        assert_eq!(limits.take(ann, start), Err(Left { limit: 60, remaining: 0, reset: 1 }));
        assert_eq!(limits.take(Whose::Account(UserId(2)), start).map(|left| left.remaining), Ok(59), "each has their own");
        let later = start + SignedDuration::from_secs(10);
        assert_eq!(limits.take(ann, later), Ok(Left { limit: 60, remaining: 9, reset: 51 }));
        let full = start + SignedDuration::from_mins(10);
        assert_eq!(limits.take(ann, full).map(|left| left.remaining), Ok(59), "and never more than the limit");
        assert!(limits.take(ann, start).is_ok(), "a clock that goes back takes nothing");
    }

    #[test]
    fn an_address_is_an_office_and_a_network() {
        let limits = Limits::new(1);
        let take = |text: &str| limits.take(Whose::Address(network(text.parse().unwrap())), Timestamp::UNIX_EPOCH);
        for _ in 0..ADDRESS_TIMES {
            assert!(take("2001:db8:0:1::1").is_ok());
        }
        assert!(take("2001:db8:0:1:ffff::2").is_err());
        assert!(take("2001:db8:0:2::1").is_ok());
        for _ in 0..ADDRESS_TIMES {
            assert!(take("192.0.2.1").is_ok());
        }
        assert!(take("::ffff:192.0.2.1").is_err() && take("192.0.2.2").is_ok());
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let limits = Limits::new(60);
        for user in 0..(REMEMBERED as u64 + 10) {
            assert!(limits.take(Whose::Account(UserId(user)), Timestamp::UNIX_EPOCH).is_ok());
        }
        assert!(limits.buckets.lock().unwrap().len() <= REMEMBERED);
    }
}
