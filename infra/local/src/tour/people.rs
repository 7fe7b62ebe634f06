//! How the team comes together: accounts, mails, seats, invitations.

use super::Failure;
use super::client::{Person, hold};
use local::Stack;
use serde_json::{Value, json as value};

/// Seats that the team takes.
const SEATS: u64 = 4;

pub async fn settle(stack: &Stack) -> Result<(), Failure> {
    stack.settle().await.map_err(|error| Failure::new("a stream that is worked off", error.to_string()))
}

/// The newest mail to somebody whose text holds `part`.
pub async fn mail(stack: &Stack, to: &Person, part: &str) -> Result<String, Failure> {
    settle(stack).await?;
    let mails = stack.outbox();
    let found = mails.iter().rev().find(|mail| mail.to == [to.email()] && mail.text.contains(part));
    let expected = || format!("a mail to {} with {part}", to.email());
    found.map(|mail| mail.text.clone()).ok_or_else(|| Failure::new(expected(), format!("{} other mails", mails.len())))
}

/// What stands behind `start` in a text, up to white space.
fn behind(text: &str, start: &str) -> Result<String, Failure> {
    let found = text.split_once(start).and_then(|(_, rest)| rest.split_whitespace().next());
    found.map(str::to_owned).ok_or_else(|| Failure::new(format!("a link with {start}"), text))
}

pub async fn register(person: &Person, invite: Option<&str>) -> Result<(), Failure> {
    let mut body = value!({
        "email": person.email(), "username": person.name, "password": person.password(), "accept_terms": true, "over_13": true,
    });
    if let Some(invite) = invite {
        body["invite"] = value!(invite);
    }
    person.post(&["api", "signup"], body).await?.expect(202).map(drop)
}

pub async fn sign_in(person: &mut Person) -> Result<Value, Failure> {
    let body = value!({"login": person.name, "password": person.password(), "device": "the tour"});
    let session = person.post(&["api", "sessions"], body).await?.expect(200)?;
    person.signed_in(session.text_at("/access_token")?);
    person.get(&["api", "me"]).await?.expect(200)?.value()
}

pub async fn sign_up(stack: &Stack, person: &Person) -> Result<(String, String), Failure> {
    register(person, None).await?;
    let text = mail(stack, person, "/confirm").await?;
    let token = behind(&text, "token=")?;
    Ok((token, format!("to {}", person.email())))
}

pub async fn confirm(person: &mut Person, token: &str) -> Result<((), String), Failure> {
    person.post(&["api", "signup", "confirm"], value!({"token": token})).await?.expect(200)?;
    let me = sign_in(person).await?;
    hold(me["user"]["emailVerified"] == true, "a confirmed address", &me)?;
    Ok(((), format!("user {}", me["user"]["id"])))
}

/// The team that the story is about.
pub struct Team {
    pub id: u64,
    pub workspace: String,
}

pub async fn make_team(anna: &Person) -> Result<(Team, String), Failure> {
    let team = anna.post(&["api", "teams"], value!({"name": "Parcel Depot", "handle": "parcel-depot"})).await?.expect(200)?;
    hold(team.text_at("/team/handle")? == "parcel-depot", "the URL parcel-depot", &team.text)?;
    let made = Team { id: team.value()?["team"]["id"].as_u64().unwrap_or_default(), workspace: team.text_at("/team/workspace")? };
    let said = format!("team {}, parcel-depot", made.id);
    Ok((made, said))
}

pub async fn take_seats(anna: &Person, team: &Team) -> Result<((), String), Failure> {
    let seats = anna.post(&["api", "teams", &team.id.to_string(), "seats"], value!({"count": SEATS})).await?.expect(200)?.value()?;
    hold(seats["seats"] == value!({"count": SEATS, "used": 1, "free": SEATS - 1}), "4 seats, 3 of them free", &seats)?;
    Ok(((), format!("{SEATS} seats, {} free", SEATS - 1)))
}

pub async fn invite(anna: &Person, team: &Team, who: [&Person; 2]) -> Result<([String; 2], String), Failure> {
    let body = value!({"emails": who.map(Person::email), "role": "editor"});
    let sent = anna.post(&["api", "teams", &team.id.to_string(), "invites"], body).await?.expect(200)?;
    let value = sent.value()?;
    let pending = (0..2).all(|place| value["invites"][place]["status"] == "pending");
    hold(pending && value["invites"][0]["email"] == who[0].email(), "two pending invitations", &sent.text)?;
    let links = [sent.text_at("/invites/0/link")?, sent.text_at("/invites/1/link")?];
    Ok((links, "both pending, each with a link to copy".to_owned()))
}

pub async fn mailed(stack: &Stack, links: &[String; 2], who: [&Person; 2]) -> Result<((), String), Failure> {
    for (link, person) in links.iter().zip(who) {
        mail(stack, person, link).await?;
    }
    Ok(((), format!("{} and {}", who[0].email(), who[1].email())))
}

fn token(link: &str) -> &str {
    link.rsplit('/').next().unwrap_or(link)
}

pub async fn accept(bob: &Person, team: &Team, link: &str) -> Result<((), String), Failure> {
    let asked = bob.get(&["api", "invites", token(link)]).await?.expect(200)?.value()?;
    hold(asked["invite"]["account_exists"] == true, "an invitation that knows the account", &asked)?;
    let answer = bob.post(&["api", "invites", "accept"], value!({"token": token(link)})).await?.expect(200)?.value()?;
    hold(answer["team"]["id"] == team.id, format!("team {}", team.id), &answer)?;
    Ok(((), format!("invited by {}", asked["invite"]["inviter"].as_str().unwrap_or_default())))
}

pub async fn join(stack: &Stack, carla: &mut Person, team: &Team, link: &str) -> Result<((), String), Failure> {
    let asked = carla.get(&["api", "invites", token(link)]).await?.expect(200)?.value()?;
    hold(asked["invite"]["account_exists"] == false, "an invitation to somebody new", &asked)?;
    register(carla, Some(token(link))).await?;
    let me = sign_in(carla).await?;
    hold(me["user"]["teamId"] == team.id, format!("a member of {}", team.id), &me)?;
    if me["user"]["emailVerified"] != true {
        let confirmation = mail(stack, carla, "/confirm").await?;
        let body = value!({"token": behind(&confirmation, "token=")?});
        carla.post(&["api", "signup", "confirm"], body).await?.expect(200)?;
    }
    Ok(((), format!("as {}", me["user"]["roles"][0].as_str().unwrap_or_default())))
}

pub async fn members(anna: &Person, team: &Team) -> Result<((), String), Failure> {
    let members = anna.get(&["api", "teams", &team.id.to_string(), "members"]).await?.expect(200)?.value()?;
    let mut names: Vec<&str> =
        members["members"].as_array().into_iter().flatten().filter_map(|member| member["user"]["username"].as_str()).collect();
    names.sort_unstable();
    hold(names == ["anna", "bob", "carla"], "anna, bob and carla", &members)?;
    let told = anna.get(&["api", "teams", &team.id.to_string()]).await?.expect(200)?.value()?;
    hold(told["team"]["seats"]["free"] == SEATS - 3, "one free seat", &told)?;
    Ok(((), names.join(", ")))
}
