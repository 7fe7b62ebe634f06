//! The function `signup` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(signup::routes(), signup::NEEDS).await
}
