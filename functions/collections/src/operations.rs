//! Edits in a list: what a batch and what an offline client sends.

use std::sync::Arc;

use app::{App, Problem};
use domain::format;
use domain::ids::ElementId;
use domain::json;
use serde_json::value::RawValue;
use store::batches::Asked;
use store::drafts::{After, Edit};
use store::saves::Basis;

use crate::items;

/// One operation as it is sent. What belongs to it depends on `op`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    op: String,
    /// The element; of a new one, what it brings itself counts.
    id: Option<String>,
    parent: Option<String>,
    #[serde(default, deserialize_with = "items::present")]
    after: Option<Option<String>>,
    item: Option<Box<RawValue>>,
    patch: Option<Box<RawValue>>,
    /// The revision that it is based on, as `If-Match` says elsewhere.
    base: Option<u64>,
    /// The mutation's own id: `Idempotency-Key` of this operation.
    key: Option<String>,
}

/// The operations of a body, each with the key that it brings. `at_most` of them are taken.
pub(crate) fn read(app: &App, body: &str, at_most: usize) -> Result<Vec<(Option<String>, Asked)>, Problem> {
    let list = json::get(body, "operations").filter(|list| json::is_array(list));
    let list = list.ok_or_else(|| Problem::field("/operations", "this is a list of operations"))?;
    let entries = json::entries(list);
    if entries.is_empty() || entries.len() > at_most {
        return Err(Problem::field("/operations", format!("1 to {at_most} operations are taken at once")));
    }
    let mut asked = Vec::with_capacity(entries.len());
    let mut wrong = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        match one(app, entry) {
            Ok(one) => asked.push(one),
            Err(Problem::Rejected(fields)) => wrong.extend(
                fields
                    .into_iter()
                    .map(|field| app::FieldError { pointer: format!("/operations/{index}{}", field.pointer), detail: field.detail }),
            ),
            Err(problem) => return Err(problem),
        }
    }
    if wrong.is_empty() { Ok(asked) } else { Err(Problem::Rejected(wrong)) }
}

fn named(raw: Option<String>, pointer: &'static str) -> Result<ElementId, Problem> {
    let raw = raw.ok_or_else(|| Problem::field(pointer, "this operation needs it"))?;
    ElementId::parse(&raw).map_err(|rejected| Problem::field(pointer, rejected.0))
}

fn one(app: &App, entry: &str) -> Result<(Option<String>, Asked), Problem> {
    let read: Result<Operation, _> = serde_json::from_str(entry);
    let Operation { op, id, parent, after, item, patch, base, key } = read.map_err(|error| Problem::field("", error.to_string()))?;
    let basis = Basis { revision: base, strict: false };
    let parent = parent.map(|raw| named(Some(raw), "/parent")).transpose()?;
    let after: After = match after {
        None => None,
        Some(None) => Some(None),
        Some(Some(raw)) => Some(Some(named(Some(raw), "/after")?)),
    };
    let json_of = |value: Option<Box<RawValue>>, pointer: &'static str| {
        value.map(|value| value.get().to_owned()).ok_or_else(|| Problem::field(pointer, "this operation needs it"))
    };
    let edit = match op.as_str() {
        "create" => {
            let item = json_of(item, "/item")?;
            let elements = format::split_item(&item, parent.as_ref(), None, || app.new_id().into());
            Edit::Create { elements: elements.map_err(|rejected| Problem::field("/item", rejected.0))?, after }
        }
        "update" => {
            let item = json_of(item, "/item")?;
            items::checked(&item)?;
            Edit::Change { id: named(id, "/id")?, mine: Arc::new(move |seen| Ok(items::with_slots(&item, seen))), basis }
        }
        "patch" => {
            let patch = json_of(patch, "/patch")?;
            let mine = items::patched(patch.clone(), json::is_array(&patch))?;
            Edit::Change { id: named(id, "/id")?, mine, basis }
        }
        "move" => Edit::Move { id: named(id, "/id")?, parent, after },
        "delete" => Edit::Delete { id: named(id, "/id")?, basis },
        _ => return Err(Problem::field("/op", "an operation is create, update, patch, move or delete")),
    };
    Ok((key, Asked { op, edit }))
}
