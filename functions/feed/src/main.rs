//! The function `feed` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(feed::routes(), feed::NEEDS).await
}
