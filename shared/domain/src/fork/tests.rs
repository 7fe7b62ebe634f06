//! Two sides of a fork, side by side.

use proptest::prelude::*;

use super::*;

fn id(name: &str) -> ElementId {
    name.parse().unwrap()
}

fn element(name: &str, parent: Option<&str>, kind: Kind, json: &str) -> Element {
    Element::new(id(name), parent.map(id), kind, format!("a{name}"), json.to_owned())
}

#[derive(Clone)]
struct State {
    root: Element,
    elements: Vec<Element>,
}

impl State {
    fn new() -> State {
        let request = |name: &str, parent| element(name, parent, Kind::Request, &format!(r#"{{"name":"{name}","a":1,"b":1}}"#));
        let folder = |name: &str, parent| element(name, parent, Kind::Folder, &format!(r#"{{"name":"{name}","item":[]}}"#));
        State {
            root: element("root", None, Kind::Collection, r#"{"info":{"name":"C"},"item":[]}"#),
            elements: vec![folder("f", None), folder("g", None), request("x", Some("f")), request("y", Some("f")), request("z", None)],
        }
    }
    fn tree(&self) -> Tree<'_> {
        Tree { root: &self.root, elements: &self.elements }
    }
    fn at(&mut self, name: &str) -> &mut Element {
        self.elements.iter_mut().find(|element| element.id == id(name)).unwrap()
    }
    fn edit(&mut self, name: &str, json: &str) {
        let new = self.at(name).with_json(json.to_owned());
        *self.at(name) = new;
    }
    fn delete(&mut self, name: &str) {
        let mut gone = vec![id(name)];
        while let Some(parent) = gone.pop() {
            gone.extend(self.elements.iter().filter(|element| element.parent.as_ref() == Some(&parent)).map(|element| element.id.clone()));
            self.elements.retain(|element| element.id != parent);
        }
    }
    fn names(merged: &Merged) -> Vec<(String, Option<String>)> {
        merged.elements.iter().map(|element| (element.id.to_string(), element.parent.as_ref().map(ToString::to_string))).collect()
    }
}

fn merged(base: &State, mine: &State, theirs: &State, choices: &Choices) -> Result<Merged, Vec<(String, Clashing)>> {
    merge(base.tree(), mine.tree(), theirs.tree(), choices)
        .map_err(|clashes| clashes.into_iter().map(|clash| (clash.item.to_string(), clash.clash)).collect())
}

fn take(side: Side) -> Choices {
    Choices { others: Some(side), ..Choices::default() }
}

#[test]
fn edits_of_different_elements_and_places_meet() {
    let base = State::new();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.edit("x", r#"{"name":"x","a":2,"b":1}"#);
    theirs.edit("x", r#"{"name":"x","a":1,"b":2}"#);
    theirs.edit("y", r#"{"name":"other"}"#);
    mine.elements.push(element("n", Some("g"), Kind::Request, r#"{"name":"n"}"#));
    theirs.delete("z");
    let both = merged(&base, &mine, &theirs, &Choices::default()).unwrap();
    let json = |name: &str| both.elements.iter().find(|element| element.id == id(name)).map(|element| element.json.as_str());
    assert_eq!(json("x"), Some(r#"{"name":"x","a":2,"b":2}"#));
    assert_eq!((json("y"), json("n"), json("z")), (Some(r#"{"name":"other"}"#), Some(r#"{"name":"n"}"#), None));
}

#[test]
fn what_both_changed_is_named_and_chosen() {
    let base = State::new();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.edit("x", r#"{"name":"x","a":2,"b":3}"#);
    theirs.edit("x", r#"{"name":"x","a":4,"b":1}"#);
    let clashes = merge(base.tree(), mine.tree(), theirs.tree(), &Choices::default()).unwrap_err();
    assert_eq!((clashes.len(), clashes[0].clash, clashes[0].conflicts[0].pointer.as_str()), (1, Clashing::Content, "/a"));
    let json =
        |choices: &Choices| merged(&base, &mine, &theirs, choices).unwrap().elements.iter().find(|e| e.id == id("x")).unwrap().json.clone();
    assert_eq!(json(&take(Side::Mine)), r#"{"name":"x","a":2,"b":3}"#);
    assert_eq!(json(&take(Side::Theirs)), r#"{"name":"x","a":4,"b":1}"#);
    let own = Choices { of: [(id("x"), Choice::Value(r#"{"name":"own"}"#.to_owned()))].into(), others: None };
    assert_eq!(json(&own), r#"{"name":"own"}"#);
}

#[test]
fn a_deletion_against_an_edit_is_nobodys_to_decide() {
    let base = State::new();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.delete("f");
    theirs.edit("x", r#"{"name":"x","a":5}"#);
    let mut clashes = merged(&base, &mine, &theirs, &Choices::default()).unwrap_err();
    clashes.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(clashes, [("f".to_owned(), Clashing::Deletion), ("x".to_owned(), Clashing::Deletion)]);
    let gone = merged(&base, &mine, &theirs, &take(Side::Mine)).unwrap();
    assert_eq!(State::names(&gone), [("g".to_owned(), None), ("z".to_owned(), None)]);
    let kept = merged(&base, &mine, &theirs, &take(Side::Theirs)).unwrap();
    assert!(State::names(&kept).contains(&("x".to_owned(), Some("f".to_owned()))), "{:?}", State::names(&kept));
}

#[test]
fn something_new_in_a_deleted_folder_is_not_lost() {
    let base = State::new();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.elements.push(element("n", Some("f"), Kind::Request, r#"{"name":"n"}"#));
    theirs.delete("f");
    assert_eq!(merged(&base, &mine, &theirs, &Choices::default()).unwrap_err(), [("f".to_owned(), Clashing::Deletion)]);
    let kept = merged(&base, &mine, &theirs, &take(Side::Mine)).unwrap();
    assert!(State::names(&kept).contains(&("n".to_owned(), Some("f".to_owned()))));
    let gone = merged(&base, &mine, &theirs, &take(Side::Theirs)).unwrap();
    assert!(!State::names(&gone).iter().any(|(name, _)| name == "n"));
}

#[test]
fn folders_put_into_one_another_make_no_ring() {
    let base = State::new();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.at("f").parent = Some(id("g"));
    theirs.at("g").parent = Some(id("f"));
    let clashes = merged(&base, &mine, &theirs, &Choices::default()).unwrap_err();
    assert!(clashes.iter().all(|(_, clash)| *clash == Clashing::Place) && !clashes.is_empty());
    for side in [Side::Mine, Side::Theirs] {
        let merged = merged(&base, &mine, &theirs, &take(side)).unwrap();
        assert_eq!(merged.elements.len(), base.elements.len());
        assert!(merged.elements.iter().any(|element| element.kind == Kind::Folder && element.parent.is_none()));
    }
}

/// What somebody does to one of five elements.
#[derive(Debug, Clone)]
enum Deed {
    Edit(usize, u8),
    Delete(usize),
    Move(usize, Option<usize>),
    Add(u8, Option<usize>),
}

const NAMES: [&str; 5] = ["f", "g", "x", "y", "z"];

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        (0..5_usize, 0..3_u8).prop_map(|(at, value)| Deed::Edit(at, value)),
        (0..5_usize).prop_map(Deed::Delete),
        (2..5_usize, proptest::option::of(0..2_usize)).prop_map(|(at, to)| Deed::Move(at, to)),
        (0..3_u8, proptest::option::of(0..2_usize)).prop_map(|(name, to)| Deed::Add(name, to)),
    ];
    proptest::collection::vec(deed, 0..5)
}

fn done(base: &State, deeds: &[Deed], who: &str) -> State {
    let mut state = base.clone();
    let there = |state: &State, at: usize| state.elements.iter().any(|element| element.id == id(NAMES[at]));
    for deed in deeds {
        match *deed {
            Deed::Edit(at, value) if there(&state, at) => {
                state.edit(NAMES[at], &format!(r#"{{"name":"{}","a":{value},"item":[]}}"#, NAMES[at]))
            }
            Deed::Delete(at) if there(&state, at) => state.delete(NAMES[at]),
            Deed::Move(at, to) if there(&state, at) && to.is_none_or(|to| there(&state, to)) => {
                state.at(NAMES[at]).parent = to.map(|to| id(NAMES[to]));
            }
            Deed::Add(name, to) if to.is_none_or(|to| there(&state, to)) => {
                let name = format!("{who}{name}");
                if !state.elements.iter().any(|element| element.id == id(&name)) {
                    state.elements.push(element(&name, to.map(|to| NAMES[to]), Kind::Request, &format!(r#"{{"name":"{name}"}}"#)));
                }
            }
            _ => (),
        }
    }
    state
}

fn sorted(elements: &[Element]) -> Vec<(String, Option<String>, String)> {
    let mut all: Vec<_> = elements.iter().map(|e| (e.id.to_string(), e.parent.as_ref().map(ToString::to_string), e.json.clone())).collect();
    all.sort();
    all
}

proptest! {
    #[test]
    fn one_side_alone_is_what_comes_of_it(deeds in deeds()) {
        let base = State::new();
        let other = done(&base, &deeds, "m");
        for (mine, theirs) in [(&base, &other), (&other, &base), (&other, &other)] {
            let both = merged(&base, mine, theirs, &Choices::default()).unwrap();
            prop_assert_eq!(sorted(&both.elements), sorted(&other.elements));
        }
    }

    #[test]
    fn both_ways_are_the_same_and_nothing_hangs_in_the_air(mine in deeds(), theirs in deeds()) {
        let base = State::new();
        let (mine, theirs) = (done(&base, &mine, "m"), done(&base, &theirs, "t"));
        let (one, other) = (merged(&base, &mine, &theirs, &Choices::default()), merged(&base, &theirs, &mine, &Choices::default()));
        prop_assert_eq!(one.is_ok(), other.is_ok());
        if let (Ok(one), Ok(other)) = (&one, &other) {
            prop_assert_eq!(sorted(&one.elements), sorted(&other.elements));
        }
        for side in [Side::Mine, Side::Theirs] {
            let both = merged(&base, &mine, &theirs, &take(side)).unwrap();
            let ids: HashSet<&ElementId> = both.elements.iter().map(|element| &element.id).collect();
            prop_assert!(both.elements.iter().all(|element| element.parent.as_ref().is_none_or(|parent| ids.contains(parent))));
            // What one side made and the other knows nothing of is there, unless what it stands in was chosen to go.
            if side == Side::Mine {
                for new in mine.elements.iter().filter(|element| element.id.as_str().starts_with('m')) {
                    prop_assert!(ids.contains(&new.id));
                }
            }
        }
    }
}
