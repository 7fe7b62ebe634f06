//! Before anybody is let in: what looks like a secret in collections, and the warning that has to be confirmed.

use domain::collection::Head;
use domain::ids::{CollectionId, ElementId};
use domain::limit;
use domain::secrets::{self, Finding};
use serde_json::{Value, json};
use store::Conflict;

use crate::{App, Problem, Tokens};

/// What a look for secrets found.
#[derive(Debug, Default)]
pub struct Scan {
    /// What was found, and where: at most [`limit::FINDINGS`].
    pub findings: Vec<Found>,
    /// How much was found in all.
    pub total: usize,
    /// Collections that were not looked at, because there is too much.
    pub left: usize,
    /// What confirms that this was seen: it holds for these collections as they were when they were looked at.
    pub confirm: String,
}

/// Something that looks like a secret.
#[derive(Debug)]
pub struct Found {
    /// The collection.
    pub collection: CollectionId,
    /// Its name.
    pub name: String,
    /// The element; the collection's own id for its own part.
    pub element: ElementId,
    /// The element's name.
    pub element_name: String,
    /// Where in it, and what.
    pub finding: Finding,
}

/// What confirms a warning about collections, as they are, in a place.
fn confirmation(place: &str, heads: &[Head]) -> String {
    let mut all: Vec<String> = heads.iter().map(|head| format!("{} {}", head.collection, head.seq)).collect();
    all.sort_unstable();
    Tokens::hash(&format!("public {place} {}", all.join(" ")))
}

impl App {
    /// Looks for secrets in collections, the first ones first, as far as there is time for. `place` is where they shall be
    /// public.
    pub async fn scan(&self, place: &str, heads: &[Head]) -> Result<Scan, Problem> {
        let mut scan = Scan { confirm: confirmation(place, heads), ..Scan::default() };
        let mut bytes = 0;
        for (at, head) in heads.iter().enumerate() {
            if limit::SCANNED_BYTES <= bytes {
                scan.left = heads.len() - at;
                break;
            }
            let whole = self.store.whole(head).await?;
            bytes += whole.root.json.len() + whole.elements.iter().map(|element| element.json.len()).sum::<usize>();
            let look = move || {
                let all = std::iter::once(&whole.root).chain(&whole.elements);
                let found = all.flat_map(|one| secrets::scan(&one.json).into_iter().map(|found| (one.id.clone(), one.name.clone(), found)));
                found.collect::<Vec<_>>()
            };
            // Off the async threads: some megabytes take a moment.
            let found = tokio::task::spawn_blocking(look).await.map_err(|error| Problem::Internal(error.to_string()))?;
            scan.total += found.len();
            let room = limit::FINDINGS - scan.findings.len();
            scan.findings.extend(found.into_iter().take(room).map(|(element, named, finding)| Found {
                // Its own part has no name but the collection's.
                element_name: if element.as_str() == head.collection.as_str() { head.name.clone() } else { named },
                collection: head.collection.clone(),
                name: head.name.clone(),
                element,
                finding,
            }));
        }
        Ok(scan)
    }

    /// Refuses with a warning and what was found, until that is confirmed.
    pub async fn warn(&self, place: &str, heads: &[Head], confirm: Option<&str>) -> Result<(), Problem> {
        if confirm == Some(confirmation(place, heads).as_str()) {
            return Ok(());
        }
        let scan = self.scan(place, heads).await?;
        let findings: Vec<Value> = scan.findings.iter().map(shown).collect();
        Err(Problem::Conflict(Conflict::Unconfirmed, "").with(vec![
            ("findings", json!(findings).to_string()),
            ("total", scan.total.to_string()),
            ("left", scan.left.to_string()),
            ("confirm", json!(scan.confirm).to_string()),
        ]))
    }
}

fn shown(found: &Found) -> Value {
    json!({
        "collection": {"id": found.collection, "name": found.name},
        "element": {"id": found.element, "name": found.element_name},
        "pointer": found.finding.pointer,
        "kind": found.finding.kind,
        "masked": found.finding.masked,
    })
}
