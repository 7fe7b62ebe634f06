//! The threads about a collection or something in it, for its page.

use std::collections::BTreeMap;

use app::App;
use domain::access::{Access, Comment as MayComment, ManageComments, ReadCollection, ReadComments};
use domain::collection::Kind;
use domain::comment::{Comment, Subject};
use domain::ids::UserId;
use serde::Deserialize;

use crate::answer::{Lost, in_query};
use crate::library::may;
use crate::views::{self, Comments, Moment, Piece};

/// Comments of one page.
const SHOWN: usize = 50;

/// Which page of the comments.
#[derive(Debug, Deserialize)]
pub struct At {
    comments: Option<String>,
}

/// The threads about a collection, something in it, or a pull request to it.
pub(crate) async fn comments(app: &App, by: &Access<ReadCollection>, about: Subject, at: &At) -> Result<Comments, Lost> {
    let collection = &by.thing.collection;
    let topic = about.topic();
    let (what, of, page) = match about {
        Subject::Collection => ("collection", format!("collections/{collection}"), format!("/collections/{collection}")),
        Subject::Element(item) => {
            let what = if item.kind == Kind::Response { "example" } else { item.kind.as_str() };
            let of = format!("collections/{collection}/{}s/{}", item.kind.as_str(), item.id);
            (what, of, format!("/collections/{collection}/items/{}", item.id))
        }
        Subject::Pull(pull) => ("pull request", format!("pull-requests/{}", pull.id), format!("/pull-requests/{}", pull.id)),
    };
    let api = format!("/api/{of}/comments");
    let Some(read) = by.also::<ReadComments>() else { return Ok(Comments::default()) };
    let (found, older) = app.store.discussions(&read, &topic, at.comments.as_deref(), SHOWN).await?;
    let (may_comment, may_manage) = (may::<MayComment>(by), may::<ManageComments>(by));
    let shown = |comment: Comment| {
        let own = may_comment && comment.actor.id == by.caller.user;
        views::Comment {
            id: comment.id.to_string(),
            author: comment.actor.username,
            at: Moment(comment.created_at),
            edited: comment.updated_at != comment.created_at,
            pieces: pieces(&comment.body, &comment.mentions),
            body: comment.body,
            may_edit: own,
            may_delete: own || may_manage,
            revision: comment.updated_at.as_millisecond(),
        }
    };
    let threads = found
        .into_iter()
        .map(|one| views::Thread {
            id: one.thread.id.to_string(),
            resolved: one.thread.resolved_by.is_some(),
            comments: one.comments.into_iter().map(shown).collect(),
        })
        .collect();
    let older = older.map(|cursor| format!("{page}?comments={}#comments", in_query(&cursor)));
    Ok(Comments { what, api, threads, older, past: at.comments.is_some(), may_comment })
}

/// A text in pieces, with the names of those who are mentioned for themselves.
fn pieces(body: &str, mentions: &BTreeMap<UserId, String>) -> Vec<Piece> {
    let piece = |name: bool, text: &str| Piece { name, text: text.to_owned() };
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find('@') {
        let name = rest[at + 1..].split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')).next().unwrap_or_default();
        let name = name.trim_end_matches('.');
        let end = at + 1 + name.len();
        match mentions.values().any(|known| known.eq_ignore_ascii_case(name)) {
            true => pieces.extend([piece(false, &rest[..at]), piece(true, &rest[at..end])]),
            false => pieces.push(piece(false, &rest[..end])),
        }
        rest = &rest[end..];
    }
    pieces.push(piece(false, rest));
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_mentioned_stands_out() {
        let mentions = BTreeMap::from([(UserId(1), "anna".to_owned())]);
        let told = |text: &str| -> Vec<String> {
            pieces(text, &mentions).into_iter().map(|one| if one.name { format!("[{}]", one.text) } else { one.text }).collect()
        };
        assert_eq!(told("See @Anna. And @bob ä@"), ["See ", "[@Anna]", ". And @bob", " ä@"]);
        assert_eq!(told("@anna"), ["[@anna]"]);
        assert!(told("").is_empty());
    }
}
