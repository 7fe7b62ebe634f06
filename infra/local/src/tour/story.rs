//! The story: how a team comes together, brings a collection, and works on it at the same time.

use super::client::Person;
use super::people::{accept, confirm, invite, join, mailed, make_team, members, sign_up, take_seats};
use super::show::Show;
use super::work::{
    TIMED, arrives, clash, document, import, in_feeds, listed, mail_came, merge, no_gap, open, pick, race, read_back, rename, stranger,
    subscribe, up_to_date, with_key,
};
use super::{Failure, Given};
use local::Stack;

type Told = Result<Vec<(&'static str, String)>, Failure>;

/// Plays it all. Gives the lines of the summary.
pub async fn play(show: &mut Show, stack: &Stack, given: &Given) -> Told {
    let mut anna = Person::new("anna", stack.url())?;
    let mut bob = Person::new("bob", stack.url())?;
    let mut carla = Person::new("carla", stack.url())?;
    let mut dan = Person::new("dan", stack.url())?;

    for person in [&mut anna, &mut bob, &mut dan] {
        let name = person.name;
        let link = show.step(&format!("{name} signs up, and a mail comes"), sign_up(stack, person)).await?;
        show.step(&format!("{name} follows its link and signs in"), confirm(person, &link)).await?;
    }
    let team = show.step("anna makes a team with a name and a URL", make_team(&anna)).await?;
    show.step("anna takes seats", take_seats(&anna, &team)).await?;
    let links = show.step("anna invites two addresses", invite(&anna, &team, [&bob, &carla])).await?;
    show.step("the two mails hold the same secret links", mailed(stack, &links, [&bob, &carla])).await?;
    show.step("bob, who has an account, accepts", accept(&bob, &team, &links[0])).await?;
    show.step("carla signs up through her link and is in", join(stack, &mut carla, &team, &links[1])).await?;
    show.step("the team has three members, and one seat is free", members(&anna, &team)).await?;

    let collection = show.step("anna imports a collection into the Team Library", import(&anna, &team, given)).await?;
    show.step("bob finds it in the library", listed(&bob, &team, &collection, given)).await?;
    let path = ["api", "collections", collection.as_str()];
    let before = show.step("bob reads it back: it is what anna brought", read_back(&bob, &path, given)).await?;
    show.step("dan, a stranger, does not see that it is there", stranger(&dan, &path)).await?;

    show.step("carla subscribes to it", subscribe(&carla, &path)).await?;
    let mut live = show.step("carla opens a WebSocket, which follows it", open(&carla, &collection)).await?;
    let item = show.step("anna picks a request to edit", pick(&anna, &path, given)).await?;
    let before = if given.requests > 0 { before } else { document(&bob, &path).await? };
    let name = "Edited on the tour";
    let (edited, answered) = show.step("anna renames it", rename(&anna, &path, &item, name)).await?;
    show.step("carla's WebSocket brings the edit", arrives(&mut live, &collection, &edited, &anna, name, answered)).await?;
    show.step("bob renames the old state: told, nothing lost", clash(&bob, &path, &item, name)).await?;
    let merged = show.step("bob describes the old state: both are kept", merge(&bob, &path, &item, name)).await?;
    show.step("the edit is in carla's feed and in the team's", in_feeds(stack, &carla, &team, &collection, &edited)).await?;
    show.step("carla has mail about it, anna has none", mail_came(stack, [&carla, &anna], name)).await?;
    show.step("carla reads the collection back: it is up to date", up_to_date(&carla, &path, &before, &merged, name)).await?;
    show.step("carla makes an API key and reads with it", with_key(&carla, &path)).await?;
    let times = show.step("anna edits on, carla listens", race(&anna, &mut live, &path, &item, merged.seen)).await?;
    show.step("the changes have no gap", no_gap(&carla, &path)).await?;
    live.close().await;

    let [first, middle, last] = times;
    Ok(vec![
        ("Edit to event", format!("{first} at least, {middle} in the middle, {last} at most, from the edit's answer ({TIMED} edits)")),
        ("Collection", format!("{} requests, {} elements, {} KB", given.requests, given.elements, given.bytes.len().div_ceil(1024))),
        ("By hand", "`cargo dev` starts a stack that stays, and prints where it is".to_owned()),
        ("newman", "with a key of yours: newman run 'http://localhost:3000/api/collections/<id>?apikey=<key>'".to_owned()),
    ])
}
