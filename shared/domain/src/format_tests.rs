use super::*;
use proptest::prelude::*;

fn ids() -> impl FnMut() -> ElementId {
    let mut next = 0;
    move || {
        next += 1;
        format!("new-{next}").parse().unwrap()
    }
}

fn round(text: &str) -> String {
    json::check(text, limit::JSON_DEPTH).unwrap();
    let parsed = split(text, ids()).unwrap();
    join(&parsed.root, &parsed.elements, None)
}

const FILE: &str = r#"{"info":{"name":"Shop","n":1.0,"n":1e3},"x-ours":[1, 2],"item":[
 {"name":"Orders","id":"f1","item":[{"id":"r1","name":"List","request":{"method":"GET","url":{"raw":"http://x/orders"}},
   "response":[{"id":"e1","name":"OK","body":"\ud800"},{"id":"e2"}]},{"name":"Empty","id":"f2","item":[]}],"event":[]},
 {"name":"One","id":"r2","request":"http://one","response":null},
 {"name":"Same","id":"r2","request":{"url":"u"}}],"variable":[{"key":"a"}]}"#;

#[test]
fn a_document_comes_back_as_it_went_in() {
    // Only the id that was there twice is another one.
    let expected = json::minify(FILE).replace(r#"{"name":"Same","id":"r2""#, r#"{"name":"Same","id":"new-1""#);
    assert_eq!(json::minify(&round(FILE)), expected);
}

#[test]
fn elements_have_their_parents_kinds_and_names() {
    let parsed = split(FILE, ids()).unwrap();
    let shown: Vec<_> = parsed
        .elements
        .iter()
        .map(|e| format!("{} {} {} {}", e.id, e.kind.as_str(), e.parent.as_ref().map_or("-", ElementId::as_str), e.name))
        .collect();
    assert_eq!(
        shown,
        [
            "f1 folder - Orders",
            "r1 request f1 List",
            "e1 response r1 OK",
            "e2 response r1 ",
            "f2 folder f1 Empty",
            "r2 request - One",
            "new-1 request - Same"
        ]
    );
    assert_eq!(parsed.elements[1].url.as_deref(), Some("http://x/orders"));
    assert_eq!(parsed.elements[5].url.as_deref(), Some("http://one"));
    assert_eq!(parsed.elements[5].method.as_deref(), Some("GET"));
    assert_eq!(parsed.name, "Shop");
}

#[test]
fn odd_arrays_are_kept() {
    for text in [
        r#"{"info":{},"item":[null,{"id":"a"}]}"#,
        r#"{"info":{},"item":[{"id":"a"},null,7,"x"]}"#,
        r#"{"info":{},"item":{"id":"a"}}"#,
        r#"{"info":{},"item":[{"id":"a","item":[{"id":"b"}],"item":[{"id":"c"}]}]}"#,
        r#"{"item":[],"info":{"name":""}}"#,
        r#"{"info":{},"response":[{"id":"a"}],"item":[{"id":"b","response":[{"id":"c","item":[{"x":1}]}]}]}"#,
    ] {
        assert_eq!(round(text), text, "{text}");
    }
}

#[test]
fn a_wrapped_document_is_taken_out() {
    let wrapped = r#"{"collection":{"info":{"name":"W"},"item":[]}}"#;
    assert_eq!(round(wrapped), r#"{"info":{"name":"W"},"item":[]}"#);
    assert!(split("[]", ids()).is_err());
    assert!(split(r#"{"requests":[]}"#, ids()).unwrap_err().0.contains("format 1"));
}

#[test]
fn five_thousand_folders_deep() {
    let text = r#"{"info":{},"item":["#.to_owned()
        + &r#"{"id":"N","name":"f","item":["#.repeat(5_000).split_inclusive("item\":[").enumerate().map(|(i, f)| f.replace('N', &i.to_string())).collect::<String>()
        + &"]}".repeat(5_001);
    assert_eq!(round(&text), text);
}

#[test]
fn orphans_are_left_out() {
    let mut parsed = split(FILE, ids()).unwrap();
    parsed.elements.retain(|element| element.id.as_str() != "f1");
    assert!(!join(&parsed.root, &parsed.elements, None).contains("List"));
}

#[test]
fn children_are_added_where_the_json_has_no_array_for_them() {
    let mut parsed = split(r#"{"info":{},"item":[{"id":"r"}]}"#, ids()).unwrap();
    let response = Element::new("e".parse().unwrap(), Some("r".parse().unwrap()), Kind::Response, "80".into(), r#"{"name":"n"}"#.into());
    parsed.elements.push(response);
    assert_eq!(join(&parsed.root, &parsed.elements, None), r#"{"info":{},"item":[{"id":"r","response":[{"name":"n","id":"e"}]}]}"#);
}

#[test]
fn an_item_is_split_under_its_parent() {
    let parent: ElementId = "p".parse().unwrap();
    let all = split_item(r#"{"name":"F","item":[{"id":"x","request":{}}]}"#, Some(&parent), None, ids()).unwrap();
    assert_eq!(all[0].parent.as_ref(), Some(&parent));
    assert_eq!(all[1].parent.as_ref(), Some(&all[0].id));
    assert_eq!(brings_children(&all[0].json), None);
    assert_eq!(brings_children(r#"{"item":[{}]}"#), Some("item"));
}

#[test]
fn the_server_names_the_collection() {
    let parsed = split(r#"{"info":{"_postman_id":"old","uid":"1-old","name":"n"},"item":[]}"#, ids()).unwrap();
    let id: CollectionId = "c".parse().unwrap();
    assert_eq!(join(&parsed.root, &[], Some((&id, UserId(7)))), r#"{"info":{"_postman_id":"c","uid":"7-c","name":"n"},"item":[]}"#);
}

fn item() -> impl Strategy<Value = String> {
    let request = ("[a-z\\\\\"]{0,3}", 0..3_usize).prop_map(|(name, examples)| {
        let examples: Vec<String> = (0..examples).map(|_| r#"{"body":"[{\"item\":1}]"}"#.to_owned()).collect();
        format!(r#"{{"name":{},"response":[{}]}}"#, json::quote(&name), examples.join(","))
    });
    request.prop_recursive(5, 40, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|items| format!(r#"{{"item" : [ {} ], "k":1.50}}"#, items.join(" , ")))
    })
}

proptest! {
    #[test]
    fn any_tree_comes_back(items in prop::collection::vec(item(), 0..5)) {
        let text = format!(r#"{{"info":{{}},"item":[{}]}}"#, items.join(","));
        let parsed = split(&text, ids()).unwrap();
        let mut shuffled = parsed.elements.clone();
        shuffled.reverse();
        let back = join(&parsed.root, &shuffled, None);
        // Server ids are the only difference: take them out again.
        let plain: String = parsed.elements.iter().fold(back, |text, e| text.replace(&format!(",\"id\":\"{}\"", e.id), ""));
        prop_assert_eq!(json::minify(&plain), json::minify(&text));
    }
}
