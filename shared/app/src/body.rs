//! Bodies: JSON that is parsed at the edge, and documents that stay text.

use axum::body::HttpBody;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use domain::{json, limit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Problem;

/// A JSON body, read into a type or written from one.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// A JSON document that stays as it was written, checked to be JSON.
#[derive(Debug, Clone)]
pub struct Document(pub String);

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn bytes(request: Request, at_most: usize) -> Result<Vec<u8>, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::MediaType("a JSON body (Content-Type: application/json)"));
    }
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

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, Problem> {
        let bytes = bytes(request, limit::BODY_BYTES).await?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let read = serde_path_to_error::deserialize(&mut reader);
        match read {
            Ok(value) => match reader.end() {
                Ok(()) => Ok(Json(value)),
                Err(error) => Err(Problem::Malformed(format!("the body is not JSON: {error}"))),
            },
            Err(error) => {
                let pointer: String = error
                    .path()
                    .iter()
                    .map(|segment| match segment {
                        serde_path_to_error::Segment::Seq { index } => format!("/{index}"),
                        serde_path_to_error::Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
                        serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => String::new(),
                    })
                    .collect();
                let inner = error.into_inner();
                if inner.is_data() {
                    Err(Problem::field(pointer, inner.to_string()))
                } else {
                    Err(Problem::Malformed(format!("the body is not JSON: {inner}")))
                }
            }
        }
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
