//! The product's functions by name, as the template's binaries are called, and the variables each of them is given.

use crate::stream::Handler;
use crate::template::Template;
use app::{App, Clock, Config, Dns, GivenDns, Outbound, PartnerSecrets, Partners, Passwords, Payments, Tokens, Var, Waiting, Wiring};
use aws_config::SdkConfig;
use aws_lambda_events::event::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use axum::Router;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The function of the WebSocket routes.
pub type SocketHandler =
    Arc<dyn Fn(ApiGatewayWebsocketProxyRequest) -> BoxFuture<'static, Result<ApiGatewayProxyResponse, String>> + Send + Sync>;
/// A function that a schedule calls.
pub type ScheduleHandler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// What every function is wired to.
pub struct Surroundings {
    /// The local value of each variable that the cloud computes.
    pub values: BTreeMap<&'static str, String>,
    /// Credentials, region, HTTP client.
    pub aws: SdkConfig,
    /// Where the table is.
    pub dynamodb: String,
    /// Where mails go.
    pub ses: String,
    /// Where events go.
    pub events: String,
    /// What others gave whoever runs this.
    pub partners: Partners,
    /// The signing keys.
    pub tokens: Tokens,
    /// The way to addresses that somebody gave us, shared so that connections are.
    pub outbound: Outbound,
    /// Who waits for changes: what `fanout` tells, the others hear.
    pub waiting: Waiting,
    /// The time.
    pub clock: Clock,
    /// How teams pay.
    pub payments: Payments,
    /// What the DNS says.
    pub dns: GivenDns,
    /// Shared, so that the memory of one hash is there once.
    pub passwords: Passwords,
}

/// A function's code.
pub enum Code {
    /// Answers HTTP requests.
    Http(Router),
    /// Reads the stream.
    Stream(Handler),
    /// Talks over WebSockets.
    Socket(SocketHandler),
    /// Runs from time to time.
    Schedule(ScheduleHandler),
}

/// All functions of the template, each with an `App` of its own that knows only what the template gives it.
pub fn all(template: &Template, around: &Surroundings) -> Result<BTreeMap<String, Code>, String> {
    let each = template.functions.iter().map(|(name, function)| {
        let config = config(name, &function.variables, &around.values)?;
        // As in the cloud, who is not given the secret has no keys.
        let tokens = if config.token_secret_id.is_empty() { Tokens::none() } else { around.tokens.clone() };
        let partners =
            if config.partners_secret_id.is_empty() { Partners::given(PartnerSecrets::default()) } else { around.partners.clone() };
        let mut app = App::new(Wiring {
            config,
            aws: around.aws.clone(),
            dynamodb: Some(around.dynamodb.clone()),
            ses: Some(around.ses.clone()),
            events: Some(around.events.clone()),
            partners,
            tokens,
            outbound: around.outbound.clone(),
            waiting: around.waiting.clone(),
            clock: around.clock.clone(),
        });
        app.passwords = around.passwords.clone();
        app.dns = Dns::Given(around.dns.clone());
        if !app.config.stripe_secret_id.is_empty() {
            app.payments = around.payments.clone();
        }
        let code = code(name, app).ok_or_else(|| format!("the template has a function {name}, the local stack has not"))?;
        Ok((name.clone(), code))
    });
    each.collect()
}

fn config(function: &str, variables: &BTreeMap<String, Option<String>>, values: &BTreeMap<&'static str, String>) -> Result<Config, String> {
    let mut given = BTreeMap::new();
    for (name, literal) in variables {
        let value = values.get(name.as_str()).or(literal.as_ref());
        let value = value.ok_or_else(|| format!("{function}: the local stack has no value for {name}"))?;
        given.insert(name.as_str(), value.clone());
    }
    let named: Vec<Var> = Var::ALL.into_iter().filter(|var| given.contains_key(var.name())).collect();
    Config::read(&named, |name| given.get(name).cloned()).map_err(|error| format!("{function}: {error}"))
}

fn code(name: &str, app: App) -> Option<Code> {
    let http = |routes| Code::Http(app::serve::host(routes, app.clone()));
    Some(match name {
        "collections" => http(collections::routes()),
        "console" => http(console::routes()),
        "docs" => http(docs::routes()),
        "feed" => http(feed::routes()),
        "invites" => http(invites::routes()),
        "library" => http(library::routes()),
        "signin" => http(signin::routes()),
        "signup" => http(signup::routes()),
        "teams" => http(teams::routes()),
        "fanout" => Code::Stream(Arc::new(move |event| {
            let app = app.clone();
            async move { fanout::handle(&app, event).await.map_err(|error| error.to_string()) }.boxed()
        })),
        "mailer" => Code::Stream(Arc::new(move |event| {
            let app = app.clone();
            async move { mailer::handle(&app, event).await.map_err(|error| error.to_string()) }.boxed()
        })),
        "realtime" => Code::Socket(Arc::new(move |event| {
            let app = app.clone();
            async move { realtime::handle(&app, event).await.map_err(|error| error.to_string()) }.boxed()
        })),
        "courier" => Code::Schedule(Arc::new(move |event| {
            let app = app.clone();
            async move { courier::handle(&app, event).await.map_err(|error| error.to_string()) }.boxed()
        })),
        "webhooks" => Code::Schedule(Arc::new(move |event| {
            let app = app.clone();
            async move { webhooks::handle(&app, event).await.map_err(|error| error.to_string()) }.boxed()
        })),
        "janitor" => Code::Schedule(Arc::new(move |event| {
            let app = app.clone();
            async move { janitor::handle(&app, event).await.map_err(|error| error.to_string()) }.boxed()
        })),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_knows_what_the_template_gives_it_and_no_more() {
        let values = BTreeMap::from([("TABLE_NAME", "t".to_owned()), ("PAGES_URL", "http://localhost:1".to_owned())]);
        let variables = BTreeMap::from([("TABLE_NAME".to_owned(), None), ("MAIL_FROM".to_owned(), Some("a@example.com".to_owned()))]);
        let config = config("mailer", &variables, &values).unwrap();
        assert_eq!((config.table.as_str(), config.mail_from.as_str()), ("t", "a@example.com"));
        assert_eq!(config.pages_url, "");
        let unknown = BTreeMap::from([("BUCKET".to_owned(), None)]);
        assert!(super::config("docs", &unknown, &values).unwrap_err().contains("docs: the local stack has no value for BUCKET"));
    }
}
