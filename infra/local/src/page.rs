//! The outbox as a page: the newest mails first, their HTML in a frame that can run nothing, their links to follow.

use crate::outbox::Mail;
use std::fmt::Write;
use std::sync::Arc;

const FRAME: &str = include_str!("outbox.html");
/// Mails that the page shows; `/_local/outbox.json` has them all.
const SHOWN: usize = 200;

/// The page. `nonce` is what its script may run by.
pub fn outbox(mails: &[Arc<Mail>], nonce: &str) -> String {
    let mut list = String::new();
    for (place, mail) in mails.iter().rev().take(SHOWN).enumerate() {
        show(&mut list, mail, place == 0);
    }
    if mails.is_empty() {
        list.push_str("<p class=\"empty\">No mail yet. Sign up, or invite someone.</p>");
    }
    FRAME
        .replace("{{nonce}}", nonce)
        .replace("{{count}}", &mails.len().to_string())
        // Last: what stands in a mail is not replaced any more.
        .replace("{{mails}}", &list)
}

fn show(list: &mut String, mail: &Mail, open: bool) {
    let (subject, to) = (escape(&mail.subject), escape(&mail.to.join(", ")));
    let (id, open) = (escape(&mail.id), if open { " open" } else { "" });
    let at = mail.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let body = if mail.html.is_empty() {
        format!("<pre>{}</pre>", escape(&mail.text))
    } else {
        // Links open in a tab of their own, outside the sandbox; scripts, forms and the page itself stay out of reach.
        let html = escape(&format!("<base target=\"_blank\">{}", mail.html));
        format!(
            "<iframe title=\"{subject}\" loading=\"lazy\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" \
             referrerpolicy=\"no-referrer\" srcdoc=\"{html}\"></iframe>"
        )
    };
    let mut links = String::new();
    for link in links_of(&mail.text) {
        let link = escape(link);
        push(&mut links, format_args!("<a href=\"{link}\" rel=\"noreferrer\">{link}</a>"));
    }
    if !links.is_empty() {
        links = format!("<nav aria-label=\"Links\">{links}</nav>");
    }
    let from = escape(&mail.from);
    push(
        list,
        format_args!(
            "<details id=\"m{id}\"{open}><summary><b>{subject}</b><time>{at}</time><span>to {to}</span></summary>\
             {body}{links}<dl><dt>From</dt><dd>{from}</dd><dt>Message</dt><dd>{id}</dd></dl></details>"
        ),
    );
}

/// The web addresses in a text, each once.
fn links_of(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    for word in text.split(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"')) {
        let start = word.find("https://").or_else(|| word.find("http://"));
        if let Some(link) = start.map(|start| word[start..].trim_end_matches(['.', ',', ')', ';', ']', '!']))
            && !links.contains(&link)
        {
            links.push(link);
        }
    }
    links
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    text.write_fmt(more).unwrap_or_default();
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn mail(id: &str, subject: &str, text: &str, html: &str) -> Arc<Mail> {
        Arc::new(Mail {
            id: id.into(),
            at: "2026-03-01T09:00:00Z".parse().unwrap(),
            from: "a@example.com".into(),
            to: vec!["b@example.com".into()],
            subject: subject.into(),
            text: text.into(),
            html: html.into(),
            headers: BTreeMap::new(),
        })
    }

    #[test]
    fn newest_first_and_nothing_in_a_mail_gets_out_of_it() {
        let page =
            outbox(&[mail("1", "first", "see http://x/a.", ""), mail("2", "<script>", "{{nonce}}", "<b \"onload='x'>{{count}}")], "N0");
        assert!(page.find("m2").unwrap() < page.find("m1").unwrap());
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
        assert!(page.contains("srcdoc=\"&lt;base target=&quot;_blank&quot;&gt;&lt;b &quot;onload=&#39;x&#39;&gt;{{count}}\""));
        assert!(page.contains("<a href=\"http://x/a\""));
        assert!(page.contains("<script nonce=\"N0\">"));
    }

    #[test]
    fn links_are_found_once_and_without_the_full_stop() {
        let text = "Go to https://x/invite/abc-D_1. Or (http://y/z?a=1&b=2), or <https://x/invite/abc-D_1>!";
        assert_eq!(links_of(text), ["https://x/invite/abc-D_1", "http://y/z?a=1&b=2"]);
    }
}
