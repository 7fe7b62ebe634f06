//! The audit log of a team, read. Entries are written in the transactions of what they tell of (`events.rs`); nothing
//! removes one.

use domain::access::{Access, ReadAudit};
use domain::happened::Event;
use domain::ids::UserId;
use jiff::{Span, Timestamp, tz::TimeZone};

use crate::{Error, Range, Store, cursor, keys, read};

/// Entries that are looked at for one page at most: a rare one may be further on.
const LOOKED_AT: usize = 2_000;

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one person: who did it, or to whom it was done.
    pub user: Option<UserId>,
    /// Of one kind.
    pub action: Option<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// The oldest first.
    pub ascending: bool,
}

impl Filter {
    fn wants(&self, event: &Event) -> bool {
        let about = |user: UserId| {
            let value = serde_json::to_value(&event.what).unwrap_or_default();
            value["user"] == user.0 || value["to"]["user"] == user.0
        };
        let user = self.user.is_none_or(|user| event.actor.as_ref().is_some_and(|actor| actor.id == user) || about(user));
        let action = self.action.as_ref().is_none_or(|action| event.what.word() == *action);
        user && action && self.since.is_none_or(|since| since <= event.at) && self.until.is_none_or(|until| event.at < until)
    }
}

/// A page of the log.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// The entries.
    pub events: Vec<Event>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

/// The month before or behind.
fn next_month(month: &str, ascending: bool) -> Option<String> {
    let first = jiff::civil::Date::strptime("%Y%m%d", format!("{month}01")).ok()?;
    let step = if ascending { Span::new().months(1) } else { Span::new().months(-1) };
    Some(first.checked_add(step).ok()?.strftime("%Y%m").to_string())
}

impl Store {
    /// A page of a team's audit log; `born` is when the team was made: there is nothing before.
    pub async fn audit(
        &self,
        by: &Access<ReadAudit>,
        filter: &Filter,
        (born, now): (Timestamp, Timestamp),
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, Error> {
        let subject = keys::team_partition(by.thing);
        let (first, last) = (filter.since.unwrap_or(born).max(born), filter.until.unwrap_or(now).min(now));
        let (oldest, newest) = (keys::month(first), keys::month(last));
        let at = cursor::place(cursor, |place| {
            cursor::sort_key(place)?.split_once(' ').map(|(month, sort)| (month.to_owned(), sort.to_owned()))
        })?;
        let (mut month, mut behind) = match at {
            Some((month, sort)) => (month, Some(sort)),
            None if filter.ascending => (oldest.clone(), None),
            None => (newest.clone(), None),
        };
        let mut events = Vec::new();
        let mut looked_at = 0;
        while oldest <= month && month <= newest {
            let partition = keys::audit_partition(&subject, &month);
            let range = match (&behind, filter.ascending) {
                (Some(sort), true) => Range::above(partition, sort.clone()),
                (Some(sort), false) => Range::below(partition, sort.clone()).newest_first(),
                (None, true) => Range::of(partition),
                (None, false) => Range::of(partition).newest_first(),
            };
            let page = self.page(&range.at_most(limit.max(50)), None).await?;
            let more = page.next.is_some();
            for item in page.items {
                looked_at += 1;
                behind = crate::key_of(&item).map(|key| key.sk);
                let event: Event = read(item)?;
                if filter.wants(&event) {
                    events.push(event);
                }
                if events.len() == limit || looked_at == LOOKED_AT {
                    let here = format!("{month} {}", behind.unwrap_or_default());
                    return Ok(AuditPage { events, cursor: Some(cursor::of(here)) });
                }
            }
            if !more {
                behind = None;
                let Some(next) = next_month(&month, filter.ascending) else { break };
                month = next;
            }
        }
        Ok(AuditPage { events, cursor: None })
    }
}

/// The start of a day (UTC), from `2026-11-25` or a whole time.
pub fn moment(raw: &str) -> Option<Timestamp> {
    let day = |raw: &str| raw.parse::<jiff::civil::Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    if raw.len() <= 10 { day(raw) } else { raw.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other() {
        assert_eq!(next_month("202612", true).as_deref(), Some("202701"));
        assert_eq!(next_month("202601", false).as_deref(), Some("202512"));
        assert_eq!(moment("2026-11-25"), "2026-11-25T00:00:00Z".parse().ok());
        assert_eq!(moment("yesterday"), None);
    }
}
