//! How OpenAPI says who may call.

use crate::Node;
use crate::model::auth;
use crate::report::Report;
use crate::schema::resolve;

/// One alternative (names of schemes that hold together) as a collection's authorization: the first that there is.
fn scheme(document: &Node, name: &str, report: &mut Report) -> Option<Node> {
    let schemes =
        document.get("components").and_then(|components| components.get("securitySchemes")).or_else(|| document.get("securityDefinitions"));
    let scheme = schemes.and_then(|schemes| schemes.get(name)).and_then(|scheme| resolve(document, scheme))?;
    let text = |key: &str| scheme.text(key).unwrap_or_default();
    match (text("type"), text("scheme").to_ascii_lowercase().as_str()) {
        ("basic", _) | ("http", "basic") => Some(auth("basic", &[("username", "{{username}}"), ("password", "{{password}}")])),
        ("http", "bearer") => Some(auth("bearer", &[("token", "{{bearerToken}}")])),
        ("http", "digest") => Some(auth("digest", &[("username", "{{username}}"), ("password", "{{password}}")])),
        ("apiKey", _) => {
            let place = match text("in") {
                "query" => "query",
                "header" => "header",
                other => {
                    report.changed(format!("an API key in a {other}: in a header"));
                    "header"
                }
            };
            Some(auth("apikey", &[("key", text("name")), ("value", "{{apiKey}}"), ("in", place)]))
        }
        ("oauth2", _) => {
            let flow = scheme.inside("flows").first();
            let holder = flow.map_or(scheme, |(_, flow)| flow);
            let grant = match flow.map_or(text("flow"), |(name, _)| name.as_str()) {
                "clientCredentials" | "application" => "client_credentials",
                "password" => "password_credentials",
                "implicit" => "implicit",
                _ => "authorization_code",
            };
            let scopes: Vec<&str> = holder.inside("scopes").iter().map(|(scope, _)| scope.as_str()).collect();
            let mut parameters = vec![("grant_type", grant), ("scope", ""), ("accessTokenUrl", ""), ("authUrl", "")];
            let scope = scopes.join(" ");
            parameters[1].1 = &scope;
            parameters[2].1 = holder.text("tokenUrl").unwrap_or_default();
            parameters[3].1 = holder.text("authorizationUrl").unwrap_or_default();
            parameters.retain(|(_, value)| !value.is_empty());
            Some(auth("oauth2", &parameters))
        }
        (kind, scheme) => {
            report.left(format!("authorization by {kind} {scheme}").trim_end().to_owned());
            None
        }
    }
}

/// A requirement: names of schemes that hold together; a collection has one.
pub(crate) fn wanted(document: &Node, wanted: &Node, report: &mut Report) -> Option<Node> {
    if wanted.members().len() > 1 {
        report.changed("where several kinds of authorization hold together, the first");
    }
    wanted.members().iter().find_map(|(name, _)| scheme(document, name, report))
}
