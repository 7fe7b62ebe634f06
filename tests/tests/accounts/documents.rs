//! What the API says about itself.

use tests::TestApp;

#[tokio::test]
async fn the_api_is_there_to_read_for_anybody() {
    let app = TestApp::start().await;
    let api = app.nobody().get("/api/openapi.json").await.ok();
    assert_eq!(api.at("/openapi"), "3.1.0");
    assert_eq!(api.at("/servers/0/url"), app.url());
    assert_eq!(api.header("access-control-allow-origin"), "*");
    assert_eq!(api.at("/paths/~1api~1openapi.json/get/security/0"), serde_json::json!({}));
    assert!(api.at("/components/schemas/SignUp/properties/email/description").as_str().is_some_and(|about| about.contains("mail")));
    let events = app.nobody().get("/api/asyncapi.json").await.ok();
    assert_eq!(events.at("/asyncapi"), "3.0.0");
    assert_eq!(events.at("/components/messages/changed/payload/properties/type/const"), "postroom.collection.changed");
    let page = app.nobody().get("/api/docs").await.ok();
    for part in ["id=\"postCollections\"", "/api/collections/{collection}/changes", "postroom.collection.changed", "Authorization: Bearer"]
    {
        assert!(page.text.contains(part), "no {part} in {page}");
    }
    assert!(page.header("content-security-policy").contains("script-src 'self'"), "{page}");
    app.nobody().get("/api/docs").header("if-none-match", &page.etag()).await.status(304);
    app.finish().await;
}
