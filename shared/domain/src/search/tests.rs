//! What is searched, and how it is packed.

use super::*;

fn element(name: &str, parent: Option<&str>, kind: Kind, own: &str) -> Element {
    let id = |raw: &str| ElementId::parse(raw).unwrap();
    let mut element = Element::new(id(name), parent.map(id), kind, "a".to_owned(), own.to_owned());
    element.revision = 1;
    element
}

fn index() -> Index {
    let root = element("c1", None, Kind::Collection, r#"{"info":{"name":"Bestellungen","description":"Alles über Aufträge"}}"#);
    let elements = [
        element("f1", None, Kind::Folder, r#"{"name":"Zahlung","item":[]}"#),
        element(
            "r1",
            Some("f1"),
            Kind::Request,
            r#"{"name":"Récupérer l'ordre","request":{"method":"GET","url":{"raw":"https://api.example.com/orders/{{id}}"},"description":{"content":"Reads one order with all its positions."}}}"#,
        ),
        element(
            "r2",
            Some("f1"),
            Kind::Request,
            r#"{"name":"Order","request":{"method":"POST","url":"https://api.example.com/v2/orders"}}"#,
        ),
    ];
    Index::read(&Index::of(&root, &elements).write().unwrap()).unwrap()
}

fn names(text: &str) -> Vec<String> {
    let index = index();
    let ann = UserId(7);
    let around = Around {
        collection: CollectionId::parse("00000000-0000-7000-8000-000000000001").unwrap(),
        name: "Bestellungen".to_owned(),
        tags: vec!["needs-review".to_owned()],
        owner: ann,
    };
    let authors = HashMap::from([(ann, "ann".to_owned())]);
    let query = Query::parse(text).unwrap();
    let mut found = find(&query, &index, &around, &authors);
    found.sort_by_key(|found| Rank::of(found, &around.collection));
    found.into_iter().map(|found| found.row.id.to_string()).collect()
}

#[test]
fn words_are_found_whatever_their_case_and_accents_and_the_best_first() {
    assert_eq!(names("ORDER"), ["r2", "r1"], "the name itself, then its address");
    assert_eq!(names("recuperer"), ["r1"]);
    assert_eq!(names("auftrage"), ["c1"]);
    assert_eq!(names("zahl"), ["f1"], "what stands in it is not meant");
    assert_eq!(names("zahlung order"), ["r2", "r1"], "but says which is");
    assert_eq!(names("positions"), ["r1"]);
    assert!(names("nothing").is_empty() && names("").is_empty() && names("-order").is_empty());
}

#[test]
fn fields_narrow_it() {
    assert_eq!(names("method:get"), ["r1"]);
    assert_eq!(names("method:get method:POST order"), ["r2", "r1"]);
    assert_eq!(names("url:/v2/"), ["r2"]);
    assert_eq!(names("order -url:v2"), ["r1"]);
    assert_eq!(names("\"reads one\""), ["r1"]);
    assert_eq!(names("tag:needs-review type:collection"), ["c1"]);
    assert_eq!(names("author:an type:request").len(), 2);
    assert!(names("author:bob").is_empty());
    assert_eq!(names("in:zahlung").len(), 2);
    assert_eq!(names("https://api.example.com/v2"), ["r2"], "an address is a word");
}

#[test]
fn the_place_is_shown_as_it_is_written() {
    let index = index();
    let query = Query::parse("RECUPERER").unwrap();
    let row = index.rows.iter().find(|row| row.id.as_str() == "r1").unwrap();
    let spot = spot(&query, &Found { score: 1, spot: Some(Field::Name), row }).unwrap();
    assert_eq!((spot.before.as_str(), spot.text.as_str(), spot.after.as_str()), ("", "Récupérer", " l'ordre"));
}

#[test]
fn what_stood_in_something_that_is_gone_goes_too() {
    let index = index().replaced(2, &HashSet::from([ElementId::parse("f1").unwrap()]), Vec::new());
    assert_eq!((index.seq, index.rows.len()), (2, 1));
}
