//! Clients that were offline, and a model: whatever many do, all end with the same, and nothing acknowledged is missing.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{Reply, TestApp, User, samples};

use crate::assert_gapless;
use crate::forks::{fork, merge};

#[tokio::test]
async fn one_round_trip_and_a_client_is_level_again() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let id = anna.post_text("/api/collections", samples::of_requests("Offline", 4)).await.ok().at("/collection/id");
        let id = id.as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}");
        let mut items = Vec::new();
        for index in 0..4 {
            items.push(anna.item_named(&id, &format!("request {index}")).await);
        }
        let item = |index: usize| format!("{path}/items/{}", items[index]);
        // Meanwhile, online.
        anna.patch(&item(0), r#"{"description": "theirs"}"#).await.ok();
        anna.patch(&item(1), r#"{"name": "theirs"}"#).await.ok();
        anna.delete(&item(2)).await.ok();
        let done_offline = json!({"since": 1, "operations": [
            {"key": "m1", "op": "patch", "id": items[0], "base": 1, "patch": {"name": "mine"}},
            {"key": "m2", "op": "patch", "id": items[1], "base": 1, "patch": {"name": "mine"}},
            {"key": "m3", "op": "patch", "id": items[2], "base": 1, "patch": {"name": "mine"}},
            {"key": "m4", "op": "create", "item": {"id": "made-offline", "name": "new", "item": []}},
            {"key": "m5", "op": "move", "id": items[3], "parent": "made-offline"}
        ]});
        let sync = || anna.post(&format!("{path}/sync"), done_offline.clone());
        let answer = sync().await.ok();
        let said: Vec<String> = answer
            .at("/results")
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| format!("{} {}", one["key"].as_str().unwrap_or("?"), one["status"].as_str().unwrap_or("?")))
            .collect();
        assert_eq!(said, ["m1 merged", "m2 conflict", "m3 failed", "m4 applied", "m5 applied"], "{answer}");
        assert_eq!(
            answer.at("/results/1/conflicts"),
            json!([{"pointer": "/name", "base": "request 1", "mine": "mine", "theirs": "theirs"}])
        );
        assert_eq!(answer.at("/results/2/code"), "not_found");
        let numbers: Vec<_> = answer.at("/changes").as_array().into_iter().flatten().map(|one| one["seq"].as_u64()).collect();
        assert_eq!(numbers, (2..=7).map(Some).collect::<Vec<_>>());
        assert_eq!((answer.at("/head"), answer.at("/more")), (json!(7), json!(false)));
        // The state that is proved is the one that is there.
        let state = anna.get(&format!("{path}/state")).await.ok();
        assert_eq!(answer.at("/state"), state.json());
        assert_eq!((state.at("/revision"), state.at("/count")), (json!(7), json!(4)));
        assert_eq!(state.at("/hash"), proof(&anna, &id).await);
        // The answer was lost, the same again: nothing is done twice.
        let again = sync().await.ok();
        assert_eq!(again.at("/head"), 7);
        assert_eq!(again.at("/results/0/revision"), answer.at("/results/0/revision"));
        assert_eq!(again.at("/state"), answer.at("/state"));
        assert_gapless(&anna.changes(&id, 0).await, 7);
        let wrong =
            anna.post(&format!("{path}/sync"), json!({"operations": [{"op": "delete", "id": items[0]}]})).await.refused(422, "rejected");
        assert_eq!(wrong.at("/errors/0/pointer"), "/operations/0/key");
    })
    .await;
}

/// The hash as the documentation defines it, from what the API answers.
async fn proof(anna: &User, id: &str) -> String {
    use std::fmt::Write;
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut out, byte| {
            write!(out, "{byte:02x}").expect("a text takes it");
            out
        })
    };
    let digest = |text: &str| hex(aws_lc_digest(text).as_ref());
    let whole = anna.get(&format!("/api/collections/{id}")).await.ok().text;
    // The collection's own part: the document with an empty `item`.
    let document = whole.strip_prefix("{\"collection\":").and_then(|rest| rest.strip_suffix('}')).expect("wrapped");
    let own = domain::json::set(document, "item", Some("[]"));
    let mut lines = format!("0 collection {id} {}\n", digest(&domain::json::minify(&own)));
    let mut depths: BTreeMap<String, usize> = BTreeMap::new();
    for item in anna.items(id).await {
        let (item_id, kind) = (item["id"].as_str().expect("id").to_owned(), item["kind"].as_str().expect("kind").to_owned());
        let depth = item["parent"].as_str().map_or(1, |parent| depths[parent] + 1);
        depths.insert(item_id.clone(), depth);
        let text = anna.get(&format!("/api/collections/{id}/items/{item_id}")).await.ok().text;
        lines.push_str(&format!("{depth} {kind} {item_id} {}\n", digest(&domain::json::minify(&text))));
    }
    digest(&lines)
}

fn aws_lc_digest(text: &str) -> impl AsRef<[u8]> {
    use sha2::Digest;
    sha2::Sha256::digest(text.as_bytes())
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap_or(0)
    }
}

/// One client's random edits, each acknowledged or refused. Gives what was acknowledged: revision, and the name written.
async fn play(anna: User, path: String, id: String, copy: String, seed: u64, rounds: usize) -> Vec<(u64, String)> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let items = anna.items(&id).await;
        let pick = |dice: &mut Dice, kind: Option<&str>| -> Option<Value> {
            let fit: Vec<&Value> = items.iter().filter(|item| kind.is_none_or(|kind| item["kind"] == kind)).collect();
            (!fit.is_empty()).then(|| fit[dice.roll(fit.len())].clone())
        };
        let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let name = format!("client {seed} round {round}");
        let answer: Option<Reply> = match dice.roll(11) {
            0 => Some(anna.post(&format!("{path}/items"), samples::folder(&name, &[samples::request(&format!("in {name}"))])).await),
            1 => Some(anna.post(&format!("{path}/items"), samples::request(&name)).await),
            2 | 3 => match pick(&mut dice, None) {
                Some(item) => {
                    let base = item["revision"].to_string();
                    Some(
                        anna.patch(&format!("{path}/items/{}", text(&item, "id")), json!({"name": name}).to_string())
                            .header("if-match", &format!("\"{base}\""))
                            .await,
                    )
                }
                None => None,
            },
            4 | 5 => match (pick(&mut dice, Some("request")), pick(&mut dice, Some("folder"))) {
                (Some(item), folder) => {
                    let parent = folder.map(|folder| text(&folder, "id"));
                    Some(anna.post(&format!("{path}/items/{}/move", text(&item, "id")), json!({"parent": parent})).await)
                }
                _ => None,
            },
            6 => match pick(&mut dice, None) {
                Some(item) if items.len() > 4 => Some(anna.delete(&format!("{path}/items/{}", text(&item, "id"))).await),
                _ => None,
            },
            7 => match (pick(&mut dice, Some("request")), pick(&mut dice, Some("folder"))) {
                (Some(item), Some(folder)) => {
                    let id = text(&item, "id");
                    let operations = json!([
                        {"op": "create", "item": samples::folder(&format!("with {name}"), &[samples::request(&format!("in {name}"))])},
                        {"op": "patch", "id": id, "base": item["revision"], "patch": {"name": name}},
                        {"op": "move", "id": id, "parent": folder["id"]},
                    ]);
                    let answer = anna.post(&format!("{path}/batch"), json!({"operations": operations})).await;
                    if answer.status == 200 {
                        acknowledged.push((answer.at("/results/1/revision").as_u64().expect("a revision"), name.clone()));
                    }
                    Some(answer)
                }
                _ => None,
            },
            8 => match (pick(&mut dice, None), pick(&mut dice, Some("request"))) {
                (Some(item), Some(gone)) => {
                    let mut operations = vec![
                        json!({"key": format!("{name} a"), "op": "patch", "id": item["id"], "base": item["revision"], "patch": {"name": name}}),
                    ];
                    if items.len() > 4 {
                        operations.push(json!({"key": format!("{name} b"), "op": "delete", "id": gone["id"]}));
                    }
                    let answer = anna.post(&format!("{path}/sync"), json!({"operations": operations})).await.ok();
                    if ["applied", "merged"].contains(&answer.at("/results/0/status").as_str().unwrap_or_default()) {
                        acknowledged.push((answer.at("/results/0/revision").as_u64().expect("a revision"), name.clone()));
                    }
                    Some(answer)
                }
                _ => None,
            },
            9 => {
                let theirs = anna.items(&copy).await;
                let item = theirs[dice.roll(theirs.len())]["id"].as_str().expect("an id").to_owned();
                let change = json!({"description": name}).to_string();
                let changed = anna.patch(&format!("/api/collections/{copy}/items/{item}"), change).await;
                match changed.status {
                    // A merge also brings into the fork what was deleted at its parent.
                    404 => Some(changed),
                    _ => {
                        changed.ok();
                        Some(merge(&anna, &copy, &id, json!({"others": "theirs"})).await)
                    }
                }
            }
            _ => {
                let trash = anna.get(&format!("{path}/trash")).await.ok().at("/trash");
                let trash = trash.as_array().cloned().unwrap_or_default();
                match trash.is_empty() {
                    true => None,
                    false => Some(anna.post(&format!("{path}/restore"), trash[dice.roll(trash.len())]["restore"].clone()).await),
                }
            }
        };
        let Some(answer) = answer else { continue };
        // What somebody else deleted or moved meanwhile, and what cannot be, is refused; nothing fails.
        assert!([200, 404, 409, 422].contains(&answer.status), "{answer}");
        if answer.status == 200 && !answer.header("etag").is_empty() {
            let revision = answer.etag().trim_matches('"').parse().expect("a revision");
            acknowledged.push((revision, if answer.json().get("name").is_some_and(|now| *now == name) { name } else { String::new() }));
        }
    }
    acknowledged
}

/// Applies a change to a model: elements by id, with parent and name.
fn apply(model: &mut BTreeMap<String, (Option<String>, String)>, change: &Value) {
    let id = change["item"]["id"].as_str().unwrap_or_default().to_owned();
    let parent = change["item"]["parent"].as_str().map(str::to_owned);
    let name = change["item"]["name"].as_str().unwrap_or_default().to_owned();
    match change["op"].as_str() {
        Some("create" | "update" | "move") => drop(model.insert(id, (parent, name))),
        Some("delete") => {
            let mut gone = vec![id];
            while let Some(id) = gone.pop() {
                model.remove(&id);
                gone.extend(model.iter().filter(|(_, (parent, _))| parent.as_deref() == Some(&id)).map(|(id, _)| id.clone()));
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_and_a_model_end_equal() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let file = samples::collection(
            "Model",
            &[samples::folder("a", &[samples::request("a1")]), samples::folder("b", &[]), samples::request("c")],
        );
        let id = anna.post_text("/api/collections", file).await.ok().at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}");
        let own = anna.get("/api/workspaces?type=personal").await.ok().at("/workspaces/0/id").as_str().expect("an id").to_owned();
        let copy = fork(&anna, &id, &own, "Model").await;
        let players = (0..4).map(|seed| tokio::spawn(play(anna.clone(), path.clone(), id.clone(), copy.clone(), seed, 26)));
        let mut acknowledged = Vec::new();
        for player in players.collect::<Vec<_>>() {
            acknowledged.extend(player.await.expect("nothing failed"));
        }
        let changes = anna.changes(&id, 0).await;
        let head = changes.len() as u64;
        assert_gapless(&changes, head);
        assert!(head > 40, "{head} changes");
        for (revision, name) in &acknowledged {
            let change = &changes[usize::try_from(revision - 1).expect("a place")];
            assert!(name.is_empty() || change["item"]["name"] == *name, "revision {revision} is not what was acknowledged: {change}");
        }
        // The log replayed on a model, from the last number at which something came back (a restore and a merge say only how many).
        let start = changes
            .iter()
            .rev()
            .find(|change| change["op"] == "restore" || change["counts"].is_object())
            .map_or(1, |change| change["seq"].as_u64().unwrap_or(1));
        let tree = |document: &Value| {
            let mut model = BTreeMap::new();
            let mut rest: Vec<(Option<String>, Value)> =
                document["collection"]["item"].as_array().into_iter().flatten().map(|one| (None, one.clone())).collect();
            while let Some((parent, one)) = rest.pop() {
                let id = one["id"].as_str().expect("id").to_owned();
                rest.extend(one["item"].as_array().into_iter().flatten().map(|child| (Some(id.clone()), child.clone())));
                model.insert(id, (parent, one["name"].as_str().unwrap_or_default().to_owned()));
            }
            model
        };
        let mut model = tree(&anna.get(&format!("{path}/at/{start}")).await.ok().json());
        for change in changes.iter().skip(usize::try_from(start).expect("a place")) {
            apply(&mut model, change);
            let there = tree(&anna.get(&format!("{path}/at/{}", change["seq"])).await.ok().json());
            assert_eq!(there, model, "after {change}");
        }
        let now = anna.get(&path).await.ok();
        assert_eq!(tree(&now.json()), model);
        assert_eq!(anna.get(&format!("{path}/at/{head}")).await.ok().text, now.text);
        // Going back to the beginning and forth again: the same text, the same proof.
        let state = anna.get(&format!("{path}/state")).await.ok();
        assert_eq!((state.at("/hash"), state.at("/count")), (json!(proof(&anna, &id).await), json!(model.len())));
        let first = anna.get(&format!("{path}/at/1")).await.ok().text;
        anna.post(&format!("{path}/restore"), json!({"seq": 1})).await.ok();
        assert_eq!(anna.get(&path).await.ok().text, first);
        anna.post(&format!("{path}/restore"), json!({"seq": head})).await.ok();
        assert_eq!(anna.get(&path).await.ok().text, now.text);
    })
    .await;
}
