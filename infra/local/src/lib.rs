//! The whole product in one process on a laptop: the functions behind one port, an embedded DynamoDB, and the parts of
//! AWS between them, each as small as it can be and without product logic.
//!
//! What is deployed is what runs here: the routes, the table, the stream mappings and the variables come from
//! `infra/template.yaml`, and the functions use the real SDK clients against loopback endpoints.

mod data;
pub mod database;
mod events;
mod functions;
mod gateway;
mod host;
mod lines;
mod outbox;
mod page;
mod realtime;
pub mod redrive;
mod schedule;
mod serve;
mod ses;
mod stream;
pub mod template;
mod wire;

pub use aws_smithy_runtime_api::client::http::SharedHttpClient;
pub use outbox::Mail;
pub use serve::Occupied;
pub use stream::Meddler;
pub use stream::batch::Condition;
pub use stream::letters::DeadLetter;

use app::{Clock, Crash, GivenDns, Outbound, PartnerSecrets, Partners, Passwords, Payments, StripeSecrets, Tokens, Waiting};
use aws_sdk_dynamodbstreams::error::DisplayErrorContext;
use axum::Router;
use functions::Code;
use jiff::SignedDuration;
use realtime::sockets::Ending;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use stream::{Consumer, checkpoint::Checkpoint, drain::Drain, letters::DeadLetters};
use template::Template;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long stopping waits for requests and stream functions that are under way.
const GRACE: Duration = Duration::from_secs(5);

/// Google's sign-in, or what stands in for it.
#[derive(Clone)]
pub struct Google {
    /// The issuer.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// What we show it.
    pub client_secret: String,
}

/// A robot check.
#[derive(Clone)]
pub struct Robot {
    /// The verifier.
    pub verify_url: String,
    /// The script of its widget.
    pub script_url: String,
    /// Which of its sites this is.
    pub site_key: String,
    /// What we show it.
    pub secret: String,
}

/// How a stack is started. The default is what a test wants: in memory, on a port that is free.
#[derive(Clone, Default)]
pub struct Options {
    /// The public port; 0 takes a free one.
    pub port: u16,
    /// The folder for the data; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// A DynamoDB to use instead of the embedded one: its URL. The stack makes a table of its own there. Credentials
    /// and region come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_REGION` …), where they are set.
    pub dynamodb: Option<String>,
    /// What the functions' SDK clients send their requests with, instead of [`http_client`]: tests count and break.
    pub http_client: Option<SharedHttpClient>,
    /// The time. Keep a clone, or use [`Stack::clock`], to move it.
    pub clock: Clock,
    /// Another stack, of whose functions this one has further instances, with its table and its keys, behind its doors to
    /// WebSockets and mail: tests see that nothing hangs on who is asked. Keep the same clock.
    pub beside: Option<Beside>,
    /// Google's sign-in; `None` leaves it off.
    pub google: Option<Google>,
    /// The robot check; `None` leaves it off.
    pub robot: Option<Robot>,
    /// What the DNS says. Keep a clone to say more; by hand: `POST /_local/dns {"name", "texts"}`.
    pub dns: GivenDns,
    /// What Stripe, or what stands in for it, and we know of each other; `None`: teams pay by invoice.
    pub stripe: Option<StripeSecrets>,
    /// What stands in for the Postman API; `None`: the real one.
    pub postman: Option<String>,
    /// Changes what stream functions are handed: tests duplicate and reorder.
    pub meddler: Option<Meddler>,
    /// Whether records that a stream function did not take are tried again without Lambda's pauses: tests do not wait.
    pub hasty: bool,
    /// Requests of one account a minute, of each function; 0: as many as they like.
    pub rate_limit: u32,
    /// Whether answers go out as a whole and nobody is told of changes while they wait, as behind API Gateway.
    pub buffered: bool,
}

/// What a stack shares with another one, see [`Options::beside`].
#[derive(Clone)]
pub struct Beside {
    table: Table,
    tokens: Tokens,
    /// Where WebSockets, mails and events are.
    services: String,
    url: String,
}

/// The plain HTTP client that [`Options::http_client`] replaces, for those who wrap it.
pub fn http_client() -> SharedHttpClient {
    wire::client(false)
}

/// A running stack. Dropping it stops it at once, as a power cut would; [`Stack::stop`] lets it finish.
pub struct Stack {
    inner: Arc<Inner>,
    url: String,
    shared: Beside,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// Keeps others out of the data folder, also where the table is elsewhere.
    _folder: Option<data::Folder>,
}

/// Where the table is.
#[derive(Clone, Debug)]
struct Table {
    endpoint: String,
    name: String,
}

/// What the stack's parts share.
struct Inner {
    clock: Clock,
    gateway: gateway::Gateway,
    realtime: Arc<realtime::Realtime>,
    outbox: Arc<outbox::Outbox>,
    letters: Arc<DeadLetters>,
    consumers: Vec<Arc<Consumer>>,
    drain: Arc<Drain>,
    schedules: schedule::Schedules,
    rules: Vec<template::Rule>,
    /// Events of other services that functions are being told.
    telling: events::Telling,
    embedded: Option<database::Embedded>,
    waiting: Waiting,
    dns: GivenDns,
}

impl Stack {
    /// Starts a stack and returns when it answers.
    ///
    /// The error is one line for people: [`Occupied`] when the port is in use, a text when the data folder is in use
    /// or when the template asks for something that the local stack has not.
    pub async fn start(options: Options) -> Result<Stack, Crash> {
        // Each connection is an open file: as many as the system lets this process have, not the few that it begins with.
        rlimit::increase_nofile_limit(rlimit::INFINITY)?;
        let template = Template::parse(template::SOURCE)?;
        let listeners = serve::public(options.port)?;
        let port = listeners.port;
        let folder = options.data.as_deref().map(data::Folder::open).transpose()?;
        let file = |name: &str| folder.as_ref().map(|folder| folder.file(name));
        let tokens = match &options.beside {
            Some(beside) => beside.tokens.clone(),
            None => Tokens::from_secret(&data::signing_keys(folder.as_ref())?)?,
        };
        let outbox = Arc::new(outbox::Outbox::open(file("mails.jsonl").as_deref())?);
        let letters = Arc::new(DeadLetters::open(file("dead-letters.jsonl").as_deref())?);

        let writes = Arc::new(watch::Sender::new(0));
        let (embedded, table) = match (&options.dynamodb, &options.beside) {
            (_, Some(beside)) => (None, beside.table.clone()),
            (Some(endpoint), None) => {
                let name = format!("postroom-{}", fresh_name()?);
                (None, Table { endpoint: endpoint.clone(), name })
            }
            (None, None) => {
                let (clock, writes) = (options.clock.clone(), Arc::clone(&writes));
                let embedded = database::Embedded::start(folder.as_ref(), clock, writes).await?;
                let endpoint = embedded.endpoint.clone();
                (Some(embedded), Table { endpoint, name: "postroom".to_owned() })
            }
        };
        let plain = wire::client(table.endpoint.starts_with("https:"));
        let own = wire::config(plain.clone(), embedded.is_none());
        let spec = database::spec(&template.table, &table.name)?;
        store::table::create(&own, Some(&table.endpoint), &spec).await?;
        let streams = aws_sdk_dynamodbstreams::Client::from_conf(
            aws_sdk_dynamodbstreams::config::Builder::from(&own).endpoint_url(&table.endpoint).build(),
        );
        let stream = stream_of(&streams, &table.name).await?;

        let (internal, internal_address) = serve::internal()?;
        let url = format!("http://localhost:{port}");
        let own = Beside { table: table.clone(), tokens: tokens.clone(), services: format!("http://{internal_address}"), url: url.clone() };
        let shared = options.beside.unwrap_or(own);
        let stripe = if options.stripe.is_some() { "stripe.json" } else { "" };
        let mut values = BTreeMap::from([
            ("STRIPE_SECRET_ID", stripe.to_owned()),
            ("TABLE_NAME", table.name.clone()),
            ("PAGES_URL", shared.url.clone()),
            ("REALTIME_URL", format!("{}/realtime", shared.url.replacen("http", "ws", 1))),
            ("CONNECTIONS_URL", format!("{}/{}", shared.services, template.stage)),
            ("TOKEN_SECRET_ID", "token.key".to_owned()),
            ("PARTNERS_SECRET_ID", "partners".to_owned()),
            ("RATE_LIMIT", options.rate_limit.to_string()),
            ("MAIL_CONFIGURATION_SET", "postroom".to_owned()),
        ]);
        let mut partners = PartnerSecrets::default();
        if let Some(google) = options.google {
            values.extend([("GOOGLE_ISSUER", google.issuer), ("GOOGLE_CLIENT_ID", google.client_id)]);
            partners.google_client_secret = google.client_secret;
        }
        values.extend(options.postman.map(|url| ("POSTMAN_API_URL", url)));
        if let Some(robot) = options.robot {
            let Robot { verify_url, script_url, site_key, secret } = robot;
            values.extend([("ROBOT_VERIFY_URL", verify_url), ("ROBOT_SCRIPT_URL", script_url), ("ROBOT_SITE_KEY", site_key)]);
            partners.robot_secret = secret;
        }
        let waiting = if options.buffered { Waiting::alone() } else { Waiting::together() };
        let around = functions::Surroundings {
            dns: options.dns.clone(),
            payments: options.stripe.map_or(Payments::ByInvoice, Payments::stripe),
            values,
            aws: wire::config(wire::noting(options.http_client.clone().unwrap_or(plain), Arc::clone(&writes)), embedded.is_none()),
            dynamodb: table.endpoint.clone(),
            ses: shared.services.clone(),
            events: format!("{}/events", shared.services),
            partners: Partners::given(partners),
            tokens,
            outbound: Outbound::anywhere(),
            waiting: waiting.clone(),
            clock: options.clock.clone(),
            passwords: Passwords::default(),
        };
        let parts = Parts::sort(&template, functions::all(&template, &around)?)?;

        let (stop, stopping) = watch::channel(false);
        let drain = Arc::new(Drain::default());
        let mut consumers = Vec::new();
        for mapping in template.streams {
            let name = mapping.function.clone();
            let (handler, timeout) = parts.streams.get(&name).cloned().ok_or_else(|| format!("{name} reads no stream"))?;
            consumers.push(Arc::new(Consumer {
                checkpoint: Checkpoint::open(file(&format!("stream/{name}.json")), &stream),
                mapping,
                handler,
                timeout,
                client: streams.clone(),
                stream: stream.clone(),
                writes: writes.subscribe(),
                stop: stopping.clone(),
                drain: Arc::clone(&drain),
                letters: Arc::clone(&letters),
                meddler: options.meddler.clone(),
                hasty: options.hasty,
                failing: AtomicBool::new(false),
            }));
        }
        let mut schedules = Vec::new();
        for schedule in &template.schedules {
            let name = &schedule.function;
            let (handler, timeout) = parts.schedules.get(name).cloned().ok_or_else(|| format!("{name} is not scheduled"))?;
            let every = SignedDuration::try_from(schedule.every)?;
            // A laptop is rarely on for as long as a schedule takes: soon after the start, then at its rate.
            let first = if folder.is_some() { SignedDuration::from_mins(1).min(every) } else { every };
            let due = options.clock.now().saturating_add(first)?;
            schedules.push(schedule::Entry { function: name.clone(), every, due, timeout, handler });
        }
        let inner = Arc::new(Inner {
            gateway: gateway::Gateway::new(&template.routes, parts.http),
            realtime: Arc::new(realtime::Realtime {
                routes: parts.sockets,
                stage: template.stage,
                domain: format!("localhost:{port}"),
                sockets: realtime::sockets::Sockets::default(),
                clock: options.clock.clone(),
                moved: watch::Sender::new(0),
                serving: watch::Sender::new(0),
            }),
            outbox,
            letters,
            consumers,
            drain,
            rules: template.rules,
            telling: events::Telling::default(),
            schedules: schedule::Schedules::new(options.clock.clone(), schedules),
            embedded,
            waiting,
            dns: options.dns,
            clock: options.clock,
        });
        let mut tasks = JoinSet::new();
        let told = Arc::clone(&inner);
        let tell = Arc::new(move |event| events::tell(&told, event));
        let ses = Arc::new(ses::Ses { outbox: Arc::clone(&inner.outbox), clock: inner.clock.clone(), tell });
        let inside = realtime::management(Arc::clone(&inner.realtime)).merge(ses::endpoint(ses)).merge(events::endpoint(&inner));
        tasks.spawn(serve::serve(internal, inside, wait_for(stopping.clone())));
        for listener in listeners.sockets {
            let outside = host::router(Arc::clone(&inner));
            tasks.spawn(serve::serve(listener, outside, wait_for(stopping.clone())));
        }
        for consumer in &inner.consumers {
            tasks.spawn(Arc::clone(consumer).run());
        }
        let (scheduled, mut stopped) = (Arc::clone(&inner), stopping);
        tasks.spawn(async move {
            let moved = scheduled.realtime.moved.subscribe();
            tokio::select! {
                () = scheduled.schedules.run(moved) => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        });
        Ok(Stack { inner, url, shared, stop, tasks, _folder: folder })
    }

    /// Where pages and the API are, `http://localhost:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of the DynamoDB that is used, for tests that look into the table.
    pub fn dynamodb(&self) -> &str {
        &self.shared.table.endpoint
    }

    /// The name of the table.
    pub fn table(&self) -> &str {
        &self.shared.table.name
    }

    /// What a stack needs that is to have further instances of this one's functions.
    pub fn shared(&self) -> Beside {
        self.shared.clone()
    }

    /// The clock of everything in the stack. Moving it with [`Clock::advance`] is enough for what handlers decide;
    /// [`Stack::advance`] also lets time pass for sockets, schedules and expired items.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Moves the clock: old sockets close, what is scheduled runs, what has expired is removed (in memory only: the
    /// file keeps to the system's time).
    pub async fn advance(&self, by: SignedDuration) {
        self.inner.advance(by).await;
    }

    /// Returns when everything acknowledged so far has been through the stream functions, and what followed from it
    /// too: events pushed, feed written, mails due sent. Schedules that are due run first.
    pub async fn settle(&self) -> Result<(), Crash> {
        Ok(self.inner.settle().await?)
    }

    /// The mails, oldest first.
    pub fn outbox(&self) -> Vec<Arc<Mail>> {
        self.inner.outbox.all()
    }

    /// The records that stream functions were given up on, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.inner.letters.all()
    }

    /// Hands the dead letters over again, and forgets those that are taken now.
    pub async fn redrive(&self) -> Result<redrive::Done, Crash> {
        Ok(self.inner.redrive().await?)
    }

    /// How many WebSockets are open.
    pub fn connections(&self) -> usize {
        self.inner.realtime.sockets.count()
    }

    /// Ends the stack: requests and stream functions under way are finished, for some seconds at most, and when this
    /// returns the data folder is free.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.inner.waiting.end();
        self.inner.realtime.sockets.close_all(&Ending { code: 1001, reason: "The stack stops".to_owned() });
        let mut serving = self.inner.realtime.serving.subscribe();
        let finished = async {
            while self.tasks.join_next().await.is_some() {}
            // The sender is ours: it is there.
            drop(serving.wait_for(|open| *open == 0).await);
        };
        if tokio::time::timeout(GRACE, finished).await.is_err() {
            tracing::warn!("something did not end in time and was cut off");
        }
        self.tasks.shutdown().await;
        if let Some(embedded) = &self.inner.embedded {
            embedded.stop().await;
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.inner.waiting.end();
        self.inner.realtime.sockets.close_all(&Ending { code: 1001, reason: "The stack stops".to_owned() });
        if let Some(embedded) = &self.inner.embedded {
            embedded.begin_stop();
        }
    }
}

impl Inner {
    async fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.realtime.moved.send_modify(|count| *count += 1);
        if let Some(embedded) = &self.embedded {
            embedded.sweep().await;
        }
    }

    /// Plays an event of another service, as EventBridge would hand it to the functions whose rules take it.
    async fn event(&self, event: serde_json::Value) {
        for rule in self.rules.iter().filter(|rule| rule.takes(&event)) {
            self.schedules.tell(&rule.function, event.clone()).await;
        }
    }

    async fn redrive(&self) -> std::io::Result<redrive::Done> {
        let mut done = redrive::Done::default();
        for letter in self.letters.all() {
            let consumer = self.consumers.iter().find(|consumer| consumer.mapping.function == letter.function);
            let taken = match consumer {
                Some(consumer) => consumer.redeliver(&letter).await,
                None => false,
            };
            if taken {
                self.letters.remove(&letter)?;
            }
            done.count(taken);
        }
        Ok(done)
    }

    async fn settle(&self) -> Result<(), String> {
        self.realtime.moved.send_modify(|count| *count += 1);
        self.schedules.run_due().await;
        self.settled().await?;
        self.schedules.run_frequent().await;
        self.settled().await
    }

    /// Returns when the stream is drained, and those are told whom events wake.
    async fn settled(&self) -> Result<(), String> {
        loop {
            let told = self.telling.told();
            self.drain.settle().await?;
            self.telling.done().await;
            if self.telling.told() == told {
                return Ok(());
            }
        }
    }
}

/// The functions by what calls them.
#[derive(Default)]
struct Parts {
    http: BTreeMap<String, Router>,
    streams: BTreeMap<String, (stream::Handler, Duration)>,
    sockets: BTreeMap<String, (functions::SocketHandler, Duration)>,
    schedules: BTreeMap<String, (functions::ScheduleHandler, Duration)>,
}

impl Parts {
    /// Every route of the template finds its function, of the right kind.
    fn sort(template: &Template, functions: BTreeMap<String, Code>) -> Result<Parts, String> {
        let mut parts = Parts::default();
        for (name, code) in functions {
            let timeout = template.functions.get(&name).map_or(Duration::MAX, |function| function.timeout);
            match code {
                Code::Http(router) => drop(parts.http.insert(name, router)),
                Code::Stream(handler) => drop(parts.streams.insert(name, (handler, timeout))),
                Code::Schedule(handler) => drop(parts.schedules.insert(name, (handler, timeout))),
                Code::Socket(handler) => {
                    for (route, _) in template.sockets.iter().filter(|(_, function)| **function == name) {
                        parts.sockets.insert(route.clone(), (Arc::clone(&handler), timeout));
                    }
                }
            }
        }
        match template.routes.iter().find(|route| !parts.http.contains_key(&route.function)) {
            Some(route) => Err(format!("{} {} leads to {}, which answers no HTTP", route.method, route.path, route.function)),
            None => Ok(parts),
        }
    }
}

async fn wait_for(mut stop: watch::Receiver<bool>) {
    // An error means that the stack is gone: stop as well.
    drop(stop.wait_for(|stop| *stop).await);
}

async fn stream_of(client: &aws_sdk_dynamodbstreams::Client, table: &str) -> Result<String, Crash> {
    let found = client.list_streams().table_name(table).send().await;
    let found = found.map_err(|error| format!("the table's stream: {}", DisplayErrorContext(error)))?;
    let arn = found.streams().iter().rev().find_map(|stream| stream.stream_arn());
    Ok(arn.ok_or("the table has no stream")?.to_owned())
}

fn fresh_name() -> Result<String, Crash> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Stack({})", self.url)
    }
}
