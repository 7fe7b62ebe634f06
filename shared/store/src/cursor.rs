//! Where the next page of a list begins, as the opaque text that clients send back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// DynamoDB takes no longer sort key.
const BYTES: usize = 1_024;

/// A place as a cursor.
pub fn of(place: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

/// The place in a cursor, as `read` finds it there; none at all where there is no cursor, or an empty one.
///
/// [`Error::NoCursor`] where it is none of ours.
pub fn place<T>(cursor: Option<&str>, read: impl FnOnce(String) -> Option<T>) -> Result<Option<T>, Error> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let place = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    place.and_then(read).map(Some).ok_or(Error::NoCursor)
}

/// A place that is a sort key.
pub(crate) fn sort_key(place: String) -> Option<String> {
    (place.len() <= BYTES).then_some(place)
}
