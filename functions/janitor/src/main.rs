//! The function `janitor` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::run(janitor::NEEDS, |app, event| async move { janitor::handle(&app, event).await }).await
}
