//! Files of other programs as collections of format 2.1, and collections as OpenAPI. What a file is, its content says,
//! not its name. No async, no AWS; what a mapping drops or turns into something else stands in the [`Report`].

use domain::{Rejected, json};

mod bruno;
mod curl;
mod export;
mod har;
mod hoppscotch;
mod insomnia;
mod model;
mod node;
mod openapi;
mod raml;
mod report;
mod schema;
mod security;

pub use export::openapi as to_openapi;
pub use node::Node;
pub use report::{Report, Taken};

/// What a file holds.
#[derive(Debug)]
pub struct Converted {
    /// What it was, in words: `OpenAPI 3.1`, `Postman Collection`, …
    pub format: String,
    /// Collections, as documents that [`domain::format::split`] takes.
    pub documents: Vec<String>,
    /// What came over, and how. Nothing is said of a collection of Postman's: all of it does.
    pub report: Report,
}

const KNOWN: &str = "none of the formats that can be imported: Postman, OpenAPI, Swagger, RAML 1.0, HAR, Insomnia, Bruno, Hoppscotch, cURL";

/// Reads a file of any kind.
pub fn read(text: &str) -> Result<Converted, Rejected> {
    let mut report = Report::default();
    if curl::is_one(text) {
        let found = curl::read(text, &mut report)?;
        return Ok(done("cURL", found, report));
    }
    let trimmed = text.trim_start();
    if raml::is_one(trimmed) {
        let found = raml::read(&Node::from_yaml(trimmed)?, &mut report)?;
        return Ok(done("RAML 1.0", found, report));
    }
    let document = if trimmed.starts_with(['{', '[']) {
        // A collection stays the text that it is, however deep: what goes in comes out.
        if let Some(converted) = postman(trimmed) {
            return converted;
        }
        match Node::from_json(text) {
            Ok(document) => document,
            // Flow style YAML begins like JSON.
            Err(rejected) => Node::from_yaml(text).map_err(|_| rejected)?,
        }
    } else {
        Node::from_yaml(text)?
    };
    let (format, found) = match () {
        () if let Some(version) = openapi::version(&document) => (version, openapi::read(&document, &mut report)?),
        () if har::is_one(&document) => ("HAR".to_owned(), har::read(&document, &mut report)?),
        () if insomnia::is_one(&document) => ("Insomnia".to_owned(), insomnia::read(&document, &mut report)?),
        () if hoppscotch::is_one(&document) => ("Hoppscotch".to_owned(), hoppscotch::read(&document, &mut report)?),
        () if bruno::is_one(&document) => ("Bruno".to_owned(), bruno::read(&document, &mut report)?),
        () => return Err(Rejected::because(format!("this is {KNOWN}"))),
    };
    Ok(done(&format, found, report))
}

/// Reads an OpenAPI or Swagger document, and nothing else.
pub fn read_openapi(text: &str) -> Result<Converted, Rejected> {
    let document = if text.trim_start().starts_with('{') { Node::from_json(text)? } else { Node::from_yaml(text)? };
    let format = openapi::version(&document).ok_or_else(|| Rejected::because("this is no OpenAPI 3 or Swagger 2 document"))?;
    let mut report = Report::default();
    let found = openapi::read(&document, &mut report)?;
    Ok(done(&format, found, report))
}

/// A collection of Postman's, in whatever version. `None`: it is something else.
fn postman(text: &str) -> Option<Result<Converted, Rejected>> {
    if json::check(text, domain::limit::JSON_DEPTH).is_err() {
        return None;
    }
    let inside = domain::format::unwrap(text);
    let has = |key: &str, of: fn(&str) -> bool| json::get(inside, key).is_some_and(of);
    let foreign = ["openapi", "swagger", "log", "_type", "resources"].iter().any(|key| json::get(inside, key).is_some());
    if foreign {
        return None;
    }
    if has("values", json::is_array) && json::get(inside, "info").is_none() {
        return Some(Err(Rejected::because("this is an environment, not a collection")));
    }
    let v2 = has("info", json::is_object) && json::get(inside, "items").is_none();
    let v1 = (has("requests", json::is_array) || has("order", json::is_array)) && json::get(inside, "v").is_none();
    (v2 || v1)
        .then(|| Ok(Converted { format: "Postman Collection".to_owned(), documents: vec![text.to_owned()], report: Report::default() }))
}

fn done(format: &str, found: Vec<Node>, mut report: Report) -> Converted {
    found.iter().for_each(|collection| report.count(collection));
    Converted { format: format.to_owned(), documents: found.iter().map(Node::to_json).collect(), report }
}

#[cfg(test)]
mod tests;
