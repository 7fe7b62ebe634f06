//! The function `console` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(console::routes(), console::NEEDS).await
}
