//! HTTP archives (HAR 1.2): each entry a request with its answer as a saved response, each page a folder.

use domain::Rejected;

use crate::Node;
use crate::model::{Collection, Item, Param, Request, example, file_field, folder, form, raw, text_field};
use crate::report::Report;

pub(crate) fn is_one(document: &Node) -> bool {
    document.get("log").is_some_and(|log| log.get("entries").is_some())
}

fn pairs(list: &[Node]) -> Vec<Param> {
    let named =
        list.iter().filter_map(|entry| Some(Param::new(entry.text("name")?, entry.get("value").map(Node::shown).unwrap_or_default())));
    // HTTP/2 has pseudo headers, which belong to no request that somebody writes.
    named.filter(|param| !param.key.starts_with(':')).collect()
}

pub(crate) fn read(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let empty = Node::Null;
    let log = document.get("log").unwrap_or(&empty);
    let mut pages: Vec<(&str, &str, Vec<Node>)> =
        log.list("pages").iter().filter_map(|page| Some((page.text("id")?, page.text("title").unwrap_or("Page"), Vec::new()))).collect();
    let mut items = Vec::new();
    for entry in log.list("entries") {
        let Some(given) = entry.get("request") else {
            report.left("an entry without a request");
            continue;
        };
        let item = item(given, entry, report).node();
        match entry.text("pageref").and_then(|page| pages.iter_mut().find(|(id, _, _)| *id == page)) {
            Some((_, _, list)) => list.push(item),
            None => items.push(item),
        }
    }
    let folders = pages.into_iter().filter(|(_, _, list)| !list.is_empty()).map(|(_, title, list)| folder(title, "", list));
    let items: Vec<Node> = folders.chain(items).collect();
    if items.is_empty() {
        return Err(Rejected::because("this HTTP archive has no entries"));
    }
    for kind in ["timings", "cache", "serverIPAddress"] {
        if log.list("entries").iter().any(|entry| entry.get(kind).is_some()) {
            report.left(kind);
        }
    }
    let creator = log.get("creator").and_then(|creator| creator.text("name")).unwrap_or_default();
    let name = if creator.is_empty() { "HTTP archive".to_owned() } else { format!("HTTP archive of {creator}") };
    let description = log.text("comment").unwrap_or_default().to_owned();
    Ok(vec![Collection { name, description, items, ..Collection::default() }.node()])
}

fn item(given: &Node, entry: &Node, report: &mut Report) -> Item {
    let url = given.text("url").unwrap_or_default();
    let mut request = Request {
        method: given.text("method").unwrap_or("GET").to_owned(),
        url: url.to_owned(),
        headers: pairs(given.list("headers")),
        description: entry.text("comment").unwrap_or_default().to_owned(),
        ..Request::default()
    };
    // The query stands in the URL; where it does not, it is added.
    if !url.contains('?') {
        request.query = pairs(given.list("queryString"));
    }
    if let Some(cookies) = Some(pairs(given.list("cookies"))).filter(|cookies| !cookies.is_empty() && !request.has_header("cookie")) {
        let all: Vec<String> = cookies.iter().map(|cookie| format!("{}={}", cookie.key, cookie.value)).collect();
        request.headers.push(Param::new("Cookie", all.join("; ")));
    }
    if let Some(data) = given.get("postData") {
        let media = data.text("mimeType").unwrap_or_default();
        let text = data.text("text").unwrap_or_default();
        let fields = data.list("params");
        let field =
            |field: &Node| Param::new(field.text("name").unwrap_or_default(), field.get("value").map(Node::shown).unwrap_or_default());
        request.body = Some(match media {
            _ if media.starts_with("multipart/") && !fields.is_empty() => {
                if fields.iter().any(|field| field.text("fileName").is_some()) {
                    report.changed("files in forms: only their names came over");
                }
                let fields = fields.iter().map(|one| match one.text("fileName") {
                    Some(file) => file_field(&Param { value: file.to_owned(), ..field(one) }),
                    None => text_field(&field(one)),
                });
                form("formdata", fields.collect())
            }
            _ if media.starts_with("application/x-www-form-urlencoded") && !fields.is_empty() => {
                form("urlencoded", fields.iter().map(|one| text_field(&field(one))).collect())
            }
            _ if media.starts_with("application/x-www-form-urlencoded") => {
                let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
                let plain = crate::curl::plain;
                form("urlencoded", pairs.map(|(key, value)| text_field(&Param::new(plain(key), plain(value)))).collect())
            }
            _ => raw(text, media),
        });
        if !media.is_empty() && !request.has_header("content-type") && !media.starts_with("multipart/") {
            request.headers.push(Param::new("Content-Type", media));
        }
    }
    let path = domain::format::url::Url::parse(url).path.map_or_else(String::new, |path| path.join("/"));
    let mut item = Item { name: format!("{} /{path}", request.method), request, ..Item::default() };
    if let Some(answer) = entry.get("response").filter(|answer| answer.get("status").is_some()) {
        let code = answer.get("status").and_then(|code| code.shown().parse().ok()).filter(|code| *code > 0);
        let content = answer.get("content");
        let encoded = content.and_then(|content| content.text("encoding")).is_some_and(|encoding| encoding == "base64");
        if encoded {
            report.left("bodies of answers that are not text");
        }
        let body = content.and_then(|content| content.text("text")).filter(|_| !encoded).map(str::to_owned);
        let name = answer.text("statusText").filter(|text| !text.is_empty()).unwrap_or("Answer").to_owned();
        if code.is_some() {
            item.examples.push(example(&name, &item.request, code, &pairs(answer.list("headers")), body));
        }
    }
    item
}
