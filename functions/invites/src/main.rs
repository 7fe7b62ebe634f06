//! The function `invites` as a Lambda.

#[tokio::main]
async fn main() -> Result<(), app::Crash> {
    app::lambda::serve(invites::routes(), invites::NEEDS).await
}
