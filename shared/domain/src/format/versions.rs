//! Which version a document is of, and how a collection is written in another one.

use super::origin::{self, Origin, overlay};
use super::{Parsed, join, v1, v20};
use crate::collection::Element;
use crate::ids::{CollectionId, UserId};
use crate::json;

/// A version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Flat lists, held together by ids.
    V1,
    /// A tree; authorization in objects, URLs as texts.
    V20,
    /// The one that elements are kept and edited in.
    V21,
}

impl Version {
    /// The version that a word names.
    pub fn parse(word: &str) -> Option<Version> {
        match word {
            "v1" | "v1.0" | "v1.0.0" => Some(Version::V1),
            "v2.0" | "v2.0.0" => Some(Version::V20),
            "v2.1" | "v2.1.0" => Some(Version::V21),
            _ => None,
        }
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1 => "v1",
            Version::V20 => "v2.0",
            Version::V21 => "v2.1",
        }
    }

    /// The version of the file that a collection came from, by its own part.
    pub fn of_origin(root: &Element) -> Version {
        root.origin.as_deref().and_then(Origin::read).map_or(Version::V21, |origin| origin.version)
    }
}

/// The version that a document of format 2 says it is of; what says nothing is taken as it is.
pub(super) fn of(root: &str) -> Version {
    let schema = json::get(root, "info").and_then(|info| json::get(info, "schema")).and_then(json::text).unwrap_or_default();
    // "collection/v2/…" is what the first drafts of 2.0 said.
    if schema.contains("/v2.0") || schema.contains("/v2/") { Version::V20 } else { Version::V21 }
}

/// What was split from a document of format 2.0, in format 2.1. How it stood is kept where it cannot be concluded.
pub(super) fn raise(mut parsed: Parsed) -> Parsed {
    for element in &mut parsed.elements {
        let new = v20::up(&element.json);
        if !json::same(&v20::down(&new), &element.json) {
            element.origin = Some(origin::write(Version::V20, &element.json, &[]));
        }
        let origin = element.origin.take();
        *element = Element { origin, ..element.with_json(new) };
    }
    let root = v20::up(&parsed.root);
    parsed.origin = Some(origin::write(Version::V20, &parsed.root, &[]));
    Parsed { root, ..parsed }
}

fn lowered(element: &Element) -> Element {
    let origin = element.origin.as_deref().and_then(Origin::read).filter(|origin| origin.version == Version::V20);
    let own = match origin {
        Some(origin) => {
            let base = v20::up(origin.own);
            let same = json::same(&base, &element.json);
            if same { origin.own.to_owned() } else { overlay(origin.own, &v20::down(&base), &v20::down(&element.json), 4) }
        }
        None => v20::down(&element.json),
    };
    Element { json: own, ..element.clone() }
}

/// A collection as a document of a version; `None`: of the one that it was imported in.
pub fn export(version: Option<Version>, root: &Element, elements: &[Element], identity: (&CollectionId, UserId)) -> String {
    match version.unwrap_or_else(|| Version::of_origin(root)) {
        Version::V21 => join(&root.json, elements, Some(identity)),
        Version::V20 => {
            let elements: Vec<Element> = elements.iter().map(lowered).collect();
            join(&lowered(root).json, &elements, Some(identity))
        }
        Version::V1 => v1::join(root, elements, identity.0),
    }
}

/// The same with the ids that the server gave, for whom the version does not matter.
#[cfg(test)]
pub(super) fn exported(version: Option<Version>, parsed: &Parsed) -> String {
    let mut root = Element::new("root".parse().unwrap(), None, crate::collection::Kind::Collection, String::new(), parsed.root.clone());
    root.origin.clone_from(&parsed.origin);
    export(version, &root, &parsed.elements, (&"c".parse().unwrap(), UserId(7)))
}
