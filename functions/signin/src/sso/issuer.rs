//! What is asked of issuers: where they are (discovery), their keys, and who somebody is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use app::{App, Outbound, Unreachable};
use domain::sso::{Provider, Vouched};
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreUserInfoClaims,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError,
    TokenResponse,
};

/// How long what an issuer says about itself is believed.
const BELIEVED: SignedDuration = SignedDuration::from_hours(1);
/// Issuers that a process remembers.
const REMEMBERED: usize = 200;

/// Never a shared secret, and never none: a public key of the issuer's checks what it signed.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] =
    [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::RsaSsaPssSha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256];

/// What we are to an issuer.
pub(crate) struct Relation {
    /// The issuer.
    pub(crate) issuer: String,
    /// What it calls us.
    pub(crate) client_id: String,
    /// What we show it.
    pub(crate) client_secret: String,
    /// Where it sends people back to.
    pub(crate) callback: String,
}

/// Why an issuer does not vouch for anybody.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It does not answer, or not as an issuer.
    Unreachable(String),
    /// What it says does not hold. For the log.
    Refused(String),
    /// It knows no address of the person.
    NoAddress,
    /// It does not say that the address is theirs.
    Unverified,
}

/// What belongs to one sign-in only.
pub(crate) struct Once {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
}

/// What issuers say about themselves, as this process knows it. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Issuers {
    known: Arc<Mutex<HashMap<String, (CoreProviderMetadata, Timestamp)>>>,
}

async fn send(outbound: Outbound, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
    outbound.send(request).await
}

impl Issuers {
    /// What an issuer says about itself, and its keys; `anew` asks it even if that is known.
    pub(crate) async fn metadata(&self, app: &App, issuer: &str, anew: bool) -> Result<CoreProviderMetadata, Failed> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned();
        if let Some((metadata, until)) = known
            && !anew
            && app.now() < until
        {
            return Ok(metadata);
        }
        let url = IssuerUrl::new(issuer.to_owned()).map_err(|error| Failed::Unreachable(error.to_string()))?;
        let http = |request| send(app.outbound.clone(), request);
        let metadata = CoreProviderMetadata::discover_async(url, &http).await.map_err(|error| Failed::Unreachable(plainly(&error)))?;
        let until = app.now().saturating_add(BELIEVED).unwrap_or(Timestamp::MAX);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if REMEMBERED <= known.len() {
            known.clear();
        }
        known.insert(issuer.to_owned(), (metadata.clone(), until));
        Ok(metadata)
    }

    /// Where a browser goes to be vouched for.
    pub(crate) async fn address(&self, app: &App, relation: &Relation, once: &Once) -> Result<String, Failed> {
        let metadata = self.metadata(app, &relation.issuer, false).await?;
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(relation.client_id.clone()), None)
            .set_redirect_uri(redirect(relation)?);
        let verifier = PkceCodeVerifier::new(once.verifier.clone());
        let (state, nonce) = (once.state.clone(), once.nonce.clone());
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || CsrfToken::new(state), || Nonce::new(nonce))
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let (url, _, _) = request.url();
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Failed::Unreachable("its authorization endpoint is no web address".to_owned()));
        }
        Ok(url.into())
    }

    /// Who the person is for whom the issuer gave a code.
    pub(crate) async fn vouched(
        &self,
        app: &App,
        provider: Provider,
        relation: &Relation,
        once: Once,
        code: String,
    ) -> Result<Vouched, Failed> {
        let mut metadata = self.metadata(app, &relation.issuer, false).await?;
        let http = |request| send(app.outbound.clone(), request);
        let secret = ClientSecret::new(relation.client_secret.clone());
        let basic = metadata.token_endpoint_auth_methods_supported().is_none_or(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretBasic) || !methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let client = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(relation.client_id.clone()), Some(secret))
            .set_redirect_uri(redirect(relation)?)
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody });
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| Failed::Unreachable(error.to_string()))?;
        let answer = exchange.set_pkce_verifier(PkceCodeVerifier::new(once.verifier)).request_async(&http).await;
        let answer = answer.map_err(|error| match error {
            openidconnect::RequestTokenError::Request(why) => Failed::Unreachable(why.to_string()),
            openidconnect::RequestTokenError::ServerResponse(refusal) => Failed::Refused(format!("no token: {}", refusal.error())),
            _ => Failed::Refused("what answers at its token endpoint is no token".to_owned()),
        })?;
        let token = answer.id_token().ok_or_else(|| Failed::Refused("it gives no ID token".to_owned()))?;
        let nonce = Nonce::new(once.nonce);
        let mut checked = token.claims(&verifier(app, relation, &metadata), &nonce);
        if matches!(checked, Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey))) {
            // The issuer has changed its keys since we asked.
            metadata = self.metadata(app, &relation.issuer, true).await?;
            checked = token.claims(&verifier(app, relation, &metadata), &nonce);
        }
        let claims = checked.map_err(|error| Failed::Refused(format!("its ID token does not hold: {}", plainly(&error))))?;
        let (mut email, mut verified) = (claims.email().map(|email| email.to_string()), claims.email_verified());
        let mut name = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        if email.is_none()
            && let Ok(asked) = client.user_info(answer.access_token().clone(), Some(claims.subject().clone()))
        {
            // Some issuers say what somebody's address is only when asked once more.
            let more: CoreUserInfoClaims = asked.request_async(&http).await.map_err(|error| Failed::Unreachable(plainly(&error)))?;
            (email, verified) = (more.email().map(|email| email.to_string()), more.email_verified());
            name = name.or_else(|| more.name().and_then(|name| name.get(None)).map(|name| name.to_string()));
        }
        if verified == Some(false) || (provider == Provider::Google && verified != Some(true)) {
            return Err(Failed::Unverified);
        }
        let email = email.filter(|email| !email.is_empty()).ok_or(Failed::NoAddress)?;
        Ok(Vouched { provider, issuer: relation.issuer.clone(), subject: claims.subject().to_string(), email, name })
    }
}

fn redirect(relation: &Relation) -> Result<RedirectUrl, Failed> {
    RedirectUrl::new(relation.callback.clone()).map_err(|error| Failed::Unreachable(error.to_string()))
}

/// Checks issuer, audience, time, nonce and signature, the last with the keys that the issuer publishes.
fn verifier<'a>(app: &'a App, relation: &Relation, metadata: &CoreProviderMetadata) -> CoreIdTokenVerifier<'a> {
    let (client, keys) = (ClientId::new(relation.client_id.clone()), metadata.jwks().clone());
    CoreIdTokenVerifier::new_public_client(client, metadata.issuer().clone(), keys)
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(|| chrono::DateTime::from_timestamp(app.now().as_second(), 0).unwrap_or(chrono::DateTime::<chrono::Utc>::MAX_UTC))
}

/// An error with the reasons behind it. Those of a discovery that hold a whole answer say only that.
fn plainly(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(DiscoveryError::Response(status, ..)) = error.downcast_ref::<DiscoveryError<Unreachable>>() {
        return format!("it answers {status}");
    }
    let mut said = error.to_string();
    let mut reason = error.source();
    while let Some(next) = reason {
        said = format!("{said}: {next}");
        reason = next.source();
    }
    said
}
