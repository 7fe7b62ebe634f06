use std::str::FromStr;

use store::Error;

use crate::Problem;

/// What a cursor that is a number or an id says; nothing where there is no cursor, or an empty one. Any other is refused.
pub fn cursor<T: FromStr>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let given = cursor.filter(|cursor| !cursor.is_empty());
    given.map(|cursor| cursor.parse().map_err(|_| Problem::from(Error::NoCursor))).transpose()
}
