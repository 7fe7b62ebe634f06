//! How the team works on a collection at the same time: import, reading back, edits, events, feed, mail.

use super::client::{Body, Person, hold};
use super::compare::{self, Difference};
use super::live::Live;
use super::people::{Team, mail, settle};
use super::show::millis;
use super::{Failure, Given};
use domain::{format, json};
use local::Stack;
use reqwest::Method;
use serde_json::{Value, json as value};
use std::time::{Duration, Instant};

/// Edits whose way to a colleague is timed.
pub const TIMED: usize = 20;
/// The path of a collection.
pub type Path<'a> = [&'a str; 3];

/// An element in the state that somebody saw.
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Its JSON as it was seen.
    pub json: String,
    /// The revision that was seen.
    pub seen: u64,
}

fn at<'a>(path: &Path<'a>, rest: &[&'a str]) -> Vec<&'a str> {
    [path.as_slice(), rest].concat()
}

fn as_expected(found: &[Difference], expected: &str) -> Result<(), Failure> {
    let said: Vec<String> = found.iter().take(3).map(Difference::to_string).collect();
    hold(found.is_empty(), expected, format!("{} differences: {}", found.len(), said.join("; ")))
}

/// The collection as the API gives it, out of its wrapping.
pub async fn document(person: &Person, path: &Path<'_>) -> Result<String, Failure> {
    // In the format that it came in: there it is, edited or not, what it was but for the edits.
    let answer = person.ask(Method::GET, path, &[("format", "original")], None, Body::None).await?.expect(200)?;
    let inner = json::get(&answer.text, "collection").map(str::to_owned);
    inner.ok_or_else(|| Failure::new("{\"collection\": …}", answer.text.chars().take(80).collect::<String>()))
}

pub async fn import(anna: &Person, team: &Team, given: &Given) -> Result<(String, String), Failure> {
    let began = Instant::now();
    let query = [("workspace", team.workspace.as_str())];
    let body = Body::File(given.bytes.clone());
    let made = anna.ask(Method::POST, &["api", "collections"], &query, None, body).await?.expect(200)?;
    let rate = given.requests as f64 / began.elapsed().as_secs_f64();
    let said = format!("{} requests in {} elements, {rate:.0} requests a second", given.requests, given.elements);
    Ok((made.text_at("/collection/id")?, said))
}

pub async fn listed(bob: &Person, team: &Team, collection: &str, given: &Given) -> Result<((), String), Failure> {
    let query = [("workspace", team.workspace.as_str())];
    let list = bob.ask(Method::GET, &["api", "collections"], &query, None, Body::None).await?.expect(200)?.value()?;
    let found = list["collections"].as_array().into_iter().flatten().find(|one| one["id"] == collection);
    let found = found.ok_or_else(|| Failure::new(format!("collection {collection} in the list"), list.to_string()))?;
    hold(found["count"] == given.elements, format!("{} elements", given.elements), found)?;
    Ok(((), format!("“{}”", found["name"].as_str().unwrap_or_default())))
}

pub async fn read_back(bob: &Person, path: &Path<'_>, given: &Given) -> Result<(String, String), Failure> {
    let came = document(bob, path).await?;
    let brought = format::unwrap(&given.text);
    as_expected(&compare::differences(brought, &came), "the imported document, but for ids that the server gave")?;
    let said = format!("{} KB, equal as text but for ids it had not", came.len().div_ceil(1024));
    Ok((came, said))
}

pub async fn stranger(dan: &Person, path: &Path<'_>) -> Result<((), String), Failure> {
    dan.get(path).await?.expect(404)?;
    dan.put(&at(path, &["items", "x"]), None, "{}".to_owned()).await?.expect(404)?;
    Ok(((), "404, for reading and for writing".to_owned()))
}

pub async fn subscribe(carla: &Person, path: &Path<'_>) -> Result<((), String), Failure> {
    let answer = carla.put(&at(path, &["subscription"]), None, "{}".to_owned()).await?.expect(200)?;
    hold(answer.text_at("/subscription/mail")? == "now", "mails at once", &answer.text)?;
    Ok(((), "events, feed, and mail at once".to_owned()))
}

pub async fn open(carla: &Person, collection: &str) -> Result<(Live, String), Failure> {
    let mut live = Live::open(carla).await?;
    live.say(&value!({"action": "ping"}))?;
    let (_, pong) = live.next("postroom.pong").await?;
    hold(pong["data"]["subscriptions"] == value!([collection]), "the collection that carla subscribed to", &pong)?;
    Ok((live, "with a ticket, followed from the start".to_owned()))
}

/// A request of the collection, whichever; one is added where there is none.
pub async fn pick(anna: &Person, path: &Path<'_>, given: &Given) -> Result<(Seen, String), Failure> {
    if given.requests == 0 {
        let request = value!({"name": "Added on the tour", "request": {"method": "GET", "url": "http://localhost/"}});
        anna.post(&at(path, &["items"]), request).await?.expect(200)?;
    }
    let tree = anna.get(&at(path, &["items"])).await?.expect(200)?.value()?;
    let requests = tree["items"].as_array().into_iter().flatten().filter(|item| item["kind"] == "request");
    for request in requests {
        let id = request["id"].as_str().unwrap_or_default();
        let one = anna.get(&at(path, &["items", id])).await?.expect(200)?;
        // A file may have something else in the place of a request; that cannot be renamed.
        if json::is_object(&one.text) {
            let name = request["name"].as_str().unwrap_or_default().to_owned();
            let said = format!("“{}”", name.chars().take(60).collect::<String>());
            return Ok((Seen { id: id.to_owned(), seen: one.revision()?, json: one.text }, said));
        }
    }
    Err(Failure::new("a request in the collection", "none that is an object"))
}

fn named(text: &str, name: &str) -> String {
    json::set(text, "name", Some(&json::quote(name)))
}

/// Gives the element after the edit, and when the edit was answered.
pub async fn rename(anna: &Person, path: &Path<'_>, item: &Seen, name: &str) -> Result<((Seen, Instant), String), Failure> {
    let answer = anna.put(&at(path, &["items", &item.id]), Some(item.seen), named(&item.json, name)).await?;
    let answered = Instant::now();
    let answer = answer.expect(200)?;
    let now = answer.revision()?;
    hold(answer.text_at("/name")? == name && now > item.seen, format!("“{name}” with a new revision"), &answer.text)?;
    Ok(((Seen { id: item.id.clone(), seen: now, json: answer.text }, answered), format!("revision {} → {now}", item.seen)))
}

pub async fn arrives(
    live: &mut Live,
    collection: &str,
    item: &Seen,
    actor: &Person,
    name: &str,
    answered: Instant,
) -> Result<((), String), Failure> {
    let (came, event) = live.change(item.seen).await?;
    let data = &event["data"];
    let right = data["collection"] == collection
        && data["seq"] == item.seen
        && data["op"] == "update"
        && data["item"]["id"] == item.id.as_str()
        && data["actor"]["username"] == actor.name
        && data["changes"].as_array().into_iter().flatten().any(|place| place["pointer"] == "/name" && place["after"] == name);
    hold(right, format!("change {} of {collection}: /name of {} is “{name}”, by {}", item.seen, item.id, actor.name), &event)?;
    Ok(((), format!("{} after the edit's answer", millis(came.saturating_duration_since(answered)))))
}

/// Somebody who saw the old state names it otherwise.
pub async fn clash(bob: &Person, path: &Path<'_>, old: &Seen, name: &str) -> Result<((), String), Failure> {
    let mine = named(&old.json, "Bob's name");
    let answer = bob.put(&at(path, &["items", &old.id]), Some(old.seen), mine).await?.expect(409)?;
    let told = answer.value()?;
    let right = told["mine"]["name"] == "Bob's name" && told["theirs"]["name"] == name && told["conflicts"][0]["pointer"] == "/name";
    hold(right, "base, mine, theirs, and the conflict at /name", &answer.text)?;
    Ok(((), format!("409 with base, mine, theirs and {}", told["choices"])))
}

/// Somebody who saw the old state changes something else.
pub async fn merge(bob: &Person, path: &Path<'_>, old: &Seen, name: &str) -> Result<(Seen, String), Failure> {
    let mine = json::set(&old.json, "description", Some("\"By bob, at the same time\""));
    let answer = bob.put(&at(path, &["items", &old.id]), Some(old.seen), mine).await?.expect(200)?;
    let told = answer.value()?;
    let right = told["merged"] == true && told["name"] == name && told["description"] == "By bob, at the same time";
    hold(right, format!("“{name}” with bob's description, merged"), &answer.text)?;
    let now = bob.get(&at(path, &["items", &old.id])).await?.expect(200)?;
    Ok((Seen { id: old.id.clone(), seen: now.revision()?, json: now.text }, "merged".to_owned()))
}

pub async fn in_feeds(stack: &Stack, carla: &Person, team: &Team, collection: &str, edited: &Seen) -> Result<((), String), Failure> {
    settle(stack).await?;
    let of_team = team.id.to_string();
    for path in [&["api", "feed"][..], &["api", "teams", of_team.as_str(), "feed"]] {
        let feed = carla.get(path).await?.expect(200)?;
        let entries = feed.value()?;
        let about = |entry: &&Value| entry["collection"]["id"] == collection && entry["item"]["id"] == edited.id.as_str();
        // Edits of one person within a minute may stand together.
        let found = entries["entries"].as_array().into_iter().flatten().find(|entry| about(entry) && entry["actor"]["username"] == "anna");
        hold(found.is_some(), format!("an entry about {} in {}", edited.id, feed.asked), &feed.text)?;
    }
    Ok(((), "in both".to_owned()))
}

pub async fn mail_came(stack: &Stack, [carla, anna]: [&Person; 2], name: &str) -> Result<((), String), Failure> {
    mail(stack, carla, name).await?;
    let mails = stack.outbox();
    // By bob's edit of the same request there is mail with its new name to anna; by her own, none.
    let about = |to: &Person| {
        mails.iter().rev().find(|mail| mail.to == [to.email()] && mail.text.contains(name) && mail.subject.ends_with("by anna"))
    };
    hold(about(anna).is_none(), "no mail to anna about her own edit", "one")?;
    let subject = about(carla).map(|mail| mail.subject.clone());
    hold(subject.is_some(), "a mail to carla about anna's edit", format!("{} other mails", mails.len()))?;
    Ok(((), format!("“{}”", subject.unwrap_or_default())))
}

/// Nothing but the two edits is different from before.
pub async fn up_to_date(carla: &Person, path: &Path<'_>, before: &str, item: &Seen, name: &str) -> Result<((), String), Failure> {
    let now = document(carla, path).await?;
    let mut found = compare::differences(before, &now);
    let names = found.iter().filter(|place| place.pointer.ends_with("/name") && place.other == Some(json::quote(name))).count();
    let words = found.iter().filter(|place| place.pointer.ends_with("/description")).count();
    // Where the item had the name before, there is nothing to find.
    let same_name = json::get(before, "name").is_some_and(|old| old == json::quote(name));
    hold((names == 1 || same_name) && words == 1, format!("the new name and description of {}", item.id), format!("{found:?}"))?;
    found.retain(|place| !place.pointer.ends_with("/name") && !place.pointer.ends_with("/description"));
    as_expected(&found, "nothing else that changed")?;
    Ok(((), "the two edits are there, all else is as it was".to_owned()))
}

pub async fn with_key(carla: &Person, path: &Path<'_>) -> Result<((), String), Failure> {
    let made = carla.post(&["api", "me", "api-keys"], value!({"name": "newman", "scope": "read"})).await?.expect(200)?;
    let key = made.text_at("/api_key/key")?;
    let nobody = carla.signed_out();
    let read = nobody.ask(Method::GET, path, &[("apikey", &key)], None, Body::None).await?.expect(200)?;
    nobody.get(path).await?.expect(401)?;
    Ok(((), format!("{} KB by ?apikey=, 401 without", read.text.len().div_ceil(1024))))
}

/// Edits one after the other; gives the least, the middle and the largest time from an answer to its event.
pub async fn race(anna: &Person, live: &mut Live, path: &Path<'_>, item: &Seen, mut seen: u64) -> Result<([String; 3], String), Failure> {
    let mut text = item.json.clone();
    let mut late: Vec<Duration> = Vec::with_capacity(TIMED);
    let mut edits: Vec<Duration> = Vec::with_capacity(TIMED);
    for turn in 1..=TIMED {
        text = named(&text, &format!("Edit {turn} of {TIMED}"));
        let began = Instant::now();
        let answer = anna.put(&at(path, &["items", &item.id]), Some(seen), text.clone()).await?;
        let answered = Instant::now();
        let answer = answer.expect(200)?;
        seen = answer.revision()?;
        let (came, event) = live.change(seen).await?;
        hold(event["data"]["seq"] == seen, format!("change {seen}, in order"), &event)?;
        edits.push(answered - began);
        late.push(came.saturating_duration_since(answered));
    }
    late.sort_unstable();
    edits.sort_unstable();
    let said = format!("{TIMED} edits of {} each, each told once", millis(edits[TIMED / 2]));
    Ok(([late[0], late[TIMED / 2], late[TIMED - 1]].map(millis), said))
}

pub async fn no_gap(carla: &Person, path: &Path<'_>) -> Result<((), String), Failure> {
    let mut numbers: Vec<u64> = Vec::new();
    loop {
        let since = numbers.last().copied().unwrap_or(0).to_string();
        let page = carla.ask(Method::GET, &at(path, &["changes"]), &[("since", &since)], None, Body::None).await?.expect(200)?.value()?;
        let came: Vec<u64> = page["changes"].as_array().into_iter().flatten().filter_map(|change| change["seq"].as_u64()).collect();
        if came.is_empty() {
            break;
        }
        numbers.extend(came);
    }
    let wanted: Vec<u64> = (1..=numbers.len() as u64).collect();
    hold(numbers == wanted && numbers.len() > TIMED, "1, 2, 3 … for every change", format!("{numbers:?}"))?;
    Ok(((), format!("1 to {}", numbers.len())))
}
