//! The function `teams` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(teams::routes(), teams::NEEDS).await
}
