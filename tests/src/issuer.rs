//! An issuer of OpenID Connect on this machine, real HTTP and all: discovery, keys, authorization that redirects at once,
//! tokens for a code with its PKCE verifier. And everything that one can get wrong, or do wrong on purpose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use app::Clock;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use local::Google;
use serde_json::{Value, json};

/// What it calls us.
pub const CLIENT_ID: &str = "postroom-client";
/// What we are to show it. The signs have to be encoded in HTTP Basic.
pub const CLIENT_SECRET: &str = "s3cret:with/signs+";

/// What is wrong with an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing.
    Nothing,
    /// Another nonce than the one that was sent.
    Nonce,
    /// For somebody else.
    Audience,
    /// Of another issuer.
    Issuer,
    /// Its time is over.
    Expired,
    /// Not signed, and saying so.
    None,
    /// Signed with the public key as a shared secret.
    Hmac,
    /// Signed with a key that is not the issuer's, under the name of one that is.
    ForeignKey,
    /// Signed with a key that the issuer does not publish, under a name of its own.
    UnknownKey,
    /// Changed after it was signed.
    Tampered,
}

/// Somebody whom the issuer knows.
#[derive(Debug, Clone)]
pub struct Somebody {
    /// What it calls them.
    pub subject: String,
    /// Their address; `None`: it says none in the token.
    pub email: Option<String>,
    /// Whether it says that the address is theirs.
    pub verified: Option<bool>,
    /// Their name.
    pub name: String,
    /// Whether their address is told to who asks for it with the access token.
    pub told_when_asked: Option<String>,
}

impl Somebody {
    /// Somebody at `{name}@example.com`, confirmed.
    pub fn new(name: &str) -> Somebody {
        Somebody {
            subject: format!("subject of {name}"),
            email: Some(format!("{name}@example.com")),
            verified: Some(true),
            name: format!("{name} lee"),
            told_when_asked: None,
        }
    }
}

enum Key {
    Ec(EcdsaKeyPair),
    Rsa(aws_lc_rs::rsa::KeyPair),
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn ec() -> Key {
        Key::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn rsa() -> Key {
        Key::Rsa(aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Key::Ec(_) => "ES256",
            Key::Rsa(_) => "RS256",
        }
    }

    fn public(&self) -> Vec<u8> {
        match self {
            Key::Ec(key) => key.public_key().as_ref().to_vec(),
            Key::Rsa(key) => key.public_key().as_ref().to_vec(),
        }
    }

    fn published(&self, id: &str) -> Value {
        match self {
            Key::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": base64(&point[1..33]), "y": base64(&point[33..])})
            }
            Key::Rsa(key) => {
                let key = key.public_key();
                let (n, e) = (key.modulus().big_endian_without_leading_zero(), key.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": base64(n), "e": base64(e)})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Key::Ec(key) => key.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

struct Grant {
    challenge: String,
    nonce: String,
    redirect_uri: String,
    somebody: Somebody,
}

struct Inner {
    clock: Clock,
    somebody: Somebody,
    wrong: Wrong,
    calls_itself: Option<String>,
    /// Counts up with each change of keys.
    generation: u32,
    key: Key,
    grants: HashMap<String, Grant>,
    access: HashMap<String, Somebody>,
    codes: u32,
    /// How often it was asked for its keys, and for tokens.
    asked: (u32, u32),
    post_only: bool,
}

/// A running issuer; it ends with the test.
#[derive(Clone)]
pub struct Issuer {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Issuer {
    /// Starts one that signs with ES256. `clock`: the time of its tokens.
    pub async fn start(clock: Clock) -> Issuer {
        Issuer::with(clock, Key::ec()).await
    }

    /// Starts one that signs with RS256, as Google does.
    pub async fn rsa(clock: Clock) -> Issuer {
        Issuer::with(clock, Key::rsa()).await
    }

    async fn with(clock: Clock, key: Key) -> Issuer {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Inner {
            clock,
            somebody: Somebody::new("nobody"),
            wrong: Wrong::Nothing,
            calls_itself: None,
            generation: 1,
            key,
            grants: HashMap::new(),
            access: HashMap::new(),
            codes: 0,
            asked: (0, 0),
            post_only: false,
        };
        let issuer = Issuer { url, inner: Arc::new(Mutex::new(inner)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// Its address, which is what it calls itself.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// It in place of Google.
    pub fn as_google(&self) -> Google {
        Google { issuer: self.url.clone(), client_id: CLIENT_ID.to_owned(), client_secret: CLIENT_SECRET.to_owned() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no handler panicked")
    }

    /// Who sits before the browser from now on.
    pub fn knows(&self, somebody: Somebody) {
        self.inner().somebody = somebody;
    }

    /// What is wrong with its tokens from now on.
    pub fn goes_wrong(&self, wrong: Wrong) {
        self.inner().wrong = wrong;
    }

    /// Calls itself something else from now on.
    pub fn calls_itself(&self, name: &str) {
        self.inner().calls_itself = Some(name.to_owned());
    }

    /// Takes the client's secret in the body only.
    pub fn wants_the_secret_in_the_body(&self) {
        self.inner().post_only = true;
    }

    /// Signs with another key from now on.
    pub fn rotates(&self) {
        let mut inner = self.inner();
        inner.generation += 1;
        inner.key = Key::ec();
    }

    /// How often it was asked for its keys, and for tokens.
    pub fn asked(&self) -> (u32, u32) {
        self.inner().asked
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Json<Value> {
    let inner = issuer.inner();
    let url = &issuer.url;
    let methods = if inner.post_only { json!(["client_secret_post"]) } else { json!(["client_secret_basic"]) };
    Json(json!({
        "issuer": inner.calls_itself.as_ref().unwrap_or(url),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/userinfo"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // It would like to be believed anything.
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": methods,
    }))
}

async fn keys(State(issuer): State<Issuer>) -> Json<Value> {
    let mut inner = issuer.inner();
    inner.asked.0 += 1;
    Json(json!({"keys": [inner.key.published(&format!("key {}", inner.generation))]}))
}

async fn authorize(State(issuer): State<Issuer>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let mut inner = issuer.inner();
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let scopes = of("scope");
    let right = of("client_id") == CLIENT_ID
        && of("response_type") == "code"
        && of("code_challenge_method") == "S256"
        && scopes.split(' ').any(|scope| scope == "openid")
        && !of("state").is_empty()
        && !of("nonce").is_empty();
    if !right {
        return (StatusCode::BAD_REQUEST, format!("this is no request: {asked:?}")).into_response();
    }
    inner.codes += 1;
    let code = format!("code-{}", inner.codes);
    let (somebody, redirect_uri) = (inner.somebody.clone(), of("redirect_uri"));
    let back = format!("{redirect_uri}?code={code}&state={}&iss={}", of("state"), issuer.url.replace(':', "%3A").replace('/', "%2F"));
    let grant = Grant { challenge: of("code_challenge"), nonce: of("nonce"), redirect_uri, somebody };
    inner.grants.insert(code, grant);
    Redirect::to(&back).into_response()
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

/// RFC 6749, 2.3.1: both parts are encoded as in a form before they are put together.
fn decoded(text: &str) -> String {
    let pairs: Vec<(String, String)> = serde_urlencoded(&format!("x={text}"));
    pairs.into_iter().next().map(|(_, value)| value).unwrap_or_default()
}

fn serde_urlencoded(text: &str) -> Vec<(String, String)> {
    let uri: axum::http::Uri = format!("/?{text}").parse().expect("a query");
    Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default()
}

fn is_our_client(inner: &Inner, headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
    let right = |id: &str, secret: &str| id == CLIENT_ID && secret == CLIENT_SECRET;
    if inner.post_only {
        return right(form.get("client_id").map_or("", String::as_str), form.get("client_secret").map_or("", String::as_str));
    }
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let text = basic.and_then(|basic| String::from_utf8(STANDARD.decode(basic).ok()?).ok()).unwrap_or_default();
    text.split_once(':').is_some_and(|(id, secret)| right(&decoded(id), &decoded(secret)))
}

async fn token(State(issuer): State<Issuer>, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    let mut inner = issuer.inner();
    inner.asked.1 += 1;
    if !is_our_client(&inner, &headers, &form) {
        return refused("invalid_client");
    }
    let of = |name: &str| form.get(name).map_or("", String::as_str);
    // A code is good once.
    let Some(grant) = inner.grants.remove(of("code")) else { return refused("invalid_grant") };
    let challenge = base64(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, of("code_verifier").as_bytes()));
    if challenge != grant.challenge || of("redirect_uri") != grant.redirect_uri || of("grant_type") != "authorization_code" {
        return refused("invalid_grant");
    }
    let access = format!("access-{}", of("code"));
    let id_token = id_token(&inner, &issuer.url, &grant);
    inner.access.insert(access.clone(), grant.somebody);
    Json(json!({"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": id_token})).into_response()
}

fn id_token(inner: &Inner, url: &str, grant: &Grant) -> String {
    let (somebody, wrong) = (&grant.somebody, inner.wrong);
    let now = inner.clock.now().as_second();
    let mut claims = json!({
        "iss": if wrong == Wrong::Issuer { "https://other.example" } else { url },
        "aud": if wrong == Wrong::Audience { "somebody-else" } else { CLIENT_ID },
        "sub": somebody.subject,
        "nonce": if wrong == Wrong::Nonce { "another" } else { &grant.nonce },
        "iat": now - 600,
        "exp": if wrong == Wrong::Expired { now } else { now + 60 },
        "name": somebody.name,
        "picture": "https://pictures.example/not-taken.png",
    });
    if let Some(email) = &somebody.email {
        claims["email"] = json!(email);
    }
    if let Some(verified) = somebody.verified {
        claims["email_verified"] = json!(verified);
    }
    let id = match wrong {
        Wrong::UnknownKey => "a key of nobody".to_owned(),
        _ => format!("key {}", inner.generation),
    };
    let algorithm = match wrong {
        Wrong::None => "none",
        Wrong::Hmac => "HS256",
        _ => inner.key.algorithm(),
    };
    let head = base64(json!({"alg": algorithm, "kid": id, "typ": "JWT"}).to_string());
    let message = format!("{head}.{}", base64(claims.to_string()));
    let signature = match wrong {
        Wrong::None => Vec::new(),
        Wrong::Hmac => {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &inner.key.public());
            aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
        }
        Wrong::ForeignKey | Wrong::UnknownKey => Key::ec().sign(message.as_bytes()),
        _ => inner.key.sign(message.as_bytes()),
    };
    if wrong == Wrong::Tampered {
        claims["sub"] = json!("somebody else");
        return format!("{head}.{}.{}", base64(claims.to_string()), base64(signature));
    }
    format!("{message}.{}", base64(signature))
}

async fn userinfo(State(issuer): State<Issuer>, headers: HeaderMap) -> Response {
    let inner = issuer.inner();
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).unwrap_or_default();
    let Some(somebody) = inner.access.get(token) else { return StatusCode::UNAUTHORIZED.into_response() };
    Json(json!({"sub": somebody.subject, "email": somebody.told_when_asked, "email_verified": true})).into_response()
}
