//! The account as its owner has it, and as others see it.

use std::collections::{HashMap, HashSet};

use app::{App, Json, Problem, Query, Typed, Who};
use axum::extract::State;
use domain::access::Caller;
use domain::account::{self, Username};
use domain::ids::{GroupId, UserId};
use domain::limit;
use domain::team::Member;
use serde::Deserialize;
use serde_json::{Value, json};
use store::about::Person;
use store::{Conflict, Error};
use utoipa::ToSchema;

use crate::picture;

/// The caller, in the Postman API's shape.
#[utoipa::path(get, path = "/api/me", tag = "Accounts", responses((status = 200, description = "The caller, in the Postman API's shape")))]
pub(crate) async fn me(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    own(&app, caller.user).await
}

pub(crate) async fn own(app: &App, user: UserId) -> Result<Json<Value>, Problem> {
    shown(app, &app.store.person(user).await?.ok_or(Problem::NotFound("user"))?).await
}

/// Where somebody's picture is.
fn avatar(app: &App, person: &Person) -> Option<String> {
    let tag = person.about.picture.as_ref()?;
    Some(format!("{}{}", app.config.pages_url, picture::address(person.profile.id, tag)))
}

/// The account as `GET /me` of the Postman API shows it: with the first of the person's teams, or team 0.
async fn shown(app: &App, person: &Person) -> Result<Json<Value>, Problem> {
    let Person { profile, about } = person;
    let first = profile.teams.first_key_value();
    let team = match first {
        Some((team, _)) => app.store.team(*team).await?,
        None => None,
    };
    let roles = first
        .map(|(_, membership)| json!([membership.role, if membership.billing { "billing" } else { "user" }]))
        .unwrap_or_else(|| json!(["user"]));
    Ok(Json(json!({
        "user": {
            "id": profile.id,
            "username": profile.username,
            "email": profile.email,
            "fullName": profile.full_name.as_deref().unwrap_or(profile.username.as_str()),
            "avatar": avatar(app, person),
            "about": about.text,
            "links": about.links,
            "isPublic": about.public,
            "emailPublic": about.email_public,
            "emailVerified": profile.verified,
            "teamId": team.as_ref().map_or(0, |team| team.id.0),
            "teamName": team.as_ref().map_or("", |team| &team.name),
            "teamDomain": team.as_ref().map_or("", |team| team.handle.as_str()),
            "roles": roles,
        },
        "operations": [],
    })))
}

/// What of the account is to change; what is not named stays.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = profile::Change)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Change {
    /// The username.
    username: Option<String>,
    /// The name the person goes by, at most 255 characters; empty takes it away.
    full_name: Option<String>,
    /// Some sentences about the person, at most 1,000 characters.
    about: Option<String>,
    /// At most 5 addresses of pages, `https://…`.
    links: Option<Vec<String>>,
    /// Whether everybody sees the profile, not only the members of the person's teams.
    public: Option<bool>,
    /// Whether whoever sees the profile sees the e-mail address, too.
    email_public: Option<bool>,
}

/// Change one's name and what one says about oneself.
#[utoipa::path(
    patch, path = "/api/me", tag = "Accounts", request_body = Change,
    responses(
        (status = 200, description = "The caller, in the Postman API's shape"),
        (status = 403, description = "An API key that only reads"),
        (status = 409, description = "`username_taken`"),
        (status = 422, description = "Names each field that was not taken"),
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    Typed(body, mut wrong): Typed<Change>,
) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    let username = body.username.and_then(|username| wrong.keep("/username", Username::parse(&username)));
    let full_name = body.full_name.as_deref().map(str::trim).map(|name| match name {
        "" => None,
        name => wrong.keep("/full_name", domain::team::name(name)),
    });
    let text = body.about.and_then(|text| wrong.keep("/about", account::about(&text)));
    let links = body.links.map(|links| {
        if limit::PROFILE_LINKS < links.len() {
            wrong.note("/links", format!("a profile has at most {} links", limit::PROFILE_LINKS));
        }
        let links = links.iter().enumerate();
        links.filter_map(|(index, link)| wrong.keep(&format!("/links/{index}"), account::link(link))).collect::<Vec<String>>()
    });
    wrong.end()?;
    let now = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user"))?;
    if let Some(username) = username.filter(|username| *username != now.username) {
        app.store.change_username(&caller, &now, &username, app.now()).await.map_err(|error| match error {
            Error::Conflict(Conflict::UsernameTaken) => Problem::Conflict(Conflict::UsernameTaken, "/username"),
            error => error.into(),
        })?;
    }
    if let Some(name) = full_name {
        app.store.set_full_name(&now, name.as_deref()).await?;
    }
    app.store.describe(&caller, text.as_deref(), links.as_deref(), body.public, body.email_public).await?;
    own(&app, caller.user).await
}

/// Somebody in one of the caller's teams, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/users/{user}", tag = "Accounts", params(("user" = u64, Path)), security((), ("token" = [])),
    responses(
        (status = 200, description = "The user, in the Postman API's shape, with what they say about themselves"),
        (status = 404, description = "No such user, or one who shares no team with the caller and whose profile is not public"),
    )
)]
pub(crate) async fn user(State(app): State<App>, who: Option<Who>, app::Path(user): app::Path<UserId>) -> Result<Json<Value>, Problem> {
    let viewer = who.map(|Who(caller)| caller);
    let person = app.store.person(user).await?.filter(|person| person.seen_by(viewer.as_ref()));
    let person = person.ok_or(Problem::NotFound("user"))?;
    // The role in a team is its members' business.
    let shared = viewer.as_ref().and_then(|viewer| viewer.teams.keys().find(|team| person.profile.teams.contains_key(team)));
    let member = match shared {
        Some(team) => app.store.member(*team, user).await?,
        None => None,
    };
    let mut shown = teammate(&app, viewer.as_ref(), &person, member.as_ref());
    shown["about"] = json!(person.about.text);
    shown["links"] = json!(person.about.links);
    shown["isPublic"] = json!(person.about.public);
    Ok(Json(shown))
}

/// A user as the Postman API shows those of a team.
fn teammate(app: &App, viewer: Option<&Caller>, person: &Person, member: Option<&Member>) -> Value {
    let profile = &person.profile;
    let mut roles = vec![json!("user")];
    roles.extend(member.map(|member| json!(member.role)));
    roles.extend(member.filter(|member| member.billing).map(|_| json!("billing")));
    json!({
        "id": profile.id,
        "name": profile.full_name.as_deref().unwrap_or(profile.username.as_str()),
        "username": profile.username,
        "email": person.email_for(viewer),
        "roles": roles,
        "joinedAt": member.map_or(profile.created_at, |member| member.joined_at),
        "avatar": avatar(app, person),
    })
}

/// Whom to list.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(rename = "groupId")]
    group: Option<GroupId>,
}

/// The people in the caller's teams, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/users", tag = "Accounts", params(("groupId" = Option<u64>, Query, description = "Only who is in this group")),
    responses((status = 200, description = "`data`: who is in the caller's teams, each once, in the Postman API's shape; addresses of those who show theirs"))
)]
pub(crate) async fn users(State(app): State<App>, Who(caller): Who, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Problem> {
    let mut members = Vec::new();
    for team in caller.teams.keys() {
        members.extend(app.store.members(*team).await?);
    }
    members.retain(|member| wanted.group.is_none_or(|group| member.groups.contains(&group)));
    // Somebody who shares several teams with the caller stands there as what they are in the first.
    let mut seen = HashSet::new();
    members.retain(|member| seen.insert(member.user));
    let ids: Vec<UserId> = members.iter().map(|member| member.user).collect();
    let people: HashMap<UserId, Person> = app.store.people(&ids).await?.into_iter().map(|person| (person.profile.id, person)).collect();
    let data = members.iter().filter_map(|member| Some(teammate(&app, Some(&caller), people.get(&member.user)?, Some(member))));
    Ok(Json(json!({"data": data.collect::<Vec<_>>()})))
}
