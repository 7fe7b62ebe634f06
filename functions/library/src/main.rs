//! The function `library` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(library::routes(), library::NEEDS).await
}
