//! Bodies: JSON that is parsed at the edge, and documents that stay text.

use axum::body::HttpBody;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use domain::{json, limit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::wrong::{self, Wrong};

/// A JSON body, read into a type or written from one.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// A JSON body whose values have rules of their own, and what is wrong with it so far: the handler notes the rest there
/// and then answers all of it ([`Wrong::end`]). Each field of `T` has a default, which stands for what could not be read.
#[derive(Debug)]
pub struct Typed<T>(pub T, pub Wrong);

/// A JSON document that stays as it was written, checked to be JSON.
#[derive(Debug, Clone)]
pub struct Document(pub String);

/// A body of any kind, as it is.
#[derive(Debug, Clone)]
pub struct File(pub Vec<u8>);

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn bytes(request: Request, at_most: usize) -> Result<Vec<u8>, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::MediaType("a JSON body (Content-Type: application/json)"));
    }
    whole(request, at_most).await
}

async fn whole(request: Request, at_most: usize) -> Result<Vec<u8>, Problem> {
    match axum::body::to_bytes(request.into_body(), at_most).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
            while let Some(error) = cause {
                if error.is::<http_body_util::LengthLimitError>() {
                    return Err(Problem::TooLarge(at_most.min(limit::BODY_BYTES)));
                }
                cause = error.source();
            }
            Err(Problem::Malformed("the body ends too early, or is not compressed as Content-Encoding says".to_owned()))
        }
    }
}

/// Reads a body by its shape, with a note of each field that does not fit.
async fn read<T: DeserializeOwned>(request: Request) -> Result<(T, Wrong), Problem> {
    let bytes = bytes(request, limit::BODY_BYTES).await?;
    // A list would be read as the fields of a type in their order, which nobody means.
    let object = bytes.trim_ascii_start().starts_with(b"{");
    match serde_json::from_slice(&bytes) {
        Ok(value) if object => Ok((value, Wrong::default())),
        _ => {
            // The slow way is for bodies that are refused.
            let body = serde_json::from_slice(&bytes).map_err(|error| Problem::Malformed(format!("the body is not JSON: {error}")))?;
            wrong::read(body)
        }
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, Problem> {
        let (value, wrong) = read(request).await?;
        wrong.end().map(|()| Json(value))
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Typed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Typed<T>, Problem> {
        let (value, wrong) = read(request).await?;
        Ok(Typed(value, wrong))
    }
}

/// The fields of a form, or of a JSON body: what OAuth's clients send, and what ours do.
#[derive(Debug, Clone, Copy)]
pub struct Fields<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Fields<T>, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return <Json<T> as FromRequest<S>>::from_request(request, state).await.map(|Json(fields)| Fields(fields));
        }
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Fields(fields)),
            Err(rejection) => Err(Problem::Malformed(format!("the form cannot be read: {}", rejection.body_text()))),
        }
    }
}

impl<T: DeserializeOwned, S: Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    /// `None` where there is no body.
    async fn from_request(request: Request, state: &S) -> Result<Option<Json<T>>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Json<T> as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<S: Sync> FromRequest<S> for Document {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Document, Problem> {
        let bytes = bytes(request, limit::UNPACKED_BODY_BYTES).await?;
        let text = json::decode(&bytes).map_err(|rejected| Problem::Malformed(rejected.0))?;
        json::check(&text, limit::JSON_DEPTH).map_err(|bad| {
            Problem::Malformed(format!("the body is not JSON: {} (line {}, column {})", bad.reason, bad.line, bad.column))
        })?;
        Ok(Document(text))
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl<S: Sync> FromRequest<S> for File {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<File, Problem> {
        Ok(File(whole(request, limit::UNPACKED_BODY_BYTES).await?))
    }
}
