//! The function `courier` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::run(courier::NEEDS, |app, event| async move { courier::handle(&app, event).await }).await
}
