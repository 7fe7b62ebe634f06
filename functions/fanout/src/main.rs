//! The function `fanout` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::run(fanout::NEEDS, |app, event| async move { fanout::handle(&app, event).await }).await
}
