//! The function `webhooks` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::run(webhooks::NEEDS, |app, event| async move { webhooks::handle(&app, event).await }).await
}
