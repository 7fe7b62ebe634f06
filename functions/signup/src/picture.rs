//! A person's picture, and a team's logo: taken as a file, drawn anew, so that nothing of the file is kept but what is seen
//! in it.

use std::io::Cursor;

use app::{App, By, Json, Problem, Who, writes};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::{ManageTeam, ReadTeam};
use domain::ids::UserId;
use domain::limit;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use serde_json::{Value, json};
use store::pictures::Picture;

/// What is kept is a square of so many pixels.
const SIDE: u32 = 256;
/// A file's own claim about its size is not believed further than this, nor what it unfolds to.
const LONGEST_SIDE: u32 = 12_000;
const UNFOLDED_BYTES: u64 = 160 * 1024 * 1024;
/// Of 100. A face of 256 pixels takes some 20 KB.
const JPEG_QUALITY: u8 = 88;
const TAKEN: &str = "a picture as its body: image/png, image/jpeg, image/webp or image/gif";

/// The format that the caller says it is; what it is decides the file.
fn said(headers: &HeaderMap) -> Option<ImageFormat> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    match kind.split(';').next()?.trim().to_ascii_lowercase().as_str() {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/webp" => Some(ImageFormat::WebP),
        "image/gif" => Some(ImageFormat::Gif),
        _ => None,
    }
}

/// Draws the picture of a file anew, as a square: without metadata, and turned as its camera was held.
fn drawn(file: &[u8], format: ImageFormat) -> Result<(&'static str, Vec<u8>), image::ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(UNFOLDED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let turned = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(turned);
    let square = picture.resize_to_fill(SIDE, SIDE, FilterType::CatmullRom);
    let mut bytes = Vec::new();
    if square.color().has_alpha() && square.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX) {
        DynamicImage::from(square.to_rgba8()).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
        return Ok(("image/png", bytes));
    }
    DynamicImage::from(square.to_rgb8()).write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
    Ok(("image/jpeg", bytes))
}

/// What is kept of a file that somebody sends.
async fn taken(headers: &HeaderMap, file: Bytes) -> Result<Picture, Problem> {
    let format = said(headers).ok_or(Problem::MediaType(TAKEN))?;
    if limit::PICTURE_BYTES < file.len() {
        return Err(Problem::TooLarge(limit::PICTURE_BYTES));
    }
    // Off the async threads: a large picture takes a second.
    let drawn = tokio::task::spawn_blocking(move || drawn(&file, format));
    let drawn = drawn.await.map_err(|error| Problem::Internal(error.to_string()))?;
    let (media, bytes) = drawn.map_err(|error| {
        tracing::info!("a picture is not taken: {error}");
        Problem::field("", "this file is no picture of the kind that it says it is, or too large to be drawn")
    })?;
    let tag = app::Tokens::hash_bytes(&bytes).chars().take(16).collect();
    Ok(Picture { tag, media: media.to_owned(), bytes })
}

/// A picture as a file, or that it is what the caller has.
fn shown(picture: Picture, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", picture.tag);
    // `private`: who may see it is asked each time; the file itself need not be sent again.
    let kept = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if known.map(|one| one.trim().trim_start_matches("W/")).any(|one| one == "*" || one == tag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let file = [
        (header::CONTENT_TYPE, picture.media),
        (header::CONTENT_DISPOSITION, "inline".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    (kept, file, picture.bytes).into_response()
}

/// Set one's picture.
#[utoipa::path(
    put, path = "/api/me/picture", tag = "Accounts",
    request_body(content_type = "image/png", description = "The file itself: PNG, JPEG, WebP or GIF, at most 4 MB"),
    responses(
        (status = 200, description = "The picture is the caller's: `picture.url`"),
        (status = 413, description = "The file is too large"),
        (status = 415, description = "Another kind of file"),
        (status = 422, description = "The file cannot be read as what it says it is"),
    )
)]
pub(crate) async fn put(State(app): State<App>, Who(caller): Who, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Problem> {
    writes(&caller)?;
    let picture = taken(&headers, body).await?;
    app.store.set_picture(&caller, Some(&picture), app.now()).await?;
    Ok(Json(json!({"picture": {"url": address(caller.user, &picture.tag)}})))
}

/// Where a picture is. With the content in its name, so that a page shows the new one at once.
pub(crate) fn address(user: UserId, tag: &str) -> String {
    format!("/api/users/{user}/picture?v={tag}")
}

/// Take one's picture away.
#[utoipa::path(
    delete, path = "/api/me/picture", tag = "Accounts",
    responses((status = 200, description = "The caller has no picture (any more)"))
)]
pub(crate) async fn delete(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    writes(&caller)?;
    app.store.set_picture(&caller, None, app.now()).await?;
    Ok(Json(json!({"picture": null})))
}

/// Somebody's picture.
#[utoipa::path(
    get, path = "/api/users/{user}/picture", tag = "Accounts", params(("user" = u64, Path)), security((), ("token" = [])),
    responses(
        (status = 200, description = "The picture, 256 pixels square"),
        (status = 304, description = "It is what `If-None-Match` names"),
        (status = 404, description = "No such user, no picture, or nobody whom the caller may see"),
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    who: Option<Who>,
    app::Path(user): app::Path<UserId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let none = || Problem::NotFound("picture");
    let (person, picture) = tokio::try_join!(app.store.person(user), app.store.picture(user))?;
    let viewer = who.map(|Who(caller)| caller);
    person.filter(|person| person.seen_by(viewer.as_ref())).ok_or_else(none)?;
    Ok(shown(picture.ok_or_else(none)?, &headers))
}

/// Set the team's logo.
#[utoipa::path(
    put, path = "/api/teams/{team}/logo", tag = "Teams", params(("team" = u64, Path)),
    request_body(content_type = "image/png", description = "The file itself: PNG, JPEG, WebP or GIF, at most 4 MB"),
    responses(
        (status = 200, description = "The team's logo: `logo.url`"),
        (status = 413, description = "The file is too large"),
        (status = 415, description = "Another kind of file"),
        (status = 422, description = "The file cannot be read as what it says it is"),
    )
)]
pub(crate) async fn put_logo(
    State(app): State<App>,
    By(access): By<ManageTeam>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    app.store.set_logo(&access, Some(&taken(&headers, body).await?), app.now()).await?;
    let team = app.store.team(access.thing).await?.ok_or(Problem::NotFound("team"))?;
    Ok(Json(json!({"logo": {"url": team.logo_path()}})))
}

/// Take the team's logo away.
#[utoipa::path(
    delete, path = "/api/teams/{team}/logo", tag = "Teams", params(("team" = u64, Path)),
    responses((status = 200, description = "The team has no logo (any more)"))
)]
pub(crate) async fn delete_logo(State(app): State<App>, By(access): By<ManageTeam>) -> Result<Json<Value>, Problem> {
    app.store.set_logo(&access, None, app.now()).await?;
    Ok(Json(json!({"logo": null})))
}

/// The team's logo.
#[utoipa::path(
    get, path = "/api/teams/{team}/logo", tag = "Teams", params(("team" = u64, Path)),
    responses(
        (status = 200, description = "The logo, 256 pixels square"),
        (status = 304, description = "It is what `If-None-Match` names"),
        (status = 404, description = "No such team, or not a member; or no logo"),
    )
)]
pub(crate) async fn get_logo(State(app): State<App>, By(access): By<ReadTeam>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(shown(app.store.logo(access.thing).await?.ok_or(Problem::NotFound("logo"))?, &headers))
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    #[test]
    fn each_kind_becomes_a_small_square() {
        let wide = DynamicImage::from(RgbImage::from_fn(600, 300, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, 7])));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            let (media, bytes) = drawn(&file(&wide, format), format).unwrap();
            let read = image::load_from_memory(&bytes).unwrap();
            assert_eq!((read.width(), read.height(), media), (SIDE, SIDE, "image/jpeg"), "{format:?}");
        }
        // The worst there is: noise with holes.
        let noise = DynamicImage::from(RgbaImage::from_fn(256, 256, |x, y| {
            let bits = (x * 7919 + y * 104_729 + x * y * 31).wrapping_mul(2_654_435_761);
            Rgba(bits.to_le_bytes())
        }));
        let (media, bytes) = drawn(&file(&noise, ImageFormat::Png), ImageFormat::Png).unwrap();
        assert_eq!(media, "image/png");
        assert!(bytes.len() < 300 * 1024, "{}", bytes.len());
    }

    #[test]
    fn nothing_of_the_file_is_kept_but_the_picture() {
        let picture = DynamicImage::from(RgbImage::from_pixel(40, 40, Rgb([9, 99, 199])));
        let mut with_note = file(&picture, ImageFormat::Jpeg);
        let note = b"\xff\xfe\x00\x14taken at my house.";
        with_note.splice(2..2, note.iter().copied());
        let (_, bytes) = drawn(&with_note, ImageFormat::Jpeg).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"my house"));
    }

    #[test]
    fn what_is_none_or_unfolds_too_far_is_refused() {
        assert!(drawn(b"<svg onload=alert(1)>", ImageFormat::Png).is_err());
        assert!(drawn(&[], ImageFormat::Gif).is_err());
        let small = DynamicImage::from(RgbImage::new(2, 2));
        assert!(drawn(&file(&small, ImageFormat::Png), ImageFormat::Jpeg).is_err(), "another kind than it says");
        // 20,000 by 20,000 pixels in some 100 bytes: the header alone decides.
        let mut bomb = file(&small, ImageFormat::Gif);
        bomb[6..10].copy_from_slice(&[0x20, 0x4e, 0x20, 0x4e]);
        assert!(drawn(&bomb, ImageFormat::Gif).is_err());
        let long = DynamicImage::from(image::GrayImage::new(1, LONGEST_SIDE + 1));
        assert!(drawn(&file(&long, ImageFormat::Png), ImageFormat::Png).is_err());
    }
}
