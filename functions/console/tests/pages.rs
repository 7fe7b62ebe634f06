//! Each page is rendered with names that would be code on a page that does not escape them.

mod samples;

use samples::{HOSTILE, pages};

/// The opening tags of a page: what stands between `<` and `>`.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)).filter(|tag| !tag.starts_with(['/', '!']))
}

/// A tag without the values of its attributes.
fn bare(tag: &str) -> String {
    tag.split('"').step_by(2).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[test]
fn hostile_names_are_text() {
    for (page, html) in pages(HOSTILE) {
        assert!(!html.contains("<script>") && !html.contains("<img src=x"), "{page} lets a tag through");
        assert_eq!(html.matches("<script").count(), 1, "{page} has one script, the module");
        for tag in tags(&html) {
            assert!(!bare(tag).contains(" on"), "{page}: {tag}");
        }
    }
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    for (page, html) in pages("Harbour Payments") {
        for tag in tags(&html) {
            assert!(attribute(tag, "style").is_none() && !bare(tag).contains(" on"), "{page}: {tag}");
            for place in ["src", "href", "action"] {
                let Some(url) = attribute(tag, place) else { continue };
                // What people link to from their profiles leads elsewhere, and says so.
                if place == "href" && attribute(tag, "rel") == Some("nofollow noopener noreferrer ugc") {
                    continue;
                }
                assert!(url.starts_with('/') && !url.starts_with("//") || url.starts_with('#'), "{page}: {tag}");
            }
        }
    }
    for file in ["console.css", "console.js"] {
        let (asset, _) = console::assets::find(file).expect("it is there");
        let text = std::str::from_utf8(asset.bytes).expect("it is text");
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("@import"), "{file}");
    }
}

#[test]
fn labels_and_ids_belong_together() {
    for (page, html) in pages("Harbour Payments") {
        let ids: Vec<&str> = tags(&html).filter_map(|tag| attribute(tag, "id")).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{page} has an id twice: {ids:?}");
        for tag in tags(&html) {
            for reference in ["for", "aria-labelledby", "aria-describedby", "list"] {
                if let Some(id) = attribute(tag, reference) {
                    assert!(ids.contains(&id), "{page}: {tag}");
                }
            }
        }
        for field in tags(&html).filter(|tag| tag.starts_with("input ") || tag.starts_with("select ") || tag.starts_with("textarea ")) {
            let hidden = attribute(field, "type") == Some("hidden");
            let labelled = attribute(field, "id").is_some_and(|id| html.contains(&format!("for=\"{id}\"")));
            assert!(hidden || labelled, "{page}: a field without a label: {field}");
        }
    }
}

#[test]
fn forms_never_put_what_they_hold_into_an_address() {
    for (page, html) in pages("Harbour Payments") {
        for form in tags(&html).filter(|tag| *tag == "form" || tag.starts_with("form ")) {
            let method = attribute(form, "method");
            // What a filter holds is no secret, and reading works without JavaScript.
            let filter = form.contains(" data-filter") && method == Some("get");
            assert!(filter || matches!(method, Some("post" | "dialog")), "{page}: {form}");
            if let Some(api) = attribute(form, "data-api") {
                let (verb, path) = api.split_once(' ').expect("a method and a path");
                assert!(["POST", "PUT", "PATCH", "DELETE"].contains(&verb) && path.starts_with("/api/"), "{page}: {form}");
            }
        }
    }
}

#[test]
fn a_tree_opens_and_closes_each_folder() {
    let html = &pages("Harbour Payments").into_iter().find(|(page, _)| *page == "collection").expect("the page").1;
    assert_eq!(html.matches("<details").count(), html.matches("</details>").count());
    assert_eq!(html.matches("<ul").count(), html.matches("</ul>").count());
    let order: Vec<usize> =
        ["List orders", "Refunds", "Take a refund back", "Customers", "Health"].iter().filter_map(|name| html.find(name)).collect();
    assert!(order.len() == 5 && order.is_sorted(), "{order:?}");
}

#[test]
fn assets_change_their_name_with_their_content() {
    for path in [console::assets::css(), console::assets::js(), console::assets::icon()] {
        let name = path.strip_prefix("/assets/").expect("under /assets");
        assert!(console::assets::find(name).is_some_and(|(_, hashed)| hashed));
    }
    assert!(console::assets::find("console-0000000000000000.css").is_none());
    assert!(console::assets::find("../src/lib.rs").is_none());
}
