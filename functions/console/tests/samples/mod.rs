//! One of each page, with invented people, for the tests and for looking at it (`cargo run -p console --example gallery`).

use askama::Template;
use console::views::*;
use jiff::Timestamp;

/// A name that would be a script on a page that does not escape it.
pub const HOSTILE: &str = r#""><script>alert('x')</script>&lt;<img src=x onerror=alert(1)>"#;

pub fn at(text: &str) -> Moment {
    Moment(text.parse::<Timestamp>().expect("a time"))
}

pub fn link(name: &str) -> TeamLink {
    TeamLink {
        id: "184467440737".into(),
        name: name.into(),
        handle: "harbour-payments".into(),
        library: "w1".into(),
        logo: Some("/api/teams/184467440737/logo?v=ab".into()),
        role: "admin".into(),
    }
}

pub fn viewer() -> Viewer {
    Viewer { id: "7".into(), session: "s1".into(), username: "mira".into(), email: "mira@example.com".into() }
}

pub fn inside(name: &str, section: &'static str) -> Frame {
    let other = TeamLink {
        id: "2".into(),
        name: "Lighthouse Labs".into(),
        handle: "lighthouse".into(),
        library: "w2".into(),
        logo: None,
        role: "viewer".into(),
    };
    Frame {
        viewer: Some(viewer()),
        teams: vec![link(name), other],
        team: Some(link(name)),
        section,
        unread: 3,
        news: true,
        way: Vec::new(),
    }
}

/// The frame of a page that stands in a collection of a workspace.
fn in_collection(name: &str) -> Frame {
    inside(name, "library").under(name, "/teams/1/workspaces").under(name, "/workspaces/w1").under(name, "/collections/c1").under(name, "")
}

pub fn note(name: &str, account_exists: bool) -> Note {
    Note {
        token: "abc.def-123".into(),
        team: name.into(),
        role: "editor".into(),
        email: "oskar@example.com".into(),
        inviter: "mira".into(),
        expires: at("2026-12-05T12:00:00Z"),
        account_exists,
        bound: false,
        sso: None,
    }
}

pub fn collection(id: &str, name: &str) -> Collection {
    Collection {
        id: id.into(),
        name: name.into(),
        facts: vec!["38 items".into()],
        seq: 12,
        changed: at("2026-11-21T20:58:00Z"),
        changed_by: Some("oskar".into()),
        subscribed: true,
        file_name: "orders.postman_collection.json".into(),
        tags: vec!["needs-review".into(), "v2".into()],
        starred: id == "c1",
    }
}

fn node(id: &str, parent: Option<&str>, kind: &'static str, name: &str, method: &str, url: &str) -> Node {
    Node {
        id: id.into(),
        parent: parent.map(Into::into),
        kind,
        order: id.into(),
        name: name.into(),
        method: method.into(),
        url: url.into(),
        revision: 3,
    }
}

pub fn tree(name: &str) -> Vec<Step> {
    flatten(vec![
        node("a", None, "folder", "Orders", "", ""),
        node("a1", Some("a"), "request", "List orders", "GET", "{{base}}/v2/orders?limit=50&cursor={{cursor}}"),
        node("a1x", Some("a1"), "response", "First page", "", ""),
        node("a1y", Some("a1"), "response", "Empty", "", ""),
        node("a2", Some("a"), "request", name, "POST", "{{base}}/v2/orders"),
        node("a3", Some("a"), "request", "Update an order", "PATCH", "{{base}}/v2/orders/:id"),
        node("a4", Some("a"), "folder", "Refunds", "", ""),
        node(
            "a41",
            Some("a4"),
            "request",
            "Refund an order in full or in part, with a reason that the customer can read",
            "POST",
            "{{base}}/v2/orders/:id/refunds",
        ),
        node("a42", Some("a4"), "request", "Take a refund back", "DELETE", "{{base}}/v2/refunds/:id"),
        node("b", None, "folder", "Customers", "", ""),
        node("b1", Some("b"), "request", "Replace a customer", "PUT", "{{base}}/v2/customers/:id"),
        node("b2", Some("b"), "request", "Check that a customer exists", "HEAD", "{{base}}/v2/customers/:id"),
        node("b3", Some("b"), "request", "Empty the cache", "PURGE", "{{base}}/v2/customers"),
        node("c", None, "folder", "Drafts", "", ""),
        node("d", None, "request", "Health", "GET", "{{base}}/health"),
    ])
}

pub fn entries(name: &str) -> Vec<Entry> {
    let entry = |id: &str, at_text: &str, actor: &str, verb, item: Option<EntryItem>, count, note: &str| Entry {
        id: id.into(),
        seq: 12,
        at: at(at_text),
        actor: actor.into(),
        verb,
        item,
        collection_id: "c1".into(),
        collection: "Orders API".into(),
        count,
        note: note.into(),
    };
    let item = |kind, name: &str, here| {
        let page = if here { "/collections/c1/items/a1".into() } else { String::new() };
        Some(EntryItem { page, kind, name: name.into() })
    };
    vec![
        entry("1", "2026-11-21T21:20:00Z", "oskar", "changed", item("request", "Update an order", true), 3, "URL, headers"),
        entry("2", "2026-11-21T20:58:00Z", name, "added", item("request", name, true), 1, ""),
        entry("3", "2026-11-21T09:12:00Z", "ines", "moved", item("folder", "Refunds", true), 1, ""),
        entry("4", "2026-11-20T17:40:00Z", "mira", "deleted", item("request", "Old health check", false), 1, ""),
        entry("5", "2026-11-20T17:02:00Z", "mira", "imported", None, 1, "38 new"),
    ]
}

const ITEM: &str = r##"{"name":"Update an order","request":{"method":"PATCH","header":[{"key":"Content-Type","value":"application/json"},{"key":"If-Match","value":"{{etag}}","description":"The revision you read"},{"key":"X-Debug","value":"1","disabled":true}],"auth":{"type":"bearer","bearer":[{"key":"token","value":"{{token}}","type":"string"}]},"body":{"mode":"raw","raw":"{\n  \"note\": \"leave at the door\",\n  \"total\": 12.50\n}","options":{"raw":{"language":"json"}}},"url":{"raw":"{{base}}/v2/orders/:id?notify=true","host":["{{base}}"],"path":["v2","orders",":id"],"query":[{"key":"notify","value":"true"}],"variable":[{"key":"id","value":"1042","description":"The order's number"}]},"description":"Changes what is sent and leaves the rest.\n\nNeeds the scope orders:write."},"event":[{"listen":"test","script":{"type":"text/javascript","exec":["pm.test(\"it worked\", () => {","  pm.response.to.have.status(200);","});"]}}],"response":[]}"##;

pub fn request(name: &str) -> Request {
    let own = ITEM.replace("\"Update an order\"", &domain::json::quote(name));
    let mut item = Item::read("request", "a3".into(), 12, &own);
    item.examples = vec![
        Example::read(
            "x1".into(),
            4,
            r#"{"name":"It worked","status":"OK","code":200,"body":"{\n  \"id\": 1042,\n  \"note\": \"leave at the door\"\n}"}"#,
        ),
        Example::read("x2".into(), 4, r#"{"name":"Somebody was faster","status":"Precondition Failed","code":412,"body":""}"#),
    ];
    Request {
        frame: inside("Harbour Payments", "library"),
        collection: collection("c1", "Orders API"),
        request: item,
        subscription: Some("daily"),
        comments: comments(name),
        may_edit: true,
    }
}

/// Two threads: one with an answer, one resolved.
fn comments(name: &str) -> Comments {
    let comment = |id: &str, own: bool| Comment {
        id: id.into(),
        author: if own { "ann".into() } else { name.into() },
        at: at("2026-11-21T08:00:00Z"),
        edited: own,
        body: format!("@ann, is this the header that {name} means?"),
        pieces: vec![
            Piece { name: true, text: "@ann".into() },
            Piece { name: false, text: format!(", is this the header that {name} means?\nIt was another one last week.") },
        ],
        may_edit: own,
        may_delete: own,
        revision: 1,
    };
    Comments {
        what: "request",
        api: "/api/collections/c1/requests/a3/comments".into(),
        threads: vec![
            Thread { id: "1".into(), resolved: false, comments: vec![comment("1", false), comment("2", true)] },
            Thread { id: "3".into(), resolved: true, comments: vec![comment("3", false)] },
        ],
        older: Some("/collections/c1/items/a3?comments=x#comments".into()),
        past: false,
        may_comment: true,
    }
}

fn notifications(name: &str) -> Notifications {
    let notice = |id: &str, read| Notice {
        id: id.into(),
        seq: 1,
        at: at("2026-11-21T08:00:00Z"),
        category: "changes",
        text: format!("ann changed the request “{name}” in Orders API"),
        link: "/collections/c1/items/a3".into(),
        read,
    };
    Notifications {
        frame: inside(name, "notices"),
        notices: vec![notice("n1", false), notice("n2", true)],
        older: Some("x".into()),
        watch: String::new(),
    }
}

fn settings(name: &str) -> NotificationSettings {
    let row = |row, title| CategoryRow { name: row, title, about: "what belongs to it", in_app: true, mail: false };
    let followed = Followed {
        id: "0".into(),
        name: name.into(),
        within: Some("Orders API".into()),
        link: "/collections/c1/items/a3".into(),
        api: "/api/collections/c1/subscription?item=a3".into(),
        mail: "daily",
        feed: true,
        socket: false,
        by_group: true,
    };
    NotificationSettings {
        frame: inside(name, "notices"),
        viewer: viewer(),
        stopped: Some("bounce".into()),
        rows: vec![row("security", "Security"), row("changes", "Changes")],
        daily_at: 7,
        followed: vec![followed],
    }
}

fn unsubscribe(ours: bool) -> Unsubscribe {
    Unsubscribe {
        frame: Frame::default(),
        done: false,
        ours,
        what: "Mails about comments end. You still find them in your inbox.",
        api: "/api/unsubscribe?token=x".into(),
    }
}

fn member(id: &str, name: &str, role: &str, is_me: bool) -> Member {
    let email = Some(format!("{}@example.com", name.to_lowercase()));
    Member {
        id: id.into(),
        username: name.into(),
        email,
        controlled: !is_me,
        role: role.into(),
        billing: is_me,
        joined: at("2026-11-18T08:00:00Z"),
        is_me,
    }
}

fn wish(name: &str, state: &'static str) -> Wish {
    Wish {
        id: "w1".into(),
        email: "lena@example.com".into(),
        role: "viewer".into(),
        by: name.into(),
        note: name.into(),
        state,
        asked: at("2026-11-20T08:00:00Z"),
    }
}

pub fn team(name: &str) -> TeamPage {
    TeamPage {
        frame: inside(name, "team"),
        team: link(name),
        members: vec![member("1", "mira", "admin", true), member("2", name, "editor", false), member("3", "ines", "viewer", false)],
        invites: vec![
            Pending {
                id: "i1".into(),
                email: "oskar@example.com".into(),
                role: "editor".into(),
                inviter: "mira".into(),
                expires: at("2026-11-28T08:00:00Z"),
                expired: false,
                link: Some("https://postroom.example/invite/abc".into()),
            },
            Pending {
                id: "i2".into(),
                email: "a-rather-long-address@subdomain.example.org".into(),
                role: "viewer".into(),
                inviter: name.into(),
                expires: at("2026-11-20T08:00:00Z"),
                expired: true,
                link: None,
            },
        ],
        seats: Seats { count: 8, used: 5, free: 3 },
        roles: vec!["viewer", "editor", "admin"],
        may_manage: true,
        may_grant: true,
        may_invite: true,
        confirm_first: false,
        second_factor: true,
        has_second_factor: true,
        may_seat: true,
        may_bill: true,
        bound: false,
        wishes: vec![wish(name, "pending")],
        may_ask: false,
    }
}

pub fn access(name: &str) -> AccessPage {
    let seen = |id: &str, username: &str, role, why: &str, given, is_me| Seen {
        id: id.into(),
        username: username.into(),
        role,
        why: why.into(),
        given,
        maker: why == "made it",
        is_me,
    };
    AccessPage {
        frame: in_collection(name),
        id: "c1".into(),
        name: name.into(),
        everyone: Some("viewer"),
        groups: vec![
            GroupRole { id: "7".into(), name: name.into(), members: 3, role: Some("editor"), follows: Some("daily") },
            GroupRole { id: "8".into(), name: "Contractors".into(), members: 1, role: None, follows: None },
        ],
        mine: "admin",
        members: vec![
            seen("3", "ines", "none", "hidden from them in person", Some("none"), false),
            seen("1", "mira", "admin", "made it", None, true),
            seen("2", name, "editor", &format!("given to the group {name}"), None, false),
        ],
        asks: vec![Asking {
            id: "4".into(),
            username: name.into(),
            role: "editor",
            message: name.into(),
            expires: at("2026-12-05T12:00:00Z"),
        }],
        may_manage: true,
        from: Some("w-1".into()),
        rooms: vec![room(name, "private", Some("admin")), room("Open house", "public", Some("editor"))],
        scan: Some((room(name, "public", Some("admin")), scan(name))),
    }
}

pub fn room(name: &str, visibility: &'static str, role: Option<&'static str>) -> RoomRow {
    RoomRow {
        id: format!("w-{visibility}"),
        href: format!("/workspaces/w-{visibility}"),
        name: name.into(),
        about: name.into(),
        visibility,
        role,
    }
}

pub fn scan(name: &str) -> Scan {
    let finding = Finding {
        collection: name.into(),
        element: name.into(),
        href: "/collections/c1/items/r1".into(),
        pointer: "/request/header/0/value".into(),
        kind: "credential in a header",
        masked: "•••• (24 characters)".into(),
    };
    Scan { findings: vec![finding], total: 7, left: 2, confirm: "ab12".into() }
}

pub fn workspace_settings(name: &str) -> WorkspaceSettings {
    let person = |id: &str, username: &str, given| PersonRole { id: id.into(), username: username.into(), given };
    WorkspaceSettings {
        frame: inside(name, "library"),
        team: link(name),
        room: room(name, "private", Some("admin")),
        description: name.into(),
        fixed: false,
        people: vec![person("1", "mira", Some("admin")), person("2", name, None)],
        groups: vec![GroupRole { id: "7".into(), name: name.into(), members: 3, role: Some("editor"), follows: None }],
        may_manage: true,
        may_share: true,
        may_publish: true,
        scan: None,
        public: None,
    }
}

pub fn public_collection(name: &str) -> PublicCollection {
    let row = |id: &str, method: &str, url: &str| PublicRow {
        id: id.into(),
        method: method.into(),
        name: name.into(),
        url: url.into(),
        description: vec![name.into()],
    };
    PublicCollection {
        frame: Frame::default(),
        path: "/public/collections/c1".into(),
        id: "c1".into(),
        name: name.into(),
        description: vec![name.into(), "Orders of the harbour's shops.".into()],
        summary: name.into(),
        workspace: "w-1".into(),
        rows: vec![row("f1", "", ""), row("r1", "GET", "https://api.example.com/orders/:id"), row("r2", "DELETE", name)],
        left: 3,
        address: "https://postroom.example/api/collections/c1".into(),
    }
}

pub fn team_settings(name: &str) -> SettingsPage {
    let person = |id: &str, name: &str| Teammate { id: id.into(), name: name.into() };
    SettingsPage {
        frame: inside(name, "team"),
        link: link(name),
        description: name.into(),
        delete_at: Some(at("2026-12-05T12:00:00Z")),
        groups: vec![GroupCard {
            id: "7".into(),
            name: name.into(),
            summary: name.into(),
            members: vec![person("2", name), person("3", "ines")],
            others: vec![person("4", "oskar")],
        }],
        others: vec![person("2", name), person("3", "ines")],
        may_manage: true,
    }
}

pub fn audit(name: &str) -> AuditPage {
    let entry = |id: &str, actor: Option<&str>, action: &str, details: &str| AuditEntry {
        id: id.into(),
        at: at("2026-11-21T20:58:00Z"),
        actor: actor.map(Into::into),
        action: action.into(),
        details: details.into(),
        address: actor.map(|_| "192.0.2.7".into()),
    };
    AuditPage {
        frame: inside(name, "team"),
        link: link(name),
        entries: vec![
            entry("1", Some("mira"), "role changed", "user: ines, role: editor, billing: false"),
            entry("2", Some(name), "team changed", "fields: [\"name\"]"),
            entry("3", None, "invite expired", "invite: 019abc"),
        ],
        members: vec![Teammate { id: "2".into(), name: name.into() }],
        user: "2".into(),
        action: name.into(),
        since: "2026-11-01".into(),
        until: String::new(),
        query: "user=2".into(),
        older: Some("user=2&cursor=x".into()),
    }
}

fn plans() -> Vec<Plan> {
    let plan = |id, name, month: &str, year: &str| Plan { id, name, about: "With answers.", month: month.into(), year: year.into() };
    vec![
        plan("free", "Free", "$0.00", "$0.00"),
        plan("team", "Team", "$8.00", "$80.00"),
        plan("enterprise", "Enterprise", "$20.00", "$200.00"),
    ]
}

fn bill(number: u64, status: &'static str) -> Bill {
    Bill {
        number,
        name: format!("INV-{number:04}"),
        issued: at("2026-11-01T08:00:00Z"),
        due: at("2026-11-11T08:00:00Z"),
        total: "$1,234.56".into(),
        status,
    }
}

pub fn billing(name: &str) -> Billing {
    Billing {
        frame: inside(name, "team"),
        team: "184467440737".into(),
        name: name.into(),
        plans: plans(),
        plan: "team",
        plan_name: "Team",
        period: "month",
        next: Some("Free".into()),
        cycle: Some(("2026-11-01".into(), "2026-11-30".into(), 8)),
        seats: Seats { count: 8, used: 5, free: 3 },
        credit: Some("$4.20".into()),
        read_only: true,
        no_admin: true,
        invoices: vec![bill(3, "open"), bill(2, "overdue"), bill(1, "paid")],
    }
}

pub fn invoice(name: &str, paid: bool, checkout: bool) -> InvoicePage {
    let line =
        |text: &str, arithmetic: &str, amount: &str| Line { text: text.into(), arithmetic: arithmetic.into(), amount: amount.into() };
    InvoicePage {
        frame: inside(name, "team"),
        team: "184467440737".into(),
        name: name.into(),
        bill: bill(2, if paid { "paid" } else { "overdue" }),
        paid: paid.then(|| (name.into(), at("2026-11-09T08:00:00Z"))),
        lines: vec![
            line("Enterprise, per month: rest of the cycle", "5 × $20.00 × 10 of 30 days", "$33.33"),
            line("Team, per month: not used", "5 × -$8.00 × 10 of 30 days", "-$13.33"),
        ],
        checkout,
    }
}

pub fn domains(name: &str) -> Domains {
    let domain = |name: &str, verified| Domain {
        name: name.into(),
        verified,
        controls: verified,
        record: format!("_postroom.{name}"),
        value: "postroom-verification=n0uRrYcJm7pQ4J1m3cYpXk2wq0c5u8l4o6z7b9d1e2f".into(),
    };
    Domains {
        frame: inside(name, "team"),
        team: link(name),
        domains: vec![domain("example.com", true), domain("a-rather-long-subdomain.example.org", false)],
        discovery: "ask",
        role: "viewer",
        roles: vec!["viewer", "editor", "admin"],
    }
}

/// Every page by a name, with `name` wherever a person chooses a name.
fn yours(name: &str, signed_in: bool) -> SsoQuestion {
    SsoQuestion::Yours { signed_in, known: false, has_password: true, second_factor: true, username: name.into() }
}

fn code(name: &str) -> SsoQuestion {
    SsoQuestion::Yours { signed_in: false, known: true, has_password: false, second_factor: true, username: name.into() }
}

fn sso(name: &str, of_team: bool, question: SsoQuestion) -> Sso {
    Sso { frame: Frame::default(), provider: name.into(), of_team, email: "oskar@example.com".into(), then: "/".into(), question }
}

fn team_sso(name: &str, set_up: bool) -> TeamSso {
    let settings = SsoSettings {
        issuer: "https://id.example.com".into(),
        client_id: name.into(),
        required: false,
        api_keys: true,
        changed: at("2026-11-21T20:58:00Z"),
    };
    let callback = "https://postroom.example/api/sso/184467440737/callback".to_owned();
    TeamSso { frame: inside(name, "team"), team: link(name), sso: set_up.then_some(settings), callback, tried: false }
}

pub fn pages(name: &str) -> Vec<(&'static str, String)> {
    let html = |page: &dyn Fn() -> askama::Result<String>| page().expect("a page renders");
    let day_of = "2026-11-21T21:30:00Z".parse().expect("a time");
    let library = |collections: Vec<Collection>| Library {
        frame: inside(name, "library"),
        team: link(name),
        title: name.into(),
        about: format!("Everything {name} calls, in one place."),
        home: "/workspaces/w-1".into(),
        trash: "/teams/184467440737/trash".into(),
        workspace: "w-1".into(),
        collections,
        may_import: true,
        watch: "c1:12".into(),
        asked: Asked::default(),
        found: None,
    };
    let hits = vec![
        Match {
            key: "c1-r1".into(),
            href: "/collections/c1/items/r1".into(),
            kind: "request",
            method: "GET".into(),
            name: ["Read one ".into(), "order".into(), " with its positions".into()],
            place: Default::default(),
            path: vec![name.into(), "Orders".into()],
            tags: vec!["needs-review".into()],
            by: Some("ann".into()),
        },
        Match {
            key: "c2-f1".into(),
            href: "/collections/c2/items/f1".into(),
            kind: "folder",
            method: String::new(),
            name: [name.into(), String::new(), String::new()],
            place: ["What customers ".into(), "order".into(), "ed, and what became of it in the long time since then…".into()],
            path: vec!["Ledger (internal)".into()],
            tags: Vec::new(),
            by: None,
        },
    ];
    let searched = |hits: Vec<Match>, wrong: Option<String>| Library {
        asked: Asked { q: "order".into(), sort: "name".into(), tag: "needs-review".into() },
        found: Some(FoundPage { total: hits.len() * 40, hits, more: Some("next".into()), wrong }),
        ..library(Vec::new())
    };
    let shelf = vec![
        collection("c1", name),
        Collection { subscribed: false, facts: vec!["102 items".into()], ..collection("c2", "Ledger (internal)") },
        Collection {
            subscribed: false,
            changed_by: None,
            facts: vec!["1 item".into()],
            ..collection("c3", "A collection whose name goes on for so long that it has to wrap on every screen there is")
        },
    ];
    let feed = |entries: Vec<Entry>, team: bool| {
        let open = |entry: &Entry| Past {
            entry: entry.clone(),
            program: name.into(),
            fields: vec![Field { place: name.into(), before: Some(name.into()), after: None }],
            restore: None,
        };
        let entries = entries.into_iter().enumerate().map(|(at, entry)| FeedEntry {
            unread: at == 0,
            open: Some("?open=c1-12".into()),
            changes: (at == 1).then(|| vec![open(&entry)]),
            back: (at == 1).then(|| Return { seq: 11, item: Some("a1".into()), deleted: false }),
            entry,
        });
        let pick = Pick { value: "1".into(), name: name.into(), chosen: true };
        Feed {
            frame: inside(name, "feed"),
            team: team.then(|| name.into()),
            home: "/feed".into(),
            atom: "https://postroom.example/api/feed.atom?apikey={key}".into(),
            filter: FeedFilter {
                collections: vec![pick.clone()],
                people: vec![pick.clone()],
                kinds: vec![pick],
                item: name.into(),
                on: true,
                ..FeedFilter::default()
            },
            news: true,
            days: days(entries.collect(), day_of),
            older: Some("?cursor=next".into()),
            watch: "c1:12".into(),
        }
    };
    let page = |tree, subscription, changes| CollectionPage {
        frame: in_collection(name),
        collection: collection("c1", name),
        tree,
        subscription,
        changes,
        comments: Comments { what: "collection", api: "/api/collections/c1/comments".into(), may_comment: true, ..Comments::default() },
        address: "https://postroom.example/api/collections/c1".into(),
        may_edit: true,
        may_delete: true,
    };
    let pull_row = |status| PullRow {
        id: "p1".into(),
        title: name.into(),
        source: name.into(),
        destination: name.into(),
        status,
        changed: at("2026-11-20T08:00:00Z"),
    };
    let places = || vec![Field { place: "URL".into(), before: Some(name.into()), after: Some(format!("https://{name}.example")) }];
    let touched = |op| Touched { op, kind: "request", name: name.into(), fields: places() };
    let forks = |of: Option<Origin>| Forks {
        frame: inside(name, "library"),
        collection: collection("c1", name),
        people: if of.is_some() { vec![Teammate { id: "8".into(), name: name.into() }] } else { Vec::new() },
        of,
        forks: vec![ForkRow { id: "c2".into(), label: name.into(), by: name.into(), since: at("2026-11-20T08:00:00Z") }],
        pulls: vec![pull_row("open"), pull_row("merged")],
        rooms: vec![Room { id: "w1".into(), name: name.into() }],
        may_edit: true,
    };
    let pull = |status, clashes: Vec<Touched>| PullPage {
        frame: in_collection(name),
        pull: pull_row(status),
        destination: "c1".into(),
        author: name.into(),
        description: name.into(),
        comment: (status == "declined").then(|| name.into()),
        reviewers: vec![Reviewer { name: name.into(), status: "approved", outdated: true }],
        seen: 12,
        gone: false,
        changes: if clashes.is_empty() { vec![touched("update"), touched("create")] } else { Vec::new() },
        total: 3,
        clashes,
        comments: (status != "declined").then(|| comments(name)),
        watch: "c1:12".into(),
        may_review: true,
        may_decline: true,
        may_merge: true,
    };
    let history = |item: Option<(String, String)>| History {
        frame: in_collection(name),
        collection: collection("c1", name),
        entries: vec![
            Past {
                entry: entries(name)[0].clone(),
                program: name.into(),
                fields: vec![
                    Field {
                        place: "URL".into(),
                        before: Some("https://old.example/orders?limit=10".into()),
                        after: Some(format!("https://{name}.example/orders")),
                    },
                    Field {
                        place: "scripts".into(),
                        before: None,
                        after: Some("pm.test(\"ok\", () => {\n  pm.response.to.have.status(200);\n});".into()),
                    },
                ],
                restore: Some(Return { seq: 12, item: item.as_ref().map(|(id, _)| id.clone()), deleted: false }),
            },
            Past {
                entry: entries(name)[2].clone(),
                program: String::new(),
                fields: vec![],
                restore: Some(Return { seq: 10, item: Some("i2".into()), deleted: true }),
            },
        ],
        item,
        older: Some(11),
        may_edit: true,
    };
    let bin = |collection: Option<Collection>| Bin {
        frame: in_collection(name),
        workspace: "/workspaces/w1/trash".into(),
        gone: vec![Gone {
            action: "/api/collections/c1/restore".into(),
            restore: collection.as_ref().map(|_| Return { seq: 4, item: Some("i2".into()), deleted: true }),
            name: name.into(),
            kind: if collection.is_some() { "folder" } else { "collection" },
            inside: 7,
            by: name.into(),
            at: at("2026-11-20T08:00:00Z"),
        }],
        collection,
        may_restore: true,
    };
    let signed = Frame { team: None, ..inside(name, "") };
    let account = Account {
        frame: signed.clone(),
        viewer: viewer(),
        full_name: "Ann Lee".into(),
        verified: false,
        second_factor: None,
        has_password: true,
        identities: vec![Identity {
            id: "i1".into(),
            provider: name.into(),
            email: "mira@example.com".into(),
            used: at("2026-11-20T08:00:00Z"),
        }],
        offer_google: true,
        sessions: vec![
            Session {
                address: Some("192.0.2.7".into()),
                id: "s1".into(),
                device: "Firefox on Linux".into(),
                created: at("2026-11-21T08:00:00Z"),
                seen: at("2026-11-21T21:29:00Z"),
                current: true,
            },
            Session {
                address: Some("192.0.2.7".into()),
                id: "s2".into(),
                device: name.into(),
                created: at("2026-11-10T08:00:00Z"),
                seen: at("2026-11-19T21:29:00Z"),
                current: false,
            },
        ],
    };
    let person = |mine: bool| Person {
        frame: signed.clone(),
        name: name.into(),
        username: "mira".into(),
        picture: mine.then(|| "/api/users/1/picture?v=ab".into()),
        about: name.into(),
        links: vec!["https://example.com/~mira".into(), name.into()],
        email: Some("mira@example.com".into()),
        joined: at("2026-11-18T08:00:00Z"),
        public: mine,
        mine,
    };
    let profile = Profile {
        frame: signed.clone(),
        viewer: viewer(),
        id: "1".into(),
        picture: Some("/api/users/1/picture?v=ab".into()),
        about: name.into(),
        links: vec!["https://example.com/~mira".into()],
        public: true,
        email_public: false,
    };
    let delivery = |id: &str, state, next: Option<&str>, answer: Option<&str>| Delivery {
        id: id.into(),
        what: if id == "d3" { "test".into() } else { "change 17".into() },
        link: (id != "d3").then(|| "/collections/c1/history".into()),
        at: at("2026-11-21T08:00:00Z"),
        state,
        next: next.map(at),
        answer: answer.map(str::to_owned),
        tries: if next.is_some() { 3 } else { answer.iter().count() },
    };
    let hook = |id: &str, off, failing: Option<&str>| WebhookCard {
        id: id.into(),
        url: format!("https://example.com/hooks/{name}/a-rather-long-path-that-nobody-breaks/for-the-deployment"),
        description: name.into(),
        maker: "mira".into(),
        off,
        failing: failing.map(at),
        rotating: failing.map(at),
        chosen: id == "h1~c1",
    };
    let webhooks = WebhooksPage {
        frame: inside(name, "library"),
        name: name.into(),
        path: "/collections/c1".into(),
        team: false,
        webhooks: vec![
            hook("h1~c1", None, None),
            hook("h2~c1", None, Some("2026-11-20T08:00:00Z")),
            hook("h3~c1", Some("off: its receiver took nothing for days"), None),
        ],
        log: Some(WebhookLog {
            id: "h1~c1".into(),
            url: format!("https://example.com/hooks/{name}"),
            deliveries: vec![
                delivery("d1", ("on its way", ""), None, None),
                delivery("d2", ("tried again later", "warn"), Some("2026-11-21T08:30:00Z"), Some("no connection: refused")),
                delivery("d3", ("delivered", "good"), None, Some("204 in 31 ms")),
            ],
            older: Some("/collections/c1/webhooks?webhook=h1~c1&cursor=x".into()),
        }),
    };
    let keys = Keys {
        frame: signed.clone(),
        viewer: viewer(),
        keys: vec![Key {
            id: "k1".into(),
            name: name.into(),
            scope: "read and write",
            collection: Some(name.into()),
            created: at("2026-11-20T08:00:00Z"),
            used: Some("20 Nov 2026".into()),
            expires: Some(at("2026-12-20T08:00:00Z")),
        }],
        access: vec![AccessKey {
            id: "a1~c1".into(),
            collection: name.into(),
            tail: "43BR".into(),
            used: None,
            expires: at("2027-01-20T08:00:00Z"),
        }],
        choices: vec![Choice { id: "c1".into(), name: name.into(), chosen: true }],
    };
    let device = |step| Device { frame: signed.clone(), step };
    let other = |id: &str, current| OtherAccount {
        id: id.into(),
        username: name.into(),
        email: "mira@example.com".into(),
        session: "s1".into(),
        current,
    };
    let factor = |state| SecondFactor { frame: signed.clone(), state };
    let problem = Problem {
        frame: Frame::default(),
        status: 404,
        title: "There is nothing here".into(),
        detail: "The page does not exist, or it is not open to you.".into(),
        ask: Some("c1".into()),
        way: Some(("/account/second-factor", "Set up two-factor sign-in")),
    };
    vec![
        ("forks", html(&|| forks(None).render())),
        (
            "forks-of",
            html(&|| {
                forks(Some(Origin { id: "c0".into(), parent: Some(name.into()), label: name.into(), since: at("2026-11-20T08:00:00Z") }))
                    .render()
            }),
        ),
        ("pull", html(&|| pull("open", Vec::new()).render())),
        ("pull-clash", html(&|| pull("declined", vec![touched("changed")]).render())),
        ("history", html(&|| history(Some(("i1".into(), name.into()))).render())),
        ("history-collection", html(&|| history(None).render())),
        ("trash", html(&|| bin(Some(collection("c1", name))).render())),
        ("trash-team", html(&|| bin(None).render())),
        ("landing", html(&|| Landing { frame: Frame::default(), origin: "https://postroom.example".into() }.render())),
        (
            "home",
            html(&|| {
                Home {
                    frame: signed.clone(),
                    name: name.into(),
                    closed: vec![],
                    held: vec![link(name)],
                    bought: vec![link(name)],
                    found: Some(Found { id: "7".into(), name: name.into(), joins: false }),
                }
                .render()
            }),
        ),
        (
            "home-empty",
            html(&|| {
                Home {
                    frame: Frame { teams: vec![], ..signed.clone() },
                    name: name.into(),
                    closed: vec![name.into()],
                    held: vec![],
                    bought: vec![],
                    found: Some(Found { id: "7".into(), name: name.into(), joins: true }),
                }
                .render()
            }),
        ),
        ("notifications", html(&|| notifications(name).render())),
        ("notification-settings", html(&|| settings(name).render())),
        ("unsubscribe", html(&|| unsubscribe(true).render())),
        ("unsubscribe-incomplete", html(&|| unsubscribe(false).render())),
        ("signup", html(&|| Signup { frame: Frame::default(), invite: None, sent: false, google: true, robot: None }.render())),
        (
            "signup-invite",
            html(&|| Signup { frame: Frame::default(), invite: Some(note(name, false)), sent: false, google: true, robot: None }.render()),
        ),
        ("signup-sent", html(&|| Signup { frame: Frame::default(), invite: None, sent: true, google: false, robot: None }.render())),
        (
            "signin",
            html(&|| {
                Signin {
                    frame: Frame::default(),
                    invite: None,
                    others: true,
                    challenge: None,
                    then: "/".into(),
                    news: Some("Your address is confirmed. Sign in to continue."),
                    failed: Some("The sign-in was cancelled there."),
                    google: true,
                }
                .render()
            }),
        ),
        ("confirm", html(&|| Confirm { frame: Frame::default(), token: Some("t".into()) }.render())),
        (
            "invite",
            html(&|| {
                Invite { frame: Frame::default(), invite: note(name, true), other_address: false, elsewhere: "/signin?invite=abc".into() }
                    .render()
            }),
        ),
        (
            "invite-accept",
            html(&|| {
                Invite { frame: signed.clone(), invite: note(name, true), other_address: false, elsewhere: "/signup?invite=abc".into() }
                    .render()
            }),
        ),
        (
            "invite-in",
            html(&|| {
                Invite { frame: signed.clone(), invite: note(name, true), other_address: true, elsewhere: "/signin?invite=abc".into() }
                    .render()
            }),
        ),
        ("problem", html(&|| problem.render())),
        ("sso-yours", html(&|| sso(name, true, yours(name, false)).render())),
        ("sso-signed-in", html(&|| sso(name, true, yours(name, true)).render())),
        ("sso-code", html(&|| sso(name, true, code(name)).render())),
        ("sso-new", html(&|| sso(name, false, SsoQuestion::New { username: "oskar".into() }).render())),
        ("team-sso", html(&|| team_sso(name, true).render())),
        ("team-sso-new", html(&|| team_sso(name, false).render())),
        ("team-new", html(&|| New { frame: signed.clone(), host: "postroom.example".into(), plans: plans() }.render())),
        ("team", html(&|| team(name).render())),
        (
            "team-member",
            html(&|| {
                let asked = vec![wish(name, "refused")];
                TeamPage {
                    invites: vec![],
                    may_manage: false,
                    may_invite: false,
                    may_seat: false,
                    may_ask: true,
                    wishes: asked,
                    ..team(name)
                }
                .render()
            }),
        ),
        ("team-unconfirmed", html(&|| TeamPage { invites: vec![], may_invite: false, confirm_first: true, ..team(name) }.render())),
        ("domains", html(&|| domains(name).render())),
        ("domains-empty", html(&|| Domains { domains: vec![], ..domains(name) }.render())),
        ("billing", html(&|| billing(name).render())),
        (
            "billing-free",
            html(&|| Billing { plan: "free", plan_name: "Free", cycle: None, next: None, invoices: vec![], ..billing(name) }.render()),
        ),
        ("invoice", html(&|| invoice(name, false, false).render())),
        ("invoice-paid", html(&|| invoice(name, true, false).render())),
        ("invoice-checkout", html(&|| invoice(name, false, true).render())),
        ("library", html(&|| library(shelf.clone()).render())),
        ("library-found", html(&|| searched(hits.clone(), None).render())),
        ("library-not-found", html(&|| searched(vec![], None).render())),
        ("library-unreadable", html(&|| searched(vec![], Some("a search has at most 500 characters".into())).render())),
        ("library-empty", html(&|| library(vec![]).render())),
        ("collection", html(&|| page(tree(name), Some("now"), entries(name)).render())),
        ("collection-empty", html(&|| page(vec![], None, vec![]).render())),
        ("request", html(&|| request(name).render())),
        ("settings", html(&|| team_settings(name).render())),
        ("settings-viewer", html(&|| SettingsPage { delete_at: None, groups: vec![], may_manage: false, ..team_settings(name) }.render())),
        ("audit", html(&|| audit(name).render())),
        ("access", html(&|| access(name).render())),
        ("access-viewer", html(&|| AccessPage { asks: vec![], may_manage: false, mine: "viewer", ..access(name) }.render())),
        (
            "workspaces",
            html(&|| {
                let rooms = vec![
                    room(name, "team", Some("admin")),
                    room("Skunkworks", "private", None),
                    room("Open house", "public", Some("viewer")),
                ];
                Workspaces { frame: inside(name, "library"), team: link(name), rooms, may_make: true, may_publish: true }.render()
            }),
        ),
        ("workspace-settings", html(&|| workspace_settings(name).render())),
        ("workspace-publish", html(&|| WorkspaceSettings { scan: Some(scan(name)), ..workspace_settings(name) }.render())),
        (
            "workspace-viewer",
            html(&|| {
                let public = Some("/public/workspaces/w-1".to_owned());
                let room = room(name, "public", Some("viewer"));
                WorkspaceSettings { room, public, may_manage: false, may_share: false, may_publish: false, ..workspace_settings(name) }
                    .render()
            }),
        ),
        (
            "public-workspace",
            html(&|| {
                let link = |id: &str| PublicLink { id: id.into(), name: name.into(), count: 3, changed: at("2026-11-21T20:58:00Z") };
                let (frame, path) = (Frame::default(), "/public/workspaces/w-1".to_owned());
                let (collections, description) = (vec![link("c1"), link("c2")], vec![name.to_owned()]);
                PublicWorkspace { frame, path, name: name.into(), about: name.into(), description, collections }.render()
            }),
        ),
        ("public-collection", html(&|| public_collection(name).render())),
        ("feed", html(&|| feed(entries(name), true).render())),
        ("feed-mine", html(&|| feed(entries(name), false).render())),
        ("feed-empty", html(&|| feed(vec![], true).render())),
        ("account", html(&|| account.render())),
        ("person", html(&|| person(false).render())),
        ("person-mine", html(&|| person(true).render())),
        ("profile", html(&|| profile.render())),
        ("accounts", html(&|| Accounts { frame: signed.clone(), accounts: vec![other("7", true), other("8", false)] }.render())),
        ("webhooks", html(&|| webhooks.render())),
        (
            "webhooks-none",
            html(&|| {
                WebhooksPage {
                    frame: inside(name, "team"),
                    name: name.into(),
                    path: "/teams/2".into(),
                    team: true,
                    webhooks: vec![],
                    log: None,
                }
                .render()
            }),
        ),
        ("keys", html(&|| keys.render())),
        ("keys-none", html(&|| Keys { frame: signed.clone(), viewer: viewer(), keys: vec![], access: vec![], choices: vec![] }.render())),
        ("second-factor", html(&|| factor(State::Off { confirmed: true }).render())),
        (
            "second-factor-waits",
            html(&|| factor(State::Waits { qr: Qr { width: 2, path: "M0 0h1v1h-1z".into() }, secret: name.into() }).render()),
        ),
        (
            "device",
            html(&|| device(DeviceStep::Type { typed: name.into(), wrong: Some("no program waits with this code".into()) }).render()),
        ),
        (
            "device-answer",
            html(&|| {
                device(DeviceStep::Answer {
                    code: "BCDF-GHJK".into(),
                    client: name.into(),
                    address: Some("192.0.2.7".into()),
                    asked: at("2026-11-21T21:20:00Z"),
                })
                .render()
            }),
        ),
        ("device-done", html(&|| device(DeviceStep::Done { approved: true }).render())),
        (
            "authorize",
            html(&|| {
                Authorize {
                    frame: signed.clone(),
                    viewer: viewer(),
                    client: name.into(),
                    redirect: "http://127.0.0.1:1/".into(),
                    challenge: name.into(),
                    state: Some(name.into()),
                }
                .render()
            }),
        ),
        ("second-factor-on", html(&|| factor(State::On { since: at("2026-11-20T08:00:00Z"), recovery_codes: 9 }).render())),
    ]
}
