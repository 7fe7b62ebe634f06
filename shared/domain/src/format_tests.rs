use super::versions::exported;
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

const V1: &str = r#"{"id":"c1","name":"Old","x-ours":1e400,"order":["r2","gone"],"folders_order":["f1"],
 "folders":[{"id":"f2","name":"Inner","order":[],"folder":"f1"},{"id":"f1","name":"Outer","order":["r1"],"folders_order":["f2"],"k":[1.0]}],
 "requests":[{"id":"r1","folder":"f1","collectionId":"c1","name":"One","url":"http://x/:id?a=1","method":"POST","headers":"A: 1\n// B: 2\n",
   "dataMode":"params","data":[{"key":"k","value":"v","type":"text","enabled":false}],"tests":"one\ntwo","pathVariables":{"id":"7"},
   "currentHelper":"basicAuth","helperAttributes":{"id":"basic","username":"u","password":"p"},"synced":true,
   "responses":[{"id":"s1","name":"OK","responseCode":{"code":200,"name":"OK"},"text":"\ud800","mime":null,"request":{"url":"http://x/1"}}]},
  null,{"id":"r2","name":"Two","url":"http://y","tests":"","rawModeData":"{}","dataMode":"raw","version":2}],"timestamp":1415541588569}"#;

const V20: &str = r#"{"info":{"name":"Two","schema":"https://schema.getpostman.com/json/collection/v2.0.0/collection.json"},
 "auth":{"type":"basic","basic":{"username":"u","password":12345678901234567890}},
 "item":[{"id":"a","name":"A","request":{"url":"http://x/y","auth":{"type":"bearer","bearer":{"token":"t"}},"method":"GET"},
   "response":[{"id":"e","originalRequest":{"url":{"raw":"http://x","host":["x"]}}}]},
  {"id":"b","name":"B","request":"http://z","variable":[{"id":"v","value":1.0}]}]}"#;

/// A file's own differences to what we hand out: the white space.
fn same(one: &str, other: &str) {
    assert_eq!(json::minify(one), json::minify(other));
}

#[test]
fn older_formats_come_back_as_they_were_and_read_as_2_1() {
    for file in [V1, V20] {
        json::check(file, 100).unwrap();
        let parsed = split(file, ids()).unwrap();
        let back = exported(None, &parsed);
        same(file, &back.replace(r#","_postman_id":"c""#, ""));
        // In format 2.1 every element says what it is in the words of 2.1, and nothing of where it came from.
        let whole = exported(Some(Version::V21), &parsed);
        assert!(whole.contains(SCHEMA_V21) && !whole.contains("\"own\"") && !whole.contains("synced"), "{whole}");
        let again = split(&whole, ids()).unwrap();
        assert_eq!(again.origin, None);
        same(&exported(None, &again), &whole);
    }
    let old = split(V1, ids()).unwrap();
    let shown: Vec<_> = old.elements.iter().map(|e| format!("{}:{}", e.id, e.parent.as_ref().map_or("-", ElementId::as_str))).collect();
    assert_eq!(shown, ["f1:-", "f2:f1", "r1:f1", "s1:r1", "r2:-"]);
    same(
        &old.elements[2].json,
        r#"{"name":"One","id":"r1","event":[{"listen":"test","script":{"type":"text/javascript","exec":["one","two"]}}],
        "request":{"auth":{"type":"basic","basic":[{"key":"username","value":"u","type":"string"},{"key":"password","value":"p","type":"string"}]},
        "method":"POST","header":[{"key":"A","value":"1"},{"key":"B","value":"2","disabled":true}],
        "body":{"mode":"formdata","formdata":[{"key":"k","value":"v","type":"text","disabled":true}]},
        "url":{"raw":"http://x/:id?a=1","protocol":"http","host":["x"],"path":[":id"],"query":[{"key":"a","value":"1"}],"variable":[{"key":"id","value":"7"}]}},
        "response":[]}"#,
    );
}

#[test]
fn an_edit_changes_what_it_concerns_in_the_old_format() {
    let mut old = split(V1, ids()).unwrap();
    old.elements[2] = old.elements[2].with_json(json::merge_patch(&old.elements[2].json, r#"{"name":"1","request":{"method":"PUT"}}"#));
    let expected =
        V1.replace(r#""name":"One","url":"http://x/:id?a=1","method":"POST""#, r#""name":"1","url":"http://x/:id?a=1","method":"PUT""#);
    same(&exported(None, &old), &expected);
    // Moved out of its folder: the orders and the folder follow, and what names nothing any more goes.
    old.elements[2].parent = None;
    old.elements[2].order = "zzz".to_owned();
    let expected = expected
        .replace(r#""order":["r2","gone"]"#, r#""order":["r2","r1"]"#)
        .replace(r#""order":["r1"],"folders_order""#, r#""order":[],"folders_order""#)
        .replace(r#"{"id":"r1","folder":"f1""#, r#"{"id":"r1","folder":null"#);
    same(&exported(None, &old), &expected);
    // Deleted, and a new one in its place.
    old.elements.retain(|element| !["r1", "s1"].contains(&element.id.as_str()));
    let new = r#"{"name":"New","request":{"url":"http://n","header":[{"key":"H","value":"\ud800"}]},"response":[]}"#;
    old.elements.push(Element::new("n".parse().unwrap(), Some("f2".parse().unwrap()), Kind::Request, "80".into(), new.into()));
    let out = exported(None, &old);
    let requests = json::entries(json::get(&out, "requests").unwrap());
    assert_eq!(requests.len(), 3, "{out}");
    assert_eq!(requests[0], "null");
    for (key, value) in [("folder", "\"f2\""), ("collectionId", "\"c1\""), ("url", "\"http://n\""), ("headers", r#""H: \ud800""#)] {
        assert_eq!(json::get(requests[2], key), Some(value), "{key}");
    }

    let mut two = split(V20, ids()).unwrap();
    let patch = r#"{"request":{"auth":{"type":"bearer","bearer":[{"key":"token","value":"n"}]}}}"#;
    two.elements[0] = two.elements[0].with_json(json::merge_patch(&two.elements[0].json, patch));
    same(&exported(None, &two).replace(r#","_postman_id":"c""#, ""), &V20.replace(r#""token":"t""#, r#""token":"n""#));
}

#[test]
fn odd_files_of_format_1_are_kept() {
    for text in [
        r#"{"id":"c","name":"","requests":[]}"#,
        r#"{"name":"no order","requests":[{"id":"a"},{"id":"a"},{"name":7},5,null,{}],"folders":null}"#,
        r#"{"order":["a","a","b"],"folders":[{"id":"f","order":["a"]},{"id":"f","order":["a"],"folders_order":["f"]}],"requests":[{"id":"a","folder":"g"}]}"#,
        r#"{"folders":[{"id":"x","folder":"y"},{"id":"y","folder":"x"}],"folders_order":[],"requests":[{"id":"r","url":7,"headers":"\ud800","responses":[1,{"id":"s"},{"id":"s","request":"r"}]}]}"#,
        r#"{"requests":[{"id":"a"}],"requests":[{"id":"","tests":[1],"helperAttributes":"{}","currentHelper":"nobody"}],"collection":1}"#,
    ] {
        let parsed = split(text, ids()).unwrap();
        same(&exported(None, &parsed), text);
        let whole = exported(Some(Version::V21), &parsed);
        json::check(&whole, 100).unwrap();
        assert_eq!(split(&whole, ids()).unwrap().elements.len(), parsed.elements.len(), "{whole}");
    }
}

#[test]
fn a_chain_of_folders_of_format_1() {
    let folders: Vec<String> =
        (0..5_000).map(|n| format!(r#"{{"id":"f{n}","name":"f","order":[],"folders_order":["f{}"]}}"#, n + 1)).collect();
    let text = format!(r#"{{"name":"deep","order":[],"folders_order":["f0"],"folders":[{}],"requests":[]}}"#, folders.join(","));
    let parsed = split(&text, ids()).unwrap();
    assert_eq!(exported(None, &parsed), text);
    assert!(json::check(&exported(Some(Version::V21), &parsed), limit::JSON_DEPTH).is_ok());
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just("\"\"".to_owned()), "[a-z:/?&=.{}# ]{1,12}".prop_map(|text| json::quote(&text)), Just("\"\\ud800\\n\"".to_owned())]
}

prop_compose! {
    fn old_request()(url in word(), name in word(), headers in word(), tests in word(), mode in 0..6_usize, value in word(), extra in word(),
        off in any::<bool>(), helper in 0..4_usize, response in prop::option::of(word())) -> String {
        let mode = ["null", "\"raw\"", "\"params\"", "\"urlencoded\"", "\"binary\"", "\"graphql\""][mode];
        let helper = [r#""normal""#, r#""basicAuth""#, r#""oAuth1""#, "null"][helper];
        let response = response.map_or(String::new(), |text| format!(r#"{{"name":"r","text":{text},"request":{{"url":{text}}},"mime":1.0}}"#));
        format!(r#"{{"name":{name},"url":{url},"headers":{headers},"tests":{tests},"dataMode":{mode},"rawModeData":{value},"data":[{{"key":"k","value":{value},"enabled":{off}}}],
            "currentHelper":{helper},"helperAttributes":{{"id":"x","username":{value}}},"x":{extra},"responses":[{response}]}}"#)
    }
}

proptest! {
    #[test]
    fn any_old_request_comes_back_and_any_edit_is_taken(request in old_request(), name in word(), raw in word()) {
        let text = format!(r#"{{"name":"c","order":[],"requests":[{request}]}}"#);
        let mut parsed = split(&text, ids()).unwrap();
        prop_assert_eq!(json::minify(&exported(None, &parsed)), json::minify(&text));
        let patch = format!(r#"{{"name":{name},"request":{{"method":"PUT","body":{{"mode":"raw","raw":{raw}}}}}}}"#);
        let edited = json::merge_patch(&parsed.elements[0].json, &patch);
        parsed.elements[0] = parsed.elements[0].with_json(edited.clone());
        let out = exported(None, &parsed);
        json::check(&out, 100).unwrap();
        // Read again, the old format says what the edit said; what only it knows is still there.
        let again = split(&out, ids()).unwrap();
        let body = |element: &Element| json::get(json::get(&element.json, "request").unwrap(), "body").and_then(|body| json::get(body, "raw")).map(str::to_owned);
        prop_assert_eq!(body(&again.elements[0]), body(&parsed.elements[0]));
        prop_assert_eq!(&again.elements[0].name, &parsed.elements[0].name);
        prop_assert_eq!(json::get(&out, "requests").map(|list| json::get(json::entries(list)[0], "x")), Some(json::get(&request, "x")));
    }

    #[test]
    fn what_is_of_2_1_goes_through_the_old_formats(request in old_request()) {
        let text = format!(r#"{{"name":"c","order":[],"requests":[{request}]}}"#);
        let new = exported(Some(Version::V21), &split(&text, ids()).unwrap());
        for version in [Version::V1, Version::V20] {
            let old = exported(Some(version), &split(&new, ids()).unwrap());
            let back = exported(Some(Version::V21), &split(&old, ids()).unwrap());
            let (new, back) = (split(&new, ids()).unwrap(), split(&back, ids()).unwrap());
            let part = |parsed: &Parsed, key: &str| json::get(json::get(&parsed.elements[0].json, "request").unwrap(), key).map(json::minify);
            for key in ["method", "header", "auth", "body"] {
                prop_assert_eq!(part(&new, key), part(&back, key), "{}", key);
            }
            prop_assert_eq!(new.elements.len(), back.elements.len());
        }
    }
}
