//! The function `signin` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(signin::routes(), signin::NEEDS).await
}
