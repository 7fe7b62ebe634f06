//! The function `realtime` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::run(realtime::NEEDS, |app, event| async move { realtime::handle(&app, event).await }).await
}
