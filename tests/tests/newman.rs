//! Clients that people have: newman runs a collection straight from the server, by an API key or an access key in the address.

use std::path::Path;

use serde_json::json;
use tests::TestApp;
use tokio::process::Command;

/// `tests/run` installs it (npm, `tests/tools/package.json`).
fn newman() -> std::path::PathBuf {
    let newman = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/node_modules/.bin/newman");
    assert!(newman.exists(), "newman is not installed: run `tests/run --tools`");
    newman
}

#[tokio::test]
async fn newman_runs_a_collection() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    // It asks the server itself, with a variable, a script and an assertion.
    let collection = json!({
        "info": {"name": "Health", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "variable": [{"key": "base", "value": app.url()}],
        "item": [{"name": "folder", "item": [{
            "name": "is up",
            "event": [{"listen": "test", "script": {"exec": ["pm.test('200', () => pm.response.to.have.status(200));"], "type": "text/javascript"}}],
            "request": {"method": "GET", "url": {"raw": "{{base}}/_local/health", "host": ["{{base}}"], "path": ["_local", "health"]}},
        }]}],
    });
    let id = anna.post("/api/collections", collection).await.ok().at("/collection/id");
    let key = anna.post("/api/me/api-keys", json!({"name": "newman", "scope": "read"})).await.ok().at("/api_key/key");
    let (id, key) = (id.as_str().expect("id"), key.as_str().expect("key"));
    let address = format!("{}/api/collections/{id}?apikey={key}", app.url());
    let ended = Command::new(newman()).args(["run", &address, "--color", "off"]).output().await.expect("newman starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("is up") && said.contains("[200 OK"), "{said}");

    // Without an account, by an access key.
    let made = anna.post("/api/collection-access-keys", json!({"collectionId": id})).await.ok().at("/access_key/url");
    let ended = Command::new(newman()).args(["run", made.as_str().expect("url"), "--color", "off"]).output().await.expect("newman starts");
    assert!(ended.status.success(), "{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));

    // With a key that is not one it is told so.
    let refused = Command::new(newman()).args(["run", &address.replace(key, "PMAK-1-x-y"), "--color", "off"]).output().await;
    assert!(!refused.expect("newman starts").status.success());
    app.finish().await;
}
