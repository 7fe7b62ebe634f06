//! The function `collections` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(collections::routes(), collections::NEEDS).await
}
