//! Searching: what of a collection can be found, what people ask for, and how well the one fits the other.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::collection::{Element, Kind, short};
use crate::ids::{CollectionId, ElementId, UserId};
use crate::{Rejected, json, limit};

/// A text as it is compared: without case and accents.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(folded).collect()
}

fn folded(one: char) -> impl Iterator<Item = char> {
    std::iter::once(one).nfkd().filter(|part| !is_combining_mark(*part)).flat_map(char::to_lowercase)
}

/// What can be found of one element. Names are kept as they are, and as they are compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// The element; the collection's own part has the collection's id.
    #[serde(rename = "i")]
    pub id: ElementId,
    /// What it stands in.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ElementId>,
    /// What it is.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// Its name.
    #[serde(rename = "n")]
    pub name: String,
    /// A request's method.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A request's URL.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The beginning of its description.
    #[serde(rename = "d", default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The change that last wrote it.
    #[serde(rename = "r")]
    pub revision: u64,
    /// Whose change that was; `None` where it is not known yet.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub author: Option<UserId>,
    #[serde(skip)]
    compared: [String; 3],
}

impl Row {
    /// What can be found of an element.
    pub fn of(element: &Element) -> Row {
        let own = &element.json;
        let about = match element.kind {
            Kind::Collection => json::get(own, "info").unwrap_or("{}"),
            _ => own.as_str(),
        };
        let name = if element.kind == Kind::Collection { json::get(about, "name").and_then(json::text) } else { None };
        let told = |object: &str| {
            let description = json::get(object, "description")?;
            json::text(description).or_else(|| json::get(description, "content").and_then(json::text))
        };
        let description = told(about).or_else(|| told(json::get(own, "request")?)).unwrap_or_default();
        Row {
            id: element.id.clone(),
            parent: element.parent.clone(),
            kind: element.kind,
            name: name.unwrap_or_else(|| element.name.clone()),
            method: element.method.clone(),
            url: element.url.clone(),
            description: short(description, limit::FOUND_CHARS),
            revision: element.revision,
            author: None,
            compared: Default::default(),
        }
        .folded()
    }

    /// Who changed it last; of a collection that somebody made, who that was.
    pub fn author_in(&self, owner: UserId) -> Option<UserId> {
        // The first change of a collection is its maker's.
        let first = self.kind == Kind::Collection || self.author.is_none() && self.revision == 1;
        if first { Some(owner) } else { self.author }
    }

    fn folded(mut self) -> Row {
        self.compared = [fold(&self.name), fold(self.url.as_deref().unwrap_or_default()), fold(&self.description)];
        self
    }
}

/// What can be found in a collection as it was at a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Index {
    /// The number: later changes are not in it.
    pub seq: u64,
    /// Its own part and its elements, in no order.
    pub rows: Vec<Row>,
    #[serde(skip)]
    places: HashMap<ElementId, usize>,
}

impl Index {
    /// Of a collection that is there as a whole. What lies in it was written by this change or before.
    pub fn of<'a>(root: &'a Element, elements: impl IntoIterator<Item = &'a Element>) -> Index {
        let rows: Vec<Row> = std::iter::once(root).chain(elements).map(Row::of).collect();
        Index { seq: rows.iter().map(|row| row.revision).max().unwrap_or(0), ..Index::default() }.with(rows)
    }

    fn with(self, rows: Vec<Row>) -> Index {
        let places = rows.iter().enumerate().map(|(at, row)| (row.id.clone(), at)).collect();
        Index { rows, places, ..self }
    }

    /// The row of an element.
    pub fn row(&self, id: &ElementId) -> Option<&Row> {
        self.rows.get(*self.places.get(id)?)
    }

    /// As text, and back: what is only compared is not in it.
    pub fn write(&self) -> Result<String, Rejected> {
        serde_json::to_string(self).map_err(|error| Rejected(error.to_string()))
    }

    /// What [`Index::write`] wrote.
    pub fn read(text: &str) -> Result<Index, Rejected> {
        let index: Index = serde_json::from_str(text).map_err(|error| Rejected(error.to_string()))?;
        let rows = index.rows.into_iter().map(Row::folded).collect();
        Ok(Index { seq: index.seq, ..Index::default() }.with(rows))
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let row = |row: &Row| size_of::<Row>() + 2 * row.compared.iter().map(String::len).sum::<usize>();
        self.rows.iter().map(row).sum()
    }

    /// The same with other rows: `touched` go, `rows` come, and what stood in something that is gone goes too.
    pub fn replaced(&self, seq: u64, touched: &HashSet<ElementId>, rows: Vec<Row>) -> Index {
        let all: Vec<Row> = self.rows.iter().filter(|row| !touched.contains(&row.id)).cloned().chain(rows).collect();
        let mut inside: HashMap<Option<&ElementId>, Vec<usize>> = HashMap::new();
        for (at, row) in all.iter().enumerate() {
            inside.entry(row.parent.as_ref()).or_default().push(at);
        }
        let mut there = inside.remove(&None).unwrap_or_default();
        let mut at = 0;
        while let Some(row) = there.get(at).and_then(|place| all.get(*place)) {
            there.extend(inside.remove(&Some(&row.id)).unwrap_or_default());
            at += 1;
        }
        let there: HashSet<usize> = there.into_iter().collect();
        let kept = all.into_iter().enumerate().filter(|(at, _)| there.contains(at)).map(|(_, row)| row).collect();
        Index { seq, ..Index::default() }.with(kept)
    }

    /// The changes whose author is not known yet, by their numbers. The first one is the maker's.
    pub fn unknown(&self) -> HashSet<u64> {
        self.rows.iter().filter(|row| row.author.is_none() && row.revision != 1).map(|row| row.revision).collect()
    }

    /// Notes who wrote what, by the numbers of the changes.
    pub fn learn(&mut self, authors: &HashMap<u64, UserId>) {
        for row in self.rows.iter_mut().filter(|row| row.author.is_none()) {
            row.author = authors.get(&row.revision).copied();
        }
    }

    /// Notes what an older index of the same collection knows.
    pub fn learn_from(&mut self, older: &Index) {
        for row in &mut self.rows {
            let known = older.row(&row.id).filter(|known| known.revision == row.revision);
            row.author = row.author.or_else(|| known?.author);
        }
    }

    /// The names of what a row stands in, outermost first.
    pub fn path(&self, row: &Row) -> Vec<String> {
        let mut names = Vec::new();
        let mut above = row.parent.as_ref();
        while let Some(parent) = above.and_then(|id| self.row(id)).filter(|_| names.len() < self.rows.len()) {
            names.push(parent.name.clone());
            above = parent.parent.as_ref();
        }
        names.reverse();
        names
    }
}

/// Where something was found, or is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The name.
    Name,
    /// The URL.
    Url,
    /// The method.
    Method,
    /// The description.
    Description,
    /// A tag of the collection.
    Tag,
    /// Who changed it last; of a collection, who made it.
    Author,
    /// The name of the collection, or of a folder or request that it stands in.
    In,
    /// What it is.
    Type,
}

impl Field {
    fn parse(word: &str) -> Option<Field> {
        Some(match word.to_ascii_lowercase().as_str() {
            "name" => Field::Name,
            "url" => Field::Url,
            "method" => Field::Method,
            "description" | "desc" => Field::Description,
            "tag" => Field::Tag,
            "author" | "by" => Field::Author,
            "in" | "collection" | "folder" => Field::In,
            "type" | "kind" => Field::Type,
            _ => return None,
        })
    }

    /// Whether an element has one of it: of several that are asked for one is enough.
    fn is_single(self) -> bool {
        matches!(self, Field::Method | Field::Author | Field::Type)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    field: Option<Field>,
    text: String,
    not: bool,
}

/// What somebody looks for: words that are found anywhere, and `field:value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

/// The words of a text: what stands in quotes is one.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for one in text.chars() {
        match one {
            '"' => quoted = !quoted,
            one if one.is_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            one => word.push(one),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

impl Query {
    /// Reads what somebody typed: `orders method:GET -tag:old url:"/v1/a b"`. What is not known as a field is a word.
    pub fn parse(text: &str) -> Result<Query, Rejected> {
        if text.chars().count() > limit::QUERY_CHARS {
            return Err(Rejected(format!("a search has at most {} characters", limit::QUERY_CHARS)));
        }
        let term = |word: String| {
            let (not, rest) = match word.strip_prefix('-') {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, word.as_str()),
            };
            let named = rest.split_once(':').and_then(|(field, value)| Some((Field::parse(field)?, value)));
            let (field, value) = named.map_or((None, rest), |(field, value)| (Some(field), value));
            Term { field, text: fold(value.trim()), not }
        };
        let mut terms: Vec<Term> = words(text).into_iter().map(term).collect();
        terms.retain(|term| !term.text.is_empty());
        terms.truncate(limit::QUERY_WORDS);
        Ok(Query { terms })
    }

    /// The same, and only what has this value in a field.
    pub fn and(mut self, field: Field, value: &str, not: bool) -> Query {
        self.terms.push(Term { field: Some(field), text: fold(value), not });
        self
    }

    /// Whether it asks for nothing: then nothing is found.
    pub fn is_empty(&self) -> bool {
        self.terms.iter().all(|term| term.not)
    }

    /// Whether it has to be known who wrote what.
    pub fn asks_for_authors(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.field, None | Some(Field::Author)))
    }
}

/// What is known of a collection beside its index.
#[derive(Debug, Clone)]
pub struct Around {
    /// The collection.
    pub collection: CollectionId,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who made it.
    pub owner: UserId,
}

/// Something that was found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// How well it fits.
    pub score: u32,
    /// Where the most telling word was found; `None`: it is as the fields ask, and no word was looked for.
    pub spot: Option<Field>,
    /// What.
    pub row: &'a Row,
}

/// How well a word fits a text: all of it, its beginning, the beginning of a word in it, a part of it.
fn fit(text: &str, word: &str, weights: [u32; 4]) -> u32 {
    if text == word {
        return weights[0];
    }
    let begins = |at: usize| text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
    match text.find(word) {
        None => 0,
        Some(0) => weights[1],
        Some(_) if text.match_indices(word).any(|(at, _)| begins(at)) => weights[2],
        Some(_) => weights[3],
    }
}

struct Judge<'a> {
    index: &'a Index,
    around: &'a Around,
    name: String,
    authors: &'a HashMap<UserId, String>,
}

impl Judge<'_> {
    fn author(&self, row: &Row) -> &str {
        row.author_in(self.around.owner).and_then(|author| self.authors.get(&author)).map_or("", String::as_str)
    }

    fn stands_in(&self, row: &Row, word: &str) -> bool {
        if self.name.contains(word) {
            return true;
        }
        let mut above = row.parent.as_ref();
        // As many steps as there are rows: a loop in what is stored ends, too.
        for _ in 0..self.index.rows.len() {
            let Some(parent) = above.and_then(|id| self.index.row(id)) else { return false };
            if parent.compared[0].contains(word) {
                return true;
            }
            above = parent.parent.as_ref();
        }
        false
    }

    fn has(&self, row: &Row, field: Field, word: &str) -> bool {
        let [name, url, description] = &row.compared;
        match field {
            Field::Name => name.contains(word),
            Field::Url => url.contains(word),
            Field::Method => row.method.as_ref().is_some_and(|method| fold(method) == word),
            Field::Description => description.contains(word),
            Field::Tag => self.around.tags.iter().any(|tag| tag == word),
            Field::Author => self.author(row).starts_with(word),
            Field::In => self.stands_in(row, word),
            Field::Type => row.kind.as_str() == word.trim_end_matches('s') || row.kind == Kind::Response && word.starts_with("example"),
        }
    }

    /// Where a word fits best, and how well.
    fn best(&self, row: &Row, word: &str) -> Option<(u32, Field)> {
        let [name, url, description] = &row.compared;
        let tag = self.around.tags.iter().map(|tag| fit(tag, word, [30, 18, 12, 0])).max().unwrap_or(0);
        // A tag is the whole collection's: it tells little of one element.
        let tag = if row.kind == Kind::Collection { tag } else { tag / 6 };
        [
            (fit(name, word, [100, 60, 40, 20]), Field::Name),
            (fit(url, word, [50, 25, 25, 12]), Field::Url),
            (row.method.as_ref().map_or(0, |method| fit(&fold(method), word, [15, 0, 0, 0])), Field::Method),
            (tag, Field::Tag),
            (fit(description, word, [8, 8, 8, 5]), Field::Description),
            (fit(self.author(row), word, [10, 6, 0, 0]), Field::Author),
        ]
        .into_iter()
        .filter(|(score, _)| *score > 0)
        .max_by_key(|(score, field)| (*score, Reverse(*field)))
    }

    fn judge<'r>(&self, query: &Query, row: &'r Row) -> Option<Found<'r>> {
        let (mut score, mut spot): (u32, Option<(u32, Field)>) = (0, None);
        let (mut asked, mut own) = (false, false);
        for term in &query.terms {
            match (term.field, term.not) {
                (Some(field), not) if not || !field.is_single() => {
                    if self.has(row, field, &term.text) == not {
                        return None;
                    }
                    if !not && matches!(field, Field::Name | Field::Url | Field::Description) {
                        spot = spot.or(Some((0, field)));
                    }
                }
                (Some(field), _) => {
                    let same = query.terms.iter().filter(|other| other.field == Some(field) && !other.not);
                    if !same.into_iter().any(|other| self.has(row, field, &other.text)) {
                        return None;
                    }
                }
                (None, true) => {
                    if self.best(row, &term.text).is_some() {
                        return None;
                    }
                }
                (None, false) => {
                    asked = true;
                    match self.best(row, &term.text) {
                        Some(best) => {
                            own = true;
                            score += best.0;
                            if spot.is_none_or(|spot| spot.0 < best.0) {
                                spot = Some(best);
                            }
                        }
                        None if self.stands_in(row, &term.text) => score += 2,
                        None => return None,
                    }
                }
            }
        }
        // What only stands in something of that name is not what is looked for.
        if asked && !own {
            return None;
        }
        Some(Found { score, spot: spot.map(|spot| spot.1), row })
    }
}

/// What of a collection fits, in no order. `authors` are the names of those who wrote something, as they are compared.
pub fn find<'a>(query: &Query, index: &'a Index, around: &Around, authors: &HashMap<UserId, String>) -> Vec<Found<'a>> {
    if query.is_empty() {
        return Vec::new();
    }
    let judge = Judge { index, around, name: fold(&around.name), authors };
    index.rows.iter().filter_map(|row| judge.judge(query, row)).collect()
}

/// A place in a list of what was found: the best first, of equal ones collections before folders before requests, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank(Reverse<u32>, u8, String, CollectionId, ElementId);

impl Rank {
    /// Where something that was found stands.
    pub fn of(found: &Found<'_>, collection: &CollectionId) -> Rank {
        let kind = match found.row.kind {
            Kind::Collection => 0,
            Kind::Folder => 1,
            Kind::Request => 2,
            Kind::Response => 3,
        };
        Rank(Reverse(found.score), kind, found.row.compared[0].clone(), collection.clone(), found.row.id.clone())
    }
}

/// The place in a text where something was found, with what stands around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// Where.
    pub field: Field,
    /// What stands before it.
    pub before: String,
    /// What was found.
    pub text: String,
    /// What stands behind it.
    pub after: String,
}

/// Characters that are shown before and behind what was found in a long text.
const AROUND: usize = 60;

/// Shows where a query's words are found in a row; `None` where that says nothing (a tag, an author).
pub fn spot(query: &Query, found: &Found<'_>) -> Option<Spot> {
    let field = found.spot?;
    let text = match field {
        Field::Name => found.row.name.as_str(),
        Field::Url => found.row.url.as_deref()?,
        Field::Method => found.row.method.as_deref()?,
        Field::Description => found.row.description.as_str(),
        Field::Tag | Field::Author | Field::In | Field::Type => return None,
    };
    let chars: Vec<char> = text.chars().collect();
    // Each compared character with the place of the one that it comes from.
    let compared: Vec<(char, usize)> = chars.iter().enumerate().flat_map(|(at, one)| folded(*one).map(move |part| (part, at))).collect();
    let asked = query.terms.iter().filter(|term| !term.not && term.field.is_none_or(|asked| asked == field));
    let (from, to) = asked
        .filter_map(|term| {
            let word: Vec<char> = term.text.chars().collect();
            let at = compared.windows(word.len()).position(|window| window.iter().map(|(one, _)| one).eq(&word))?;
            Some((compared.get(at)?.1, compared.get(at + word.len() - 1)?.1 + 1))
        })
        .min()?;
    let (start, end) = (from.saturating_sub(AROUND), (to + AROUND).min(chars.len()));
    let part = |from: usize, to: usize| chars.get(from..to).unwrap_or_default().iter().collect::<String>();
    let before = if start > 0 { format!("…{}", part(start, from)) } else { part(0, from) };
    let after = if end < chars.len() { format!("{}…", part(to, end)) } else { part(to, end) };
    Some(Spot { field, before, text: part(from, to), after })
}

#[cfg(test)]
mod tests;
