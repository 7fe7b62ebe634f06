//! The function `docs` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(docs::routes(), docs::NEEDS).await
}
