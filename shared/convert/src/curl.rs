//! Command lines of cURL, as a shell reads them.

use domain::Rejected;

use crate::Node;
use crate::model::{Collection, Item, Param, Request, auth, file_field, form, raw, text_field};
use crate::report::Report;

/// Whether a text starts with a call of cURL.
pub(crate) fn is_one(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let first = first.strip_prefix("$ ").unwrap_or(first);
    first.split_whitespace().next().is_some_and(|word| word == "curl" || word.ends_with("/curl"))
}

/// Reads one command or many.
pub(crate) fn read(text: &str, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let mut items = Vec::new();
    for words in commands(text)? {
        let mut words = words.into_iter().peekable();
        if words.peek().is_some_and(|word| word == "$") {
            words.next();
        }
        match words.next() {
            Some(word) if word == "curl" || word.ends_with("/curl") => items.push(command(words, report)?.node()),
            Some(other) => report.left(format!("the command {other}")),
            None => (),
        }
    }
    let name = match items.as_slice() {
        [one] => one.text("name").unwrap_or("cURL").to_owned(),
        _ => "cURL".to_owned(),
    };
    Ok(vec![Collection { name, items, ..Collection::default() }.node()])
}

/// The words of each command: quotes, escapes and continued lines as in Bash.
fn commands(text: &str) -> Result<Vec<Vec<String>>, Rejected> {
    let (mut all, mut words) = (Vec::new(), Vec::new());
    let mut word: Option<String> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('\n') | None => (),
                Some('\r') => drop(rest.next_if_eq(&'\n')),
                Some(other) => word.get_or_insert_default().push(other),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('\'') => break,
                        Some(other) => word.push(other),
                        None => return Err(Rejected::because("a ' is not closed")),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\\') => match rest.next() {
                            Some('\n') | None => (),
                            Some(other @ ('"' | '\\' | '$' | '`')) => word.push(other),
                            Some(other) => word.extend(['\\', other]),
                        },
                        Some(other) => word.push(other),
                        None => return Err(Rejected::because("a \" is not closed")),
                    }
                }
            }
            '$' if rest.peek() == Some(&'\'') => {
                rest.next();
                ansi(&mut rest, word.get_or_insert_default())?;
            }
            '#' if word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            '\n' | ';' | '|' | '&' => {
                words.extend(word.take());
                if !words.is_empty() {
                    all.push(std::mem::take(&mut words));
                }
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if !words.is_empty() {
        all.push(words);
    }
    Ok(all)
}

/// What stands in `$'…'`.
fn ansi(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) -> Result<(), Rejected> {
    loop {
        match rest.next() {
            Some('\'') => return Ok(()),
            Some('\\') => match rest.next() {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some(kind @ ('u' | 'x')) => {
                    let most = if kind == 'u' { 4 } else { 2 };
                    let mut code = String::new();
                    while code.len() < most
                        && let Some(digit) = rest.next_if(char::is_ascii_hexdigit)
                    {
                        code.push(digit);
                    }
                    word.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                }
                Some(other) => word.push(other),
                None => return Err(Rejected::because("a ' is not closed")),
            },
            Some(other) => word.push(other),
            None => return Err(Rejected::because("a ' is not closed")),
        }
    }
}

/// Options that take a value and say nothing about the request.
const WITH_VALUE: &[&str] = &[
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-x",
    "--proxy",
    "--cacert",
    "--capath",
    "-E",
    "--cert",
    "--key",
    "-w",
    "--write-out",
    "-c",
    "--cookie-jar",
    "--retry",
    "--resolve",
    "-D",
    "--dump-header",
    "-U",
    "--proxy-user",
    "--limit-rate",
    "--max-redirs",
    "-y",
    "-Y",
    "-r",
    "--range",
    "-T",
    "--upload-file",
    "--interface",
    "--ciphers",
    "--tls-max",
    "-K",
    "--config",
    "--cert-type",
    "-C",
];
/// Options of one letter that take a value, for `-XPOST` and the like.
const LETTERS: &str = "XHdFuAebomxEwcDUyYrTKC";

fn command(words: impl Iterator<Item = String>, report: &mut Report) -> Result<Item, Rejected> {
    let mut request = Request::default();
    let (mut data, mut fields, mut urls): (Vec<String>, Vec<Node>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
    let (mut get, mut head, mut json) = (false, false, false);
    let mut words = words;
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" {
            urls.push(word);
            continue;
        }
        let (option, joined) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option.to_owned(), Some(value.to_owned())),
            _ if !word.starts_with("--") && word.len() > 2 && word[1..].starts_with(|c| LETTERS.contains(c)) => {
                (word[..2].to_owned(), Some(word[2..].to_owned()))
            }
            _ => (word, None),
        };
        let mut value = || joined.clone().or_else(|| words.next()).ok_or_else(|| Rejected::because(format!("{option} has no value")));
        match option.as_str() {
            "-X" | "--request" => request.method = value()?,
            "--url" => urls.push(value()?),
            "-H" | "--header" => {
                let line = value()?;
                let (key, text) = line.split_once(':').unwrap_or((line.trim_end_matches(';'), ""));
                request.headers.push(Param::new(key.trim(), text.trim()));
            }
            "-A" | "--user-agent" => request.headers.push(Param::new("User-Agent", value()?)),
            "-e" | "--referer" => request.headers.push(Param::new("Referer", value()?)),
            "-b" | "--cookie" => request.headers.push(Param::new("Cookie", value()?)),
            "-u" | "--user" => {
                let pair = value()?;
                let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
                request.auth = Some(auth("basic", &[("username", user), ("password", password)]));
            }
            "--oauth2-bearer" => request.auth = Some(auth("bearer", &[("token", &value()?)])),
            "-d" | "--data" | "--data-ascii" | "--data-raw" | "--data-binary" | "--data-urlencode" => {
                let text = value()?;
                if text.starts_with('@') && option != "--data-raw" {
                    report.changed(format!("the file {} as the body: choose it again", &text[1..]));
                }
                data.push(text);
            }
            "--json" => {
                json = true;
                data.push(value()?);
            }
            "-F" | "--form" | "--form-string" => {
                let field = value()?;
                let (key, text) = field.split_once('=').unwrap_or((&field, ""));
                let file = text.strip_prefix('@').or_else(|| text.strip_prefix('<')).filter(|_| option != "--form-string");
                fields.push(match file {
                    Some(path) => file_field(&Param::new(key, path.split(';').next().unwrap_or_default())),
                    None => text_field(&Param::new(key, text)),
                });
            }
            "-G" | "--get" => get = true,
            "-I" | "--head" => head = true,
            known if WITH_VALUE.contains(&known) => {
                value()?;
                report.left(format!("the option {known}"));
            }
            "-L" | "--location" | "--compressed" | "-s" | "--silent" | "-S" | "-v" | "--verbose" | "-i" | "--include" | "-f" | "--fail"
            | "-g" => (),
            other => report.left(format!("the option {other}")),
        }
    }
    let url = urls.first().cloned().ok_or_else(|| Rejected::because("a curl command names no URL"))?;
    if urls.len() > 1 {
        report.left("the second URL of a command");
    }
    request.url = if url.contains("://") || url.starts_with("{{") { url } else { format!("http://{url}") };
    let media = request
        .headers
        .iter()
        .find(|header| header.key.eq_ignore_ascii_case("content-type"))
        .map(|header| header.value.to_ascii_lowercase());
    let joined = data.join("&");
    let sends = !fields.is_empty() || !data.is_empty();
    if get && !data.is_empty() {
        request.url.push(if request.url.contains('?') { '&' } else { '?' });
        request.url.push_str(&joined);
    } else if !fields.is_empty() {
        request.body = Some(form("formdata", fields));
    } else if json {
        for (key, value) in [("Content-Type", "application/json"), ("Accept", "application/json")] {
            if !request.has_header(key) {
                request.headers.push(Param::new(key, value));
            }
        }
        request.body = Some(raw(data.concat(), "json"));
    } else if !data.is_empty() {
        let form_like = media.as_deref().is_none_or(|media| media.starts_with("application/x-www-form-urlencoded"))
            && !joined.trim_start().starts_with(['{', '[', '<', '@']);
        request.body = Some(if form_like {
            let pairs = joined.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            form("urlencoded", pairs.map(|(key, value)| text_field(&Param::new(plain(key), plain(value)))).collect())
        } else {
            raw(joined, media.as_deref().unwrap_or_default())
        });
        if media.is_none() && !form_like {
            request.headers.push(Param::new("Content-Type", "application/x-www-form-urlencoded"));
        }
    }
    if request.method.is_empty() {
        request.method = match () {
            () if head => "HEAD",
            () if sends && !get => "POST",
            () => "GET",
        }
        .to_owned();
    }
    Ok(Item { name: request.url.clone(), request, ..Item::default() })
}

/// A form's text without its escapes.
pub(crate) fn plain(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |at: &mut std::str::Bytes<'_>| {
            let code = [at.next()?, at.next()?];
            u8::from_str_radix(std::str::from_utf8(&code).ok()?, 16).ok()
        };
        let mut ahead = bytes.clone();
        match byte {
            b'+' => out.push(b' '),
            b'%' => match hex(&mut ahead) {
                Some(byte) => {
                    out.push(byte);
                    bytes = ahead;
                }
                None => out.push(b'%'),
            },
            other => out.push(other),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}
