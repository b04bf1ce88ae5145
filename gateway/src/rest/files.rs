//! Files.

use super::{
    answer::written,
    request::{Id, Reader, Writer},
};
use crate::{
    App, Problem,
    files::{Asked, content, thumbnail},
    operations::upload,
    resource::Uploaded,
};
use axum::{
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
};
use domain::FileId;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(bring)).routes(routes!(fetch)).routes(routes!(fetch_thumb))
}

/// A form with files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its shape is for the document: the body is read as it comes")]
struct Upload {
    /// The files: each part that has a filename, whatever its name.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

/// Uploads files: at most 10 of 25 MiB each, and 5,000 files and 1 GiB in 24 hours, unless configured otherwise. All are stored, or none.
/// What a file is follows from its bytes. A file is seen by whoever uploaded it, until something refers to it: only who
/// uploaded it can attach it, or make it a picture. One to which nothing refers a day later is removed. Of pictures
/// of up to 32 million pixels thumbnails are made, of an account's as long as they come to 2,000 million pixels, and a million
/// more each second; further ones have none. Whoever brings less than 4 KiB a second is answered 408; when all places are
/// taken, the slowest below 64 KiB a second.
#[utoipa::path(
    post, path = "/files", tag = "files",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "one file, or a list when there were several", body = Uploaded),
        (status = 400, description = "the body cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "a file is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "the body is not multipart/form-data", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too many at once, or in 24 hours", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn bring(State(app): State<App>, writer: Writer, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    Ok(written(&app, upload(&writer.call(&app)?, &head.headers, body).await?).await)
}

/// A file, for whoever uploaded it or sees something that refers to it: a message, the picture of a person, or of a group
/// one is in. Pictures, films and sounds are shown where they are; all else is saved. Takes `Range`, `If-Range`,
/// `If-None-Match` and `HEAD`. It breaks off when the session ends.
#[utoipa::path(
    get, path = "/files/{id}", tag = "files",
    params(
        ("id" = Uuid, Path),
        ("Range" = Option<String>, Header, description = "one range of bytes; of several the whole file is answered"),
        ("If-Range" = Option<String>, Header), ("If-None-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "the file", body = Vec<u8>, content_type = "*/*",
         headers(("ETag" = String), ("Content-Disposition" = String), ("Cache-Control" = String))),
        (status = 206, description = "some of it", body = Vec<u8>, content_type = "*/*",
         headers(("Content-Range" = String))),
        (status = 304, description = "it is what the caller has"),
        (status = 416, description = "it is shorter than that", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn fetch(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(file): Id<FileId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let line = app.lifeline(&caller, false).await?;
    let file = app.queries.file(caller.user, file, false, (app.clock)()).await?;
    Ok(content(&app.files, &file, &Asked::of(&headers)).await?.map(|body| line.bind(body)))
}

/// The thumbnail of a picture: a JPEG of at most 320 pixels a side, for whoever may see the picture, or something that
/// refers to its thumbnail. Takes `If-None-Match` and `HEAD`.
#[utoipa::path(
    get, path = "/files/{id}/thumb", tag = "files",
    params(("id" = Uuid, Path), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "the thumbnail", body = Vec<u8>, content_type = "image/jpeg",
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "it is what the caller has"),
    )
)]
async fn fetch_thumb(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(file): Id<FileId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.queries.file(caller.user, file, true, (app.clock)()).await?;
    thumbnail(&app.files, &file, &Asked::of(&headers)).await
}
