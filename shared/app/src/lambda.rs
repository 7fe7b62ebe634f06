//! A function as a Lambda.

use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa_axum::router::OpenApiRouter;

use crate::{App, Crash, Var, serve, telemetry};

/// Runs an HTTP function behind API Gateway.
pub async fn serve(routes: OpenApiRouter<App>, needs: &[Var]) -> Result<(), Crash> {
    telemetry::start();
    let app = App::from_env(needs).await?;
    lambda_http::run(serve::host(routes, app)).await
}

/// Runs a function that events start.
pub async fn run<E, A, F, W>(needs: &[Var], handle: F) -> Result<(), Crash>
where
    E: DeserializeOwned,
    A: Serialize,
    F: Fn(App, E) -> W + Clone,
    W: Future<Output = Result<A, Crash>>,
{
    telemetry::start();
    let app = App::from_env(needs).await?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<E>| handle(app.clone(), event.payload))).await
}
