//! The proof of a collection's state: two who have the same proof hold the same collection.
//!
//! The hash is SHA-256, in lower-case hexadecimal digits, over lines in UTF-8 that each end with a line feed. The first
//! line is the collection's, `0 collection <id> <digest>`; then comes each element in the order of the tree (what stands in
//! an element follows it, its items before its examples, siblings in their order), as `<depth> <kind> <id> <digest>`: the
//! depth counts from 1, the kind is `folder`, `request` or `response`. A digest is the SHA-256, written the same way, of an
//! element's JSON as its own address answers it (the collection's: the whole document with an empty `item`), without the
//! white space between tokens.

use std::collections::HashMap;
use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::collection::{Element, Head, in_order};
use crate::ids::ElementId;
use crate::{format, json};

/// What a client compares with what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The number of the last change.
    pub revision: u64,
    /// How many elements there are.
    pub count: u64,
    /// See above.
    pub hash: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a text does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(json::minify(text).as_bytes()))
}

/// The proof of a collection: its head, its own JSON, its elements in any order.
pub fn of(head: &Head, root: &str, elements: &[Element]) -> Proof {
    let mut depths: HashMap<&ElementId, usize> = HashMap::new();
    let mut hash = Sha256::new();
    let root = format::with_identity(root, &head.collection, head.owner);
    hash.update(format!("0 collection {} {}\n", head.collection, digest(&root)));
    let ordered = in_order(elements, None, usize::MAX);
    for element in &ordered {
        let depth = element.parent.as_ref().and_then(|parent| depths.get(parent)).map_or(1, |depth| depth + 1);
        depths.insert(&element.id, depth);
        hash.update(format!("{depth} {} {} {}\n", element.kind.as_str(), element.id, digest(&format::one(element))));
    }
    Proof { revision: head.seq, count: ordered.len() as u64, hash: hex(&hash.finalize()) }
}
