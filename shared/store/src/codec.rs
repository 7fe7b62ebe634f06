//! Long texts in items: compressed where that is smaller, and split where an item would grow too large.

use std::cell::RefCell;
use std::sync::LazyLock;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::limit;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use crate::keys::Key;
use crate::{Error, Item, n};

/// What [`pack`] may have done; the first byte of what is stored.
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_WITH_WORDS: u8 = 2;

/// Level 3 is zstd's own default: on requests of 2 KB a higher one gains under 3 %.
const LEVEL: i32 = 3;

/// What requests are full of, so that even a short one gets small. Never change it: add a third format instead.
const WORDS: &[u8] = include_bytes!("words.txt");

// Digested once: for a text of 2 KB that takes longer than packing it.
static PACKING: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(WORDS, LEVEL));
static UNPACKING: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(WORDS));

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes to store for a text.
pub(crate) fn pack(text: &str) -> Vec<u8> {
    let packed = PACKER.with_borrow_mut(|packer| {
        let packer = match packer {
            Some(packer) => packer,
            none => none.insert(Compressor::with_prepared_dictionary(&PACKING)?),
        };
        packer.compress(text.as_bytes())
    });
    match packed {
        Ok(packed) if packed.len() < text.len() => [&[ZSTD_WITH_WORDS], packed.as_slice()].concat(),
        _ => [&[PLAIN], text.as_bytes()].concat(),
    }
}

/// The text behind stored bytes.
pub(crate) fn unpack(bytes: &[u8]) -> Result<String, String> {
    let (format, rest) = bytes.split_first().ok_or("nothing is stored")?;
    let text = match *format {
        PLAIN => rest.to_vec(),
        ZSTD_WITH_WORDS => {
            let length = Decompressor::upper_bound(rest).ok_or("how long it is stands nowhere")?;
            if length > 2 * limit::UPLOAD_BYTES {
                return Err(format!("{length} bytes are more than was ever stored"));
            }
            let unpacked = UNPACKER.with_borrow_mut(|unpacker| {
                let unpacker = match unpacker {
                    Some(unpacker) => unpacker,
                    none => none.insert(Decompressor::with_prepared_dictionary(&UNPACKING)?),
                };
                unpacker.decompress(rest, length)
            });
            unpacked.map_err(|error| error.to_string())?
        }
        other => return Err(format!("stored in an unknown format {other}")),
    };
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// Bytes that no item holds as text, packed.
pub(crate) fn pack_bytes(bytes: &[u8]) -> Vec<u8> {
    match zstd::bulk::compress(bytes, LEVEL) {
        Ok(packed) if packed.len() < bytes.len() => [&[ZSTD], packed.as_slice()].concat(),
        _ => [&[PLAIN], bytes].concat(),
    }
}

/// What [`pack_bytes`] packed; at most so many bytes.
pub(crate) fn unpack_bytes(packed: &[u8], at_most: usize) -> Result<Vec<u8>, String> {
    match packed.split_first() {
        Some((&PLAIN, rest)) => Ok(rest.to_vec()),
        Some((&ZSTD, rest)) => zstd::bulk::decompress(rest, at_most).map_err(|error| error.to_string()),
        _ => Err("stored in an unknown format".to_owned()),
    }
}

/// Puts stored bytes into an item as `body`, or into items of their own at the keys that `part` gives, in order;
/// then the item says how many in `parts`.
pub(crate) fn put_body(item: &mut Item, bytes: Vec<u8>, part: impl Fn(usize) -> Key) -> Vec<Item> {
    if bytes.len() <= limit::PART_BYTES {
        item.insert("body".to_owned(), AttributeValue::B(Blob::new(bytes)));
        return Vec::new();
    }
    let parts: Vec<Item> = bytes
        .chunks(limit::PART_BYTES)
        .enumerate()
        .map(|(index, chunk)| {
            let mut item = crate::transact::key_item(&part(index));
            item.insert("kind".to_owned(), AttributeValue::S("part".to_owned()));
            item.insert("body".to_owned(), AttributeValue::B(Blob::new(chunk)));
            item
        })
        .collect();
    item.insert("parts".to_owned(), n(parts.len()));
    parts
}

/// How many parts an item says it has.
pub(crate) fn parts(item: &Item) -> usize {
    item.get("parts").and_then(|parts| parts.as_n().ok()).and_then(|parts| parts.parse().ok()).unwrap_or(0)
}

/// The stored bytes of an item itself.
pub(crate) fn body(item: &Item) -> Option<&[u8]> {
    item.get("body").and_then(|body| body.as_b().ok()).map(Blob::as_ref)
}

/// The text of an item with the parts it says it has.
pub(crate) fn text(key: &Key, item: &Item, part: impl Fn(usize) -> Option<Vec<u8>>) -> Result<String, Error> {
    let whole = match parts(item) {
        0 => body(item).map(<[u8]>::to_vec),
        count => (0..count).map(part).collect::<Option<Vec<_>>>().map(|parts| parts.concat()),
    };
    let whole = whole.ok_or_else(|| Error::torn(key, "a part is missing"))?;
    unpack(&whole).map_err(|error| Error::torn(key, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for text in ["", "{}", "{\"a\":\"\\ud800 ä\"}", &"{\"name\":\"x\"}".repeat(10_000)] {
            let packed = pack(text);
            assert!(packed.len() <= text.len() + 1);
            assert_eq!(unpack(&packed).unwrap(), text);
        }
        assert!(unpack(&[]).is_err());
        assert!(unpack(&[9, 1]).is_err());
        assert!(unpack(&[ZSTD_WITH_WORDS, 1, 2, 3]).is_err());
    }

    #[test]
    fn a_short_request_gets_small() {
        let request = r#"{"name":"List orders","request":{"method":"GET","header":[{"key":"Accept","value":"application/json"}],"url":{"raw":"{{baseUrl}}/orders?limit=10","host":["{{baseUrl}}"],"path":["orders"],"query":[{"key":"limit","value":"10"}]}},"response":[]}"#;
        assert!(pack(request).len() * 2 < request.len(), "{} of {}", pack(request).len(), request.len());
    }

    #[test]
    fn long_bodies_are_split_and_joined() {
        let bytes: Vec<u8> = (0..700_000_u32).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
        let packed = [vec![PLAIN], bytes.iter().map(|b| b % 128).collect()].concat();
        let mut item = Item::new();
        let parts = put_body(&mut item, packed.clone(), |index| Key { pk: "p".into(), sk: index.to_string() });
        assert_eq!(parts.len(), 3);
        let text = text(&Key { pk: "p".into(), sk: "s".into() }, &item, |index| body(&parts[index]).map(<[u8]>::to_vec)).unwrap();
        assert_eq!(text.as_bytes(), &packed[1..]);
    }
}
