//! The rules, case by case.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;

fn caller(user: u64, teams: &[(u64, TeamRole)]) -> Caller {
    Caller {
        user: UserId(user),
        username: "u".into(),
        verified: true,
        session: None,
        key: None,
        writes: true,
        only: None,
        shown_since: None,
        client: None,
        once: None,
        workspace: "w".parse().unwrap(),
        second_factor: false,
        closed: BTreeMap::new(),
        read_only: BTreeSet::new(),
        buys: BTreeSet::new(),
        teams: teams.iter().map(|(team, role)| (TeamId(*team), Membership::new(*role, false))).collect(),
        address: None,
        held: BTreeMap::new(),
        through: None,
    }
}

fn head(team: Option<u64>, everyone: Option<CollectionRole>) -> Head {
    let at = jiff::Timestamp::UNIX_EPOCH;
    Head {
        collection: "c".parse().unwrap(),
        workspace: "w".parse().unwrap(),
        team: team.map(TeamId),
        owner: UserId(1),
        name: "n".into(),
        seq: 1,
        generation: "g".parse().unwrap(),
        count: 0,
        everyone,
        groups: BTreeMap::new(),
        room: None,
        access: 0,
        created_at: at,
        updated_at: at,
        updated_by: UserId(1),
        last: None,
        shards: 1,
        deleted_at: None,
        tags: Vec::new(),
        sweeping: Vec::new(),
        fork: None,
    }
}

#[test]
fn roles_in_a_collection() {
    use CollectionRole::{Admin, Editor, Viewer};
    let shared = head(Some(9), None);
    for (role, expected) in [(TeamRole::Viewer, Viewer), (TeamRole::Editor, Editor), (TeamRole::Admin, Admin)] {
        assert_eq!(role_in(&caller(2, &[(9, role)]), &shared, None), Some(expected));
    }
    assert_eq!(role_in(&caller(2, &[(8, TeamRole::Admin)]), &shared, Some(Admin)), None, "a stranger, even with a grant");
    assert_eq!(role_in(&caller(1, &[]), &shared, None), None, "the maker, after leaving the team");
    assert_eq!(role_in(&caller(1, &[(9, TeamRole::Viewer)]), &shared, None), Some(Admin), "the maker");
    assert_eq!(role_in(&caller(2, &[(9, TeamRole::Admin)]), &shared, Some(CollectionRole::None)), None, "hidden wins");
    let hidden = head(Some(9), Some(CollectionRole::None));
    assert_eq!(role_in(&caller(2, &[(9, TeamRole::Editor)]), &hidden, None), None);
    assert_eq!(role_in(&caller(2, &[(9, TeamRole::Editor)]), &hidden, Some(Viewer)), Some(Viewer));
    assert_eq!(role_in(&caller(2, &[(9, TeamRole::Admin)]), &hidden, None), Some(Admin), "somebody can always let others in");
    let own = head(None, None);
    assert_eq!(role_in(&caller(1, &[]), &own, None), Some(Admin));
    assert_eq!(role_in(&caller(2, &[]), &own, None), None);
}

/// The rule in its plainest words, for every combination of what can be given.
#[test]
fn a_deny_wins_and_else_the_highest() {
    use CollectionRole::{Admin, Editor, None as Hidden, Viewer};
    let given = [None, Some(Hidden), Some(Viewer), Some(Editor), Some(Admin)];
    let mut seen = 0;
    for team_role in [TeamRole::Viewer, TeamRole::Editor, TeamRole::Admin] {
        for everyone in given {
            for person in given {
                for (one, two) in given.iter().flat_map(|one| given.iter().map(move |two| (*one, *two))) {
                    for maker in [false, true] {
                        let groups: BTreeMap<GroupId, CollectionRole> = [(1, one), (2, two), (3, Some(Hidden)), (4, Some(Admin))]
                            .into_iter()
                            .filter_map(|(id, role)| Some((GroupId(id), role?)))
                            .collect();
                        let head = Head { groups, ..head(Some(9), everyone) };
                        let mut who = caller(if maker { 1 } else { 2 }, &[(9, team_role)]);
                        // In groups 1 and 2 only: what 3 and 4 were given is nothing to them.
                        who.teams.get_mut(&TeamId(9)).unwrap().groups = vec![GroupId(1), GroupId(2)];
                        let denied = [person, one, two].contains(&Some(Hidden));
                        let general = everyone.unwrap_or(team_role.in_collections());
                        let highest = [person, one, two, Some(general)].into_iter().flatten().max().unwrap();
                        let expected = match (maker, denied, team_role) {
                            (true, ..) => Some(Admin),
                            (_, true, _) => None,
                            (.., TeamRole::Admin) => Some(Admin),
                            _ => Some(highest).filter(|role| *role != Hidden),
                        };
                        assert_eq!(role_in(&who, &head, person), expected, "{team_role:?} {everyone:?} {person:?} {one:?} {two:?} {maker}");
                        let (role, why) = standing(who.user, &who.teams[&TeamId(9)], head.audience(), person);
                        assert_eq!(Some(role).filter(|role| *role != Hidden), expected);
                        // What is told as the reason gives just that role.
                        let told = match why {
                            Why::Maker | Why::TeamAdmin => Admin,
                            Why::HiddenInPerson | Why::HiddenFromGroup(_) => Hidden,
                            Why::InPerson => person.unwrap(),
                            Why::Group(group) => head.groups[&group],
                            Why::Everyone => everyone.unwrap(),
                            Why::TeamRole => team_role.in_collections(),
                            Why::WorkspaceRole | Why::OutsideWorkspace => panic!("everyone is let in"),
                        };
                        assert_eq!(told, role, "{why:?}");
                        seen += 1;
                    }
                }
            }
        }
    }
    assert_eq!(seen, 3 * 5 * 5 * 25 * 2);
}

/// Every kind of member and every way to be let in, against the rule in its plainest words.
#[test]
fn a_private_workspace_is_for_whom_it_was_given() {
    use Action::{CreateCollection, CreateWorkspace, ManageWorkspace, ReadWorkspace, SeeWorkspace, ShareWorkspace};
    let roles = [None, Some(TeamRole::Viewer), Some(TeamRole::Editor), Some(TeamRole::Admin)];
    for visibility in [Visibility::Private, Visibility::Team, Visibility::Public] {
        for team_role in [TeamRole::Viewer, TeamRole::Editor, TeamRole::Admin] {
            for (person, group) in roles.iter().flat_map(|one| roles.iter().map(move |two| (*one, *two))) {
                let mut who = caller(2, &[(9, team_role)]);
                who.teams.get_mut(&TeamId(9)).unwrap().groups = vec![GroupId(1)];
                let room = Room {
                    visibility,
                    users: person.map(|role| (UserId(2), role)).into_iter().chain([(UserId(3), TeamRole::Admin)]).collect(),
                    groups: group.map(|role| (GroupId(1), role)).into_iter().chain([(GroupId(2), TeamRole::Admin)]).collect(),
                    revision: 1,
                };
                let through_team = (visibility != Visibility::Private).then_some(team_role);
                let inside = [person, group, through_team].into_iter().flatten().max();
                let at = jiff::Timestamp::UNIX_EPOCH;
                let workspace =
                    Workspace { room: Some(room.clone()), ..Workspace::new("w".parse().unwrap(), "W", Some(TeamId(9)), UserId(1), at) };
                let may = |action| allows(&who, action, Thing::Workspace(&workspace)).is_ok();
                let least = |needed| inside.is_some_and(|role| needed <= role);
                let told = format!("{visibility:?} {team_role:?} {person:?} {group:?}");
                assert_eq!(may(ReadWorkspace), inside.is_some(), "{told}");
                assert_eq!(may(CreateCollection), least(TeamRole::Editor), "{told}");
                assert_eq!(may(ManageWorkspace), least(TeamRole::Admin), "{told}");
                assert_eq!(may(ShareWorkspace), least(TeamRole::Admin) || team_role == TeamRole::Admin, "{told}");
                assert_eq!(may(SeeWorkspace), inside.is_some() || team_role == TeamRole::Admin, "{told}");
                let shelf = Head { room: Some(room), ..head(Some(9), None) };
                assert_eq!(role_in(&who, &shelf, None), inside.map(TeamRole::in_collections), "{told}");
                let all = Some(CollectionRole::Admin);
                assert_eq!(role_in(&who, &shelf, all), inside.and(all), "what is given in a collection opens no workspace: {told}");
                assert_eq!(role_in(&who, &shelf, Some(CollectionRole::None)), None, "{told}");
                let made = Head { owner: UserId(2), ..shelf };
                assert_eq!(role_in(&who, &made, None), inside.and(all), "nor does having made it: {told}");
                let publishes = inside == Some(TeamRole::Admin) && team_role == TeamRole::Admin;
                assert_eq!(may(Action::PublishWorkspace), publishes, "{told}");
                let public = visibility == Visibility::Public;
                let anyone = |action| allows(&Caller::anyone(), action, Thing::Workspace(&workspace)).is_ok();
                assert_eq!(anyone(ReadWorkspace), public);
                assert!(![CreateCollection, ManageWorkspace, ShareWorkspace].into_iter().any(anyone));
                let public = public.then_some(CollectionRole::Viewer);
                assert_eq!(role_in(&Caller::anyone(), &made, None), public);
                let said = allows(&Caller::anyone(), Action::ReadComments, Thing::Collection(&made, None));
                assert_eq!(said, Err(Denied::NotFound), "what members say about it is theirs");
                let veiled = Head { everyone: Some(CollectionRole::None), ..made.clone() };
                assert_eq!(role_in(&Caller::anyone(), &veiled, None), None);
                let stranger = caller(3, &[(8, TeamRole::Admin)]);
                assert_eq!(allows(&stranger, SeeWorkspace, Thing::Workspace(&workspace)), Err(Denied::NotFound));
                assert_eq!(role_in(&stranger, &made, all), None);
            }
        }
    }
    let made = |role| allows(&caller(2, &[(9, role)]), CreateWorkspace, Thing::Team(TeamId(9))).is_ok();
    assert_eq!([TeamRole::Viewer, TeamRole::Editor, TeamRole::Admin].map(made), [false, true, true]);
}

#[test]
fn a_bound_key_knows_of_its_collection_only() {
    let bound = |to: &str| Caller { only: Some(to.parse().unwrap()), ..caller(1, &[(9, TeamRole::Admin)]) };
    let (own, shared) = (head(None, None), head(Some(9), None));
    for head in [&own, &shared] {
        assert_eq!(allows(&bound("c"), Action::DeleteCollection, Thing::Collection(head, None)), Ok(()));
        for action in [Action::ReadCollection, Action::EditCollection, Action::DeleteCollection] {
            assert_eq!(allows(&bound("other"), action, Thing::Collection(head, Some(CollectionRole::Admin))), Err(Denied::NotFound));
        }
    }
    assert_eq!(allows(&bound("c"), Action::ReadTeam, Thing::Team(TeamId(9))), Err(Denied::NotFound));
    let at = jiff::Timestamp::UNIX_EPOCH;
    let workspace = Workspace::new("w".parse().unwrap(), "", None, UserId(1), at);
    assert_eq!(allows(&bound("c"), Action::CreateCollection, Thing::Workspace(&workspace)), Err(Denied::NotFound));
}

#[test]
fn a_team_that_has_not_paid_reads() {
    let mut member = caller(1, &[(9, TeamRole::Admin), (8, TeamRole::Admin)]);
    member.read_only.insert(TeamId(9));
    let (frozen, other) = (head(Some(9), None), head(Some(8), None));
    let edits = |head| allows(&member, Action::EditCollection, Thing::Collection(head, None));
    assert_eq!((edits(&frozen), edits(&other)), (Err(Denied::Unpaid), Ok(())));
    for still in [Action::ReadTeam, Action::ManageSeats, Action::ManageMembers, Action::LeaveTeam] {
        assert_eq!(allows(&member, still, Thing::Team(TeamId(9))), Ok(()));
    }
    assert_eq!(allows(&member, Action::ManageInvites, Thing::Team(TeamId(9))), Err(Denied::Unpaid));
}

#[test]
fn a_buyer_buys_and_sees_nothing_else() {
    let mut buyer = caller(1, &[]);
    buyer.buys.insert(TeamId(9));
    let team = |action| allows(&buyer, action, Thing::Team(TeamId(9)));
    assert_eq!((team(Action::ManageBilling), team(Action::ManageSeats)), (Ok(()), Ok(())));
    assert_eq!((team(Action::ReadTeam), team(Action::ManageInvites)), (Err(Denied::NotFound), Err(Denied::NotFound)));
    assert_eq!(allows(&buyer, Action::ManageBilling, Thing::Team(TeamId(8))), Err(Denied::NotFound));
    let admin = caller(1, &[(9, TeamRole::Admin)]);
    assert!(matches!(allows(&admin, Action::ManageBilling, Thing::Team(TeamId(9))), Err(Denied::Forbidden(_))));
}

#[test]
fn a_stranger_learns_nothing_and_a_reader_is_told() {
    let team = Thing::Team(TeamId(9));
    assert_eq!(allows(&caller(2, &[]), Action::ManageInvites, team), Err(Denied::NotFound));
    assert!(matches!(allows(&caller(2, &[(9, TeamRole::Viewer)]), Action::ManageInvites, team), Err(Denied::Forbidden(_))));
    assert_eq!(allows(&caller(2, &[(9, TeamRole::Admin)]), Action::ManageInvites, team), Ok(()));
    let unconfirmed = Caller { verified: false, ..caller(2, &[(9, TeamRole::Admin)]) };
    assert_eq!(allows(&unconfirmed, Action::ManageInvites, team), Err(Denied::Forbidden("a confirmed e-mail address")));
    let reader = Caller { writes: false, ..caller(2, &[(9, TeamRole::Admin)]) };
    assert!(allows(&reader, Action::ReadTeam, team).is_ok());
    assert!(allows(&reader, Action::ManageSeats, team).is_err());
}

#[test]
fn a_member_without_the_second_factor_that_a_team_asks_for_stays_outside() {
    let outside = Caller { closed: [(TeamId(9), Membership::new(TeamRole::Editor, false))].into(), ..caller(2, &[(8, TeamRole::Viewer)]) };
    assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(9))), Err(Denied::SecondFactor));
    assert_eq!(allows(&outside, Action::ReadCollection, Thing::Collection(&head(Some(9), None), None)), Err(Denied::SecondFactor));
    assert_eq!(role_in(&outside, &head(Some(9), None), Some(CollectionRole::Admin)), None, "nor do events and mails reach them");
    let hidden = Some(CollectionRole::None);
    assert_eq!(allows(&outside, Action::ReadCollection, Thing::Collection(&head(Some(9), None), hidden)), Err(Denied::NotFound));
    assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(7))), Err(Denied::NotFound), "a stranger learns nothing");
    assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(8))), Ok(()));
}

#[test]
fn a_team_may_insist_on_its_own_sign_on() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let only = SsoOnly { since: at(10), api_keys: false };
    let mut member = caller(2, &[(8, TeamRole::Viewer), (9, TeamRole::Admin)]);
    member.teams.insert(TeamId(9), Membership { sso: Some(only), ..Membership::new(TeamRole::Admin, false) });
    let teams = |caller: &Caller| caller.teams.keys().map(|team| team.0).collect::<Vec<_>>();
    for (door, opened) in [
        (Door::SignIn(Some(TeamId(9)), at(10)), vec![8, 9]),
        (Door::SignIn(Some(TeamId(9)), at(9)), vec![8]),
        (Door::SignIn(Some(TeamId(8)), at(10)), vec![8]),
        (Door::SignIn(None, at(10)), vec![8]),
        (Door::ApiKey, vec![8]),
    ] {
        assert_eq!(teams(&member.clone().come(door)), opened, "{door:?}");
    }
    let with_keys = Membership { sso: Some(SsoOnly { api_keys: true, ..only }), ..Membership::new(TeamRole::Admin, false) };
    let mut keyed = member.clone();
    keyed.teams.insert(TeamId(9), with_keys);
    assert_eq!(teams(&keyed.come(Door::ApiKey)), [8, 9]);

    let outside = member.come(Door::SignIn(None, at(20)));
    assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(9))), Err(Denied::Forbidden(THROUGH_SSO)));
    assert_eq!(
        allows(&outside, Action::ReadCollection, Thing::Collection(&head(Some(9), None), None)),
        Err(Denied::Forbidden(THROUGH_SSO))
    );
    let hidden = head(Some(9), Some(CollectionRole::None));
    assert!(allows(&outside, Action::ReadCollection, Thing::Collection(&hidden, Some(CollectionRole::None))) == Err(Denied::NotFound));
    assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(7))), Err(Denied::NotFound), "a stranger learns nothing");
    assert_eq!(allows(&outside, Action::ManageSso, Thing::Team(TeamId(9))), Ok(()), "the way out of a dead issuer");
}
