//! The order of siblings: fractional index keys, so that a move writes one element.

use fractional_index::FractionalIndex;

use crate::Rejected;

/// A key for each of `count` siblings, in order, as short as they get (a sequence of "after" would grow them).
pub fn spread(count: usize) -> Vec<String> {
    let mut keys = vec![FractionalIndex::default(); count];
    // Halves of halves: (from, to, left neighbour, right neighbour).
    let mut halves = vec![(0, count, None::<FractionalIndex>, None::<FractionalIndex>)];
    while let Some((from, to, left, right)) = halves.pop() {
        if from == to {
            continue;
        }
        let middle = from + (to - from) / 2;
        let key = between_keys(left.as_ref(), right.as_ref());
        keys[middle] = key.clone();
        halves.push((from, middle, left, Some(key.clone())));
        halves.push((middle + 1, to, Some(key), right));
    }
    keys.iter().map(FractionalIndex::to_string).collect()
}

/// A key between two neighbours; `None` is the end of the list on that side.
/// Two equal neighbours (written by two people at once) leave no room: the new key goes right behind the left one.
pub fn between(left: Option<&str>, right: Option<&str>) -> Result<String, Rejected> {
    let read = |raw: &str| FractionalIndex::from_string(raw).map_err(|_| Rejected::because("this order key is not one"));
    let left = left.map(read).transpose()?;
    let right = right.map(read).transpose()?;
    Ok(between_keys(left.as_ref(), right.as_ref()).to_string())
}

fn between_keys(left: Option<&FractionalIndex>, right: Option<&FractionalIndex>) -> FractionalIndex {
    match (left, right) {
        (None, None) => FractionalIndex::default(),
        (Some(left), None) => FractionalIndex::new_after(left),
        (None, Some(right)) => FractionalIndex::new_before(right),
        (Some(left), Some(right)) => FractionalIndex::new_between(left, right).unwrap_or_else(|| FractionalIndex::new_after(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_thousand_siblings_have_short_keys_in_order() {
        let keys = spread(10_000);
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(keys.iter().all(|key| key.len() <= 32), "{:?}", keys.iter().map(String::len).max());
    }

    proptest! {
        #[test]
        fn there_is_always_room(steps in prop::collection::vec(0usize..1000, 1..200)) {
            let mut keys = spread(2);
            for step in steps {
                let at = step % (keys.len() + 1);
                let left = at.checked_sub(1).map(|i| keys[i].as_str());
                let key = between(left, keys.get(at).map(String::as_str)).unwrap();
                keys.insert(at, key);
            }
            prop_assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
