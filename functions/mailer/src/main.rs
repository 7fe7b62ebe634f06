//! The function `mailer` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::run(mailer::NEEDS, |app, event| async move { mailer::handle(&app, event).await }).await
}
