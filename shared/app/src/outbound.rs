//! The way to addresses that somebody gave us: an issuer of single sign-on, a webhook, a verifier.
//!
//! Whoever may name an address could name one that only we can reach (the metadata service, a neighbour in the network).
//! So nothing but public addresses is asked, whatever a name resolves to, and no redirect is followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{Request, Response, Uri};
use domain::limit;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;

/// A whole exchange takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client for addresses that are not ours. Cheap to clone; what it needs is made at the first use.
#[derive(Clone, Debug)]
pub struct Outbound {
    anywhere: bool,
    client: Arc<OnceLock<reqwest::Client>>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    /// The address may not be asked: the sentence says why. For whoever gave it.
    Refused(&'static str),
    /// It did not answer, or not in time, or too much. For the log, and in general terms for whoever gave it.
    Failed(String),
}

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unreachable::Refused(why) => f.write_str(why),
            Unreachable::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Unreachable {}

const NOT_HTTPS: &str = "the address has to begin with https://";
const NOT_PUBLIC: &str = "the address is not a public one";

impl Outbound {
    /// Asks public addresses by HTTPS, and nothing else.
    pub fn public() -> Outbound {
        Outbound { anywhere: false, client: Arc::default() }
    }

    /// Asks any address, by HTTP too: on a laptop, where the asked and the asking are one person's.
    pub fn anywhere() -> Outbound {
        Outbound { anywhere: true, client: Arc::default() }
    }

    /// Whether an address may be asked, as far as can be seen without asking. For the moment when somebody gives it.
    pub fn may_ask(&self, url: &Uri) -> Result<(), Unreachable> {
        let host = url.host().unwrap_or_default();
        if self.anywhere {
            let http = matches!(url.scheme_str(), Some("http" | "https"));
            return if http && !host.is_empty() { Ok(()) } else { Err(Unreachable::Refused("the address has to be an http(s) URL")) };
        }
        if url.scheme_str() != Some("https") || host.is_empty() {
            return Err(Unreachable::Refused(NOT_HTTPS));
        }
        // A name is looked at when it is resolved.
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) if !is_public(address) => Err(Unreachable::Refused(NOT_PUBLIC)),
            _ if is_local_name(host) => Err(Unreachable::Refused(NOT_PUBLIC)),
            _ => Ok(()),
        }
    }

    /// Sends a request and takes the whole answer, whatever its status. Redirects are answers.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable> {
        self.send_for(request, limit::OUTBOUND_ANSWER_BYTES).await
    }

    /// The same, for an answer that may be as long as this.
    pub async fn send_for(&self, request: Request<Vec<u8>>, at_most: usize) -> Result<Response<Vec<u8>>, Unreachable> {
        self.may_ask(request.uri())?;
        let request = reqwest::Request::try_from(request).map_err(|error| failed(&error))?;
        let mut answer = self.client()?.execute(request).await.map_err(|error| failed(&error))?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
            if at_most < body.len() + chunk.len() {
                return Err(Unreachable::Failed(format!("the answer is longer than {at_most} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = Response::new(body);
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }

    fn client(&self) -> Result<reqwest::Client, Unreachable> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .https_only(!self.anywhere)
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT / 2)
            .user_agent("Postroom");
        let builder = if self.anywhere { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
        let client = builder.build().map_err(|error| failed(&error))?;
        Ok(self.client.get_or_init(|| client).clone())
    }
}

/// Fields as a form sends them (`application/x-www-form-urlencoded`).
pub(crate) fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}

/// Says what failed, with the reasons behind it, without the address: it can hold a secret.
fn failed(error: &reqwest::Error) -> Unreachable {
    let mut said = match error {
        error if error.is_timeout() => "no answer in time".to_owned(),
        error if error.is_connect() => "no connection".to_owned(),
        _ => "the exchange failed".to_owned(),
    };
    let mut reason = std::error::Error::source(error);
    while let Some(next) = reason {
        said = format!("{said}: {next}");
        reason = next.source();
    }
    Unreachable::Failed(said)
}

/// Resolves names as the system does, and keeps what is public.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let local = ["localhost", "local", "internal", "localdomain", "home.arpa"];
    !host.contains(['.', ':'])
        || local.iter().any(|name| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Whether an address is reachable by everyone, after the registries of special addresses (RFC 6890 and its updates).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..] => true,
        [100, second, ..] => (64..128).contains(&second),
        [169, 254, ..] | [192, 168, ..] => true,
        [172, second, ..] => (16..32).contains(&second),
        [192, 0, 0 | 2, _] | [192, 88, 99, _] => true,
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        [first, ..] => 224 <= first,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // What carries an IPv4 address inside it (Teredo, 6to4), and documentation.
        [0x2001, 0, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_asked() {
        let refused = |url: &str| Outbound::public().may_ask(&url.parse().unwrap()).is_err();
        for url in [
            "http://example.com/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://printer/",
            "https://db.internal/",
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://100.64.0.1/",
            "https://172.31.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::]/",
            "/path",
        ] {
            assert!(refused(url), "{url}");
        }
        for url in
            ["https://example.com/", "https://8.8.8.8/", "https://172.32.0.1/", "https://[2606:4700::1111]/", "https://mylocal.example/"]
        {
            assert!(!refused(url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_for_a_private_address_is_refused_when_it_is_resolved() {
        let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert_eq!(resolved.err().unwrap().to_string(), NOT_PUBLIC);
    }
}
