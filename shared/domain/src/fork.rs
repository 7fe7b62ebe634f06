//! Forks: what a collection is a fork of, and the three-way merge of a fork with what it came from.
//!
//! The elements of a fork have the ids that they have in the parent, so that the two can be told apart element by element.
//! *Mine* is always the fork, *theirs* the parent, whichever way a merge goes; *base* is what both had last in common.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Op;
use crate::collection::{Element, Kind, in_order};
use crate::ids::{CollectionId, ElementId, UserId};
use crate::json;
use crate::merge::{FieldChange, Overlap, diff, raw, three_way};

/// What a collection is a fork of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkOf {
    /// The parent.
    pub from: CollectionId,
    /// Who made the parent: its uid carries their id.
    pub owner: UserId,
    /// What the fork is called among the forks.
    pub label: String,
    /// Since when.
    pub at: Timestamp,
}

impl ForkOf {
    /// The parent's uid.
    pub fn uid(&self) -> String {
        self.from.uid(self.owner)
    }
}

/// All of a collection at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    /// The collection's own part.
    pub root: &'a Element,
    /// Its elements.
    pub elements: &'a [Element],
}

/// Whose state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The fork's.
    Mine,
    /// The parent's.
    Theirs,
}

/// What somebody says about an element that both sides changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// One side's, as it is there.
    Take(Side),
    /// This JSON, at the place of the side that has it (the fork's first).
    Value(String),
}

/// What is chosen where both sides changed the same thing.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// For elements by their id; the collection itself by the id of either.
    pub of: HashMap<ElementId, Choice>,
    /// For all others.
    pub others: Option<Side>,
}

impl Choices {
    fn of(&self, id: &ElementId) -> Option<Choice> {
        self.of.get(id).cloned().or(self.others.map(Choice::Take))
    }
}

/// How the two sides of a clash differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clashing {
    /// Both changed the same place of its JSON.
    Content,
    /// Both moved it, each to another place.
    Place,
    /// One deleted it, the other changed it or something in it.
    Deletion,
}

/// An element that both sides changed, each in another way.
#[derive(Debug, Clone, Serialize)]
pub struct Clash {
    /// Which.
    pub item: ElementId,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// In which respect.
    pub clash: Clashing,
    /// The places: pointers into its JSON; one without a pointer where it is about the element as a whole.
    pub conflicts: Vec<Overlap>,
}

/// What comes of both sides.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The collection's own JSON.
    pub root: String,
    /// The elements.
    pub elements: Vec<Element>,
}

type ById<'a> = HashMap<&'a ElementId, &'a Element>;

fn by_id<'a>(tree: Tree<'a>) -> ById<'a> {
    tree.elements.iter().map(|element| (&element.id, element)).collect()
}

/// Whether two sides have the same element.
fn same(one: Option<&Element>, other: Option<&Element>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.kind == other.kind && same_place(one, other) && json::same(&one.json, &other.json),
        (None, None) => true,
        _ => false,
    }
}

fn same_place(one: &Element, other: &Element) -> bool {
    one.parent == other.parent && one.order == other.order
}

fn clash(of: &Element, clash: Clashing, conflicts: Vec<Overlap>) -> Clash {
    Clash { item: of.id.clone(), kind: of.kind, name: of.name.clone(), clash, conflicts }
}

fn as_whole(base: Option<&Element>, mine: Option<&Element>, theirs: Option<&Element>) -> Vec<Overlap> {
    let json = |side: Option<&Element>| side.and_then(|element| raw(&element.json));
    vec![Overlap { pointer: String::new(), base: json(base), mine: json(mine), theirs: json(theirs) }]
}

/// Merges a fork (`mine`) with its parent (`theirs`), both of which come from `base`: element by element, within an
/// element place by place. What only one side changed is as there. Otherwise `choices` decide; without one, every clash
/// is named and nothing is merged.
pub fn merge(base: Tree<'_>, mine: Tree<'_>, theirs: Tree<'_>, choices: &Choices) -> Result<Merged, Vec<Clash>> {
    let mut clashes = Vec::new();
    let root = merge_root(base.root, mine.root, theirs.root, choices, &mut clashes);
    let (from, left, right) = (by_id(base), by_id(mine), by_id(theirs));
    let mut ids: Vec<&ElementId> = left.keys().chain(right.keys()).copied().collect();
    ids.sort();
    ids.dedup();
    let mut merged: HashMap<&ElementId, Element> = HashMap::with_capacity(ids.len());
    for id in ids {
        let (base, mine, theirs) = (from.get(id).copied(), left.get(id).copied(), right.get(id).copied());
        if let Some(element) = merge_one(base, mine, theirs, choices, &mut clashes) {
            merged.insert(id, element);
        }
    }
    keep_folders(&from, &left, &right, choices, &mut merged, &mut clashes);
    untie(&left, &right, choices, &mut merged, &mut clashes);
    if !clashes.is_empty() {
        return Err(clashes);
    }
    // What stands in something that was chosen to go goes with it.
    loop {
        let there: HashSet<ElementId> = merged.keys().map(|id| (*id).clone()).collect();
        let before = merged.len();
        merged.retain(|_, element| element.parent.as_ref().is_none_or(|parent| there.contains(parent)));
        if merged.len() == before {
            break;
        }
    }
    let mut elements: Vec<Element> = merged.into_values().collect();
    elements.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(Merged { root, elements })
}

/// The collection's own part. Its name is each side's own: only a new one on one side comes along.
fn merge_root(base: &Element, mine: &Element, theirs: &Element, choices: &Choices, clashes: &mut Vec<Clash>) -> String {
    match three_way(&base.json, &mine.json, &theirs.json) {
        Ok(json) => json,
        Err(overlaps) => match choices.of(&mine.id).or_else(|| choices.of(&theirs.id)) {
            Some(Choice::Take(Side::Mine)) => mine.json.clone(),
            Some(Choice::Take(Side::Theirs)) => theirs.json.clone(),
            Some(Choice::Value(value)) => value,
            None => {
                clashes.push(clash(theirs, Clashing::Content, overlaps));
                theirs.json.clone()
            }
        },
    }
}

fn merge_one(
    base: Option<&Element>,
    mine: Option<&Element>,
    theirs: Option<&Element>,
    choices: &Choices,
    clashes: &mut Vec<Clash>,
) -> Option<Element> {
    if same(mine, theirs) || same(base, mine) {
        return theirs.cloned();
    }
    if same(base, theirs) {
        return mine.cloned();
    }
    let there = mine.or(theirs)?;
    let chosen = choices.of(&there.id);
    let (Some(left), Some(right)) = (mine, theirs) else {
        // One deleted it, the other changed it.
        return match chosen {
            Some(Choice::Take(Side::Mine)) => mine.cloned(),
            Some(Choice::Take(Side::Theirs)) => theirs.cloned(),
            Some(Choice::Value(value)) => Some(there.with_json(value)),
            None => {
                clashes.push(clash(there, Clashing::Deletion, as_whole(base, mine, theirs)));
                Some(there.clone())
            }
        };
    };
    let start = base.map_or("{}", |base| base.json.as_str());
    let json = match (left.kind == right.kind).then(|| three_way(start, &left.json, &right.json)) {
        Some(Ok(json)) => json,
        Some(Err(_)) | None if chosen.is_some() => match &chosen {
            Some(Choice::Take(Side::Mine)) => left.json.clone(),
            Some(Choice::Value(value)) => value.clone(),
            _ => right.json.clone(),
        },
        Some(Err(overlaps)) => {
            clashes.push(clash(right, Clashing::Content, overlaps));
            right.json.clone()
        }
        None => {
            clashes.push(clash(right, Clashing::Content, as_whole(base, mine, theirs)));
            right.json.clone()
        }
    };
    let moved = |side: &Element| base.is_none_or(|base| base.parent != side.parent);
    let place = if same_place(left, right) || base.is_some_and(|base| same_place(base, left)) {
        right
    } else if base.is_some_and(|base| same_place(base, right)) {
        left
    } else if left.parent == right.parent || !moved(left) {
        // Only the order among the same siblings differs, or only the parent has taken it elsewhere.
        right
    } else if !moved(right) {
        left
    } else {
        match chosen {
            Some(Choice::Take(Side::Mine)) => left,
            Some(_) => right,
            None => {
                clashes.push(clash(right, Clashing::Place, places(base, left, right)));
                right
            }
        }
    };
    let kind = if matches!(chosen, Some(Choice::Take(Side::Mine))) { left.kind } else { right.kind };
    let mut merged = Element { kind, ..right.with_json(json) };
    merged.parent.clone_from(&place.parent);
    merged.order.clone_from(&place.order);
    merged.origin = right.origin.clone().or_else(|| left.origin.clone());
    Some(merged)
}

/// Where an element stands, as each side has it: the ids of what it stands in.
fn places(base: Option<&Element>, mine: &Element, theirs: &Element) -> Vec<Overlap> {
    let parent = |element: &Element| raw(&element.parent.as_ref().map_or_else(|| "null".to_owned(), |id| json::quote(id.as_str())));
    vec![Overlap { pointer: String::new(), base: base.and_then(parent), mine: parent(mine), theirs: parent(theirs) }]
}

/// A folder that one side deleted and in which the other put or kept something: it is a clash, unless somebody chose.
fn keep_folders<'a>(
    from: &ById<'a>,
    left: &ById<'a>,
    right: &ById<'a>,
    choices: &Choices,
    merged: &mut HashMap<&'a ElementId, Element>,
    clashes: &mut Vec<Clash>,
) {
    let mut missing: Vec<ElementId> = merged.values().filter_map(|element| element.parent.clone()).collect();
    let mut named: HashSet<ElementId> = clashes.iter().map(|clash| clash.item.clone()).collect();
    while let Some(parent) = missing.pop() {
        if merged.contains_key(&parent) || !named.insert(parent.clone()) {
            continue;
        }
        let (base, mine, theirs) = (from.get(&parent).copied(), left.get(&parent).copied(), right.get(&parent).copied());
        let Some(there) = mine.or(theirs) else { continue };
        let side = if mine.is_some() { Side::Mine } else { Side::Theirs };
        match choices.of(&parent) {
            None => clashes.push(clash(there, Clashing::Deletion, as_whole(base, mine, theirs))),
            Some(Choice::Take(chosen)) if chosen != side => continue,
            Some(_) => {
                let Some((id, _)) = left.get_key_value(&parent).or_else(|| right.get_key_value(&parent)) else { continue };
                missing.extend(there.parent.clone());
                merged.insert(id, there.clone());
            }
        }
    }
}

/// Folders that both sides put into one another.
fn untie<'a>(left: &ById<'a>, right: &ById<'a>, choices: &Choices, merged: &mut HashMap<&'a ElementId, Element>, clashes: &mut Vec<Clash>) {
    let ids: Vec<&ElementId> = merged.keys().copied().collect();
    let mut free: HashSet<ElementId> = HashSet::new();
    for id in ids {
        let mut path: Vec<ElementId> = Vec::new();
        let mut at = Some(id.clone());
        while let Some(here) = at {
            if free.contains(&here) {
                break;
            }
            if path.contains(&here) {
                // Round and round: one side's places hold for all of them, and that side has no such ring.
                let ring: Vec<ElementId> = path.iter().skip_while(|id| **id != here).cloned().collect();
                for id in &ring {
                    let (Some(mine), Some(theirs)) = (left.get(id), right.get(id)) else { continue };
                    let place = match choices.of(id) {
                        Some(Choice::Take(Side::Mine)) => mine,
                        Some(_) => theirs,
                        None => {
                            if !clashes.iter().any(|clash| clash.item == *id) {
                                clashes.push(clash(theirs, Clashing::Place, places(None, mine, theirs)));
                            }
                            theirs
                        }
                    };
                    if let Some(element) = merged.get_mut(id) {
                        element.parent.clone_from(&place.parent);
                        element.order.clone_from(&place.order);
                    }
                }
                break;
            }
            at = merged.get(&here).and_then(|element| element.parent.clone());
            path.push(here);
        }
        free.extend(path);
    }
}

/// How an element differs from what it would be after a merge.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Which.
    pub item: ElementId,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What a merge would do to it: `create`, `update`, `move` or `delete`.
    pub op: Op,
    /// The places that it would change.
    pub changes: Vec<FieldChange>,
}

/// What a merge would change of what is there, element by element, the collection itself first.
pub fn differences(there: Tree<'_>, merged: &Merged) -> Vec<Difference> {
    let told = |of: &Element, op: Op, changes: Vec<FieldChange>| Difference {
        item: of.id.clone(),
        kind: of.kind,
        name: of.name.clone(),
        op,
        changes,
    };
    let mut found = Vec::new();
    let own = diff(&there.root.json, &merged.root);
    if !own.is_empty() {
        found.push(told(there.root, Op::Update, own));
    }
    let before = by_id(there);
    let after: ById<'_> = merged.elements.iter().map(|element| (&element.id, element)).collect();
    for element in in_order(&merged.elements, None, usize::MAX) {
        match before.get(&element.id) {
            None => {
                found.push(told(element, Op::Create, vec![FieldChange { pointer: String::new(), before: None, after: raw(&element.json) }]))
            }
            Some(was) => {
                let changes = diff(&was.json, &element.json);
                if !changes.is_empty() {
                    found.push(told(element, Op::Update, changes));
                } else if !same_place(was, element) {
                    found.push(told(element, Op::Move, Vec::new()));
                }
            }
        }
    }
    for element in in_order(there.elements, None, usize::MAX) {
        if !after.contains_key(&element.id) {
            found.push(told(element, Op::Delete, vec![FieldChange { pointer: String::new(), before: raw(&element.json), after: None }]));
        }
    }
    found
}

#[cfg(test)]
mod tests;
