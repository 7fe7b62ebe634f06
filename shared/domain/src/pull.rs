//! Pull requests: somebody asks that a fork be merged into what it is a fork of, or the other way round, and others look at it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::collection::Head;
use crate::ids::{CollectionId, PullId, UserId};

/// Where a pull request stands. The words are the Postman API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits.
    Open,
    /// Somebody who may decide finds it good.
    Approved,
    /// Somebody who may decide does not want it, or its author took it back.
    Declined,
    /// It is done, for good.
    Merged,
}

impl Status {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Approved => "approved",
            Status::Declined => "declined",
            Status::Merged => "merged",
        }
    }
}

/// What somebody said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// `Open`: nothing yet, or not any more.
    pub status: Status,
    /// The source's revision that they saw.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// One of its two collections, as it was called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The collection.
    pub collection: CollectionId,
    /// Who made it.
    pub owner: UserId,
    /// Its name.
    pub name: String,
    /// Its label, where it is the fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl End {
    /// A collection, as it is called now.
    pub fn of(head: &Head) -> End {
        End {
            collection: head.collection.clone(),
            owner: head.owner,
            name: head.name.clone(),
            label: head.fork.as_ref().map(|fork| fork.label.clone()),
        }
    }

    /// Its uid.
    pub fn uid(&self) -> String {
        self.collection.uid(self.owner)
    }
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its id.
    pub id: PullId,
    /// What it is about, in a line.
    pub title: String,
    /// And in more.
    pub description: String,
    /// What is to be merged.
    pub source: End,
    /// Into what.
    pub destination: End,
    /// Who asks.
    pub by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: UserId,
    /// Where it stands.
    pub status: Status,
    /// Who is asked to look at it, and what they said; and who said something without being asked.
    pub reviews: BTreeMap<UserId, Review>,
    /// Who of these was asked.
    pub reviewers: Vec<UserId>,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Counts up with every change of it.
    pub version: u64,
}

/// A pull request, as whoever tells of it names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PullRef {
    /// Its id.
    pub id: PullId,
    /// Its title then.
    pub title: String,
    /// What is to be merged: who may not see it is not told.
    pub source: CollectionId,
}

impl From<&Pull> for PullRef {
    fn from(pull: &Pull) -> PullRef {
        PullRef { id: pull.id.clone(), title: pull.title.clone(), source: pull.source.collection.clone() }
    }
}

/// What somebody does with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is good.
    Approve,
    /// It is not good (any more), without being declined.
    Unapprove,
    /// It is not wanted.
    Decline,
}

impl Pull {
    /// Says something about it, as of the source's revision `seq`.
    pub fn review(&mut self, by: UserId, verdict: Verdict, comment: Option<String>, seq: u64, at: Timestamp) {
        let said = match verdict {
            Verdict::Approve => Status::Approved,
            Verdict::Unapprove => Status::Open,
            Verdict::Decline => Status::Declined,
        };
        self.reviews.insert(by, Review { status: said, seq, at });
        let approved = || self.reviews.values().any(|review| review.status == Status::Approved);
        self.status = match said {
            Status::Open if approved() => Status::Approved,
            said => said,
        };
        self.comment = comment.filter(|_| verdict == Verdict::Decline);
    }

    /// What somebody said about it, and whether the source has changed since, which is at revision `now` (`None`: gone).
    pub fn said(&self, user: UserId, now: Option<u64>) -> (Status, bool) {
        match self.reviews.get(&user) {
            Some(review) => (review.status, now.is_some_and(|now| review.seq < now)),
            None => (Status::Open, false),
        }
    }

    /// Its two collections.
    pub fn collections(&self) -> [CollectionId; 2] {
        [self.source.collection.clone(), self.destination.collection.clone()]
    }

    /// Whom it concerns beside its author: who was asked, and who said something without being asked.
    pub fn looked_at_by(&self) -> impl Iterator<Item = UserId> {
        self.reviewers.iter().chain(self.reviews.keys()).copied()
    }

    /// Whether somebody may say something about it beside those who edit the destination: who was asked, and its author.
    pub fn asks(&self, user: UserId) -> bool {
        self.by == user || self.reviewers.contains(&user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reviewers_say_decides_where_it_stands() {
        let at = Timestamp::UNIX_EPOCH;
        let end = |id: &str| End { collection: id.parse().unwrap(), owner: UserId(1), name: id.into(), label: None };
        let mut pull = Pull {
            id: "p".parse().unwrap(),
            title: "t".into(),
            description: String::new(),
            source: end("s"),
            destination: end("d"),
            by: UserId(1),
            created_at: at,
            updated_at: at,
            updated_by: UserId(1),
            status: Status::Open,
            reviews: BTreeMap::new(),
            reviewers: vec![UserId(2), UserId(3)],
            comment: None,
            version: 1,
        };
        pull.review(UserId(2), Verdict::Approve, Some("not kept".into()), 4, at);
        pull.review(UserId(3), Verdict::Approve, None, 4, at);
        pull.review(UserId(2), Verdict::Unapprove, None, 5, at);
        assert_eq!((pull.status, &pull.comment), (Status::Approved, &None), "the other one still finds it good");
        pull.review(UserId(3), Verdict::Unapprove, None, 5, at);
        assert_eq!(pull.status, Status::Open);
        pull.review(UserId(3), Verdict::Decline, Some("why".into()), 5, at);
        assert_eq!((pull.status, pull.comment.as_deref()), (Status::Declined, Some("why")));
        assert_eq!((pull.said(UserId(3), Some(6)), pull.said(UserId(3), Some(5))), ((Status::Declined, true), (Status::Declined, false)));
        assert_eq!((pull.said(UserId(3), None), pull.said(UserId(9), Some(6))), ((Status::Declined, false), (Status::Open, false)));
        pull.review(UserId(2), Verdict::Approve, None, 6, at);
        assert_eq!((pull.status, &pull.comment), (Status::Approved, &None));
    }
}
