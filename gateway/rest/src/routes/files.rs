//! Files.

use super::{
    answer::written,
    body::{Body, plain},
    budget::counted,
    request::{Id, Reader, Writer},
};
use crate::{HttpApp, Linked, upload};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, Method},
    response::Response,
};
use domain::FileId;
use files::{Asked, content, thumbnail};
use limits::Kind;
use operations::App;
use projections::queries::{FileRow, QueryError};
use protocol::{
    Problem,
    request::{Faults, Parse},
    resource::{FileLink, List, Uploaded},
};
use realtime::Caller;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Links of one request.
const MAX_LINKS: usize = 50;

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(counted(Kind::Upload, routes!(bring)))
        .routes(routes!(fetch))
        .routes(routes!(fetch_thumb))
        .routes(counted(Kind::Read, routes!(link)))
        .routes(routes!(follow))
}

/// A form with files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its shape is for the document: the body is read as it comes")]
struct Upload {
    /// The files: each part that has a filename. `files`, `file[]` and `files[]` are read as `file`.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

/// Uploads files: at most 10 of 25 MiB each, and 5,000 files and 1 GiB in 24 hours, unless configured otherwise. All are stored, or none.
/// The media type follows from the bytes. Images (JPEG, PNG, WebP, GIF, TIFF, HEIC, AVIF, JPEG XL, JPEG 2000) and videos (MP4, QuickTime, 3GP, WebM, Matroska) lose
/// their metadata (place, time, device), but not their orientation; size and digest are those of the stored bytes. Audio, documents, camera
/// raws and videos over 64 MiB are stored unchanged, with their metadata. An image that cannot be parsed is stored unchanged, as
/// `application/octet-stream`. Until something refers to a file, only its uploader sees it. A person who sees it can attach it; its uploader can make it a picture. A file to which nothing refers a day later is removed. JPEG, PNG, WebP, GIF, BMP
/// and TIFF images of up to 32 million pixels get a thumbnail, within 2,000 million pixels of an account and a million more each
/// second. HEIC, AVIF, JPEG XL and JPEG-compressed TIFF images get none, nor do videos. An upload slower than 4 KiB a second is answered 408; when all permits are
/// taken, so is the slowest below 64 KiB a second.
#[utoipa::path(
    post, path = "/files", operation_id = "uploadFiles", tag = "files",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "one file, or a list when there were several", body = Uploaded),
        (status = 400, description = "the body cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "a file is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "the body is not multipart/form-data", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too many at once, or in 24 hours", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn bring(State(app): State<HttpApp>, writer: Writer, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    plain(&head.headers)?;
    Ok(written(&app, upload(&writer.request(&app)?, &app.files, &head.headers, body).await?).await)
}

/// A file, for its uploader and for people who see something that refers to it: a message, the picture of a person, or
/// of a group one is in. Pictures, films and sounds are shown where they are; all else is saved. Takes `Range`,
/// `If-Range`, `If-Match`, `If-None-Match` and `HEAD`. It breaks off when the session ends.
#[utoipa::path(
    get, path = "/files/{id}", operation_id = "getFile", tag = "files",
    params(
        ("id" = Uuid, Path),
        ("Range" = Option<String>, Header, description = "one range of bytes; of several the whole file is answered"),
        ("If-Range" = Option<String>, Header), ("If-None-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "the file", body = Vec<u8>, content_type = "*/*",
         headers(("Accept-Ranges" = String), ("ETag" = String), ("Content-Disposition" = String))),
        (status = 206, description = "some of it", body = Vec<u8>, content_type = "*/*",
         headers(("Accept-Ranges" = String), ("Content-Range" = String), ("ETag" = String),
                 ("Content-Disposition" = String))),
        (status = 304, description = "it is what the caller has", headers(("ETag" = String))),
        (status = 412, description = "it is not what `If-Match` names", body = Problem,
         content_type = "application/problem+json"),
        (status = 416, description = "it is shorter than that", body = Problem, content_type = "application/problem+json",
         headers(("Content-Range" = String))),
    )
)]
async fn fetch(
    State(app): State<HttpApp>,
    Reader(caller): Reader,
    Id(file): Id<FileId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    fetched(app, caller, file, &Asked::of(&method, &headers)).await
}

/// A file as the caller sees it now, for as long as they do.
async fn fetched(app: HttpApp, caller: Caller, file: FileId, asked: &Asked) -> Result<Response, Problem> {
    let line = app.hub.lifeline(&app.commands, &caller, false).await?;
    let file = app.queries.file(caller.user, file, false, (app.clock)()).await?;
    let response = content(&app.files, &file, asked).await?;
    let (user, file) = (caller.user, file.id);
    // While the read models are away nobody can say that it has ended.
    let may = move || {
        let app = app.clone();
        async move { !matches!(app.queries.file(user, file, false, (app.clock)()).await, Err(QueryError::NotFound)) }
    };
    Ok(response.map(|body| line.bind_while(body, may)))
}

/// Files to link to.
#[derive(ToSchema)]
struct WantedLinks {
    /// Which: at most 50.
    #[schema(value_type = Vec<Uuid>)]
    ids: Vec<FileId>,
}

impl Parse for WantedLinks {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let ids: Vec<FileId> = object.required("ids")?;
        if ids.len() > MAX_LINKS {
            return object.fault("ids", "too_many", format!("must be at most {MAX_LINKS}"));
        }
        Some(Self { ids })
    }
}

/// Links to files that need no header: for `<img>`, on pages of any origin, and downloads. Each is good for 10 minutes, as long as the session that
/// asked lives, and shows what its account may see when it is followed. Of a file of which the caller may see the thumbnail
/// alone, `url` leads to the thumbnail, too. Files that the caller may not see are left out.
#[utoipa::path(
    post, path = "/files/links", operation_id = "createFileLinks", tag = "files", request_body = WantedLinks,
    responses((status = 200, body = List<FileLink>))
)]
async fn link(
    State(app): State<App>,
    Reader(caller): Reader,
    Body(wanted): Body<WantedLinks>,
) -> Result<Json<List<FileLink>>, Problem> {
    let (now, who) = ((app.clock)(), (caller.user, caller.session));
    let mut items = Vec::with_capacity(wanted.ids.len());
    for id in wanted.ids {
        let Some((file, is_whole)) = seen(&app, &caller, id).await? else { continue };
        let url = |thumb| {
            let issued = app.tokens.issue_link(who, id, thumb, now);
            let (token, expires_at) = issued.map_err(Problem::internal)?;
            Ok::<_, Problem>((format!("/files/links/{token}"), expires_at))
        };
        let thumb_url = if file.thumb { Some(url(true)?.0) } else { None };
        let (url, expires_at) = url(!is_whole)?;
        items.push(FileLink { id, url, thumb_url, expires_at });
    }
    Ok(Json(List::whole(items)))
}

/// The file, if the caller sees it or its thumbnail, and whether they see all of it.
async fn seen(app: &App, caller: &Caller, id: FileId) -> Result<Option<(FileRow, bool)>, Problem> {
    for is_whole in [true, false] {
        match app.queries.file(caller.user, id, !is_whole, (app.clock)()).await {
            Ok(file) if is_whole || file.thumb => return Ok(Some((file, is_whole))),
            Ok(_) | Err(QueryError::NotFound) => (),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// What a link leads to: a file, or its thumbnail, as for the account that asked for the link. One that is over, or leads to
/// what that account may no longer see, is 404.
#[utoipa::path(
    get, path = "/files/links/{token}", operation_id = "followFileLink", tag = "files", security(()),
    params(
        ("token" = String, Path), ("Range" = Option<String>, Header, description = "one range of bytes"),
        ("If-Range" = Option<String>, Header), ("If-None-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "the file", body = Vec<u8>, content_type = "*/*",
         headers(("Accept-Ranges" = String), ("ETag" = String), ("Content-Disposition" = String))),
        (status = 206, description = "some of it", body = Vec<u8>, content_type = "*/*",
         headers(("Accept-Ranges" = String), ("Content-Range" = String), ("ETag" = String),
                 ("Content-Disposition" = String))),
        (status = 304, description = "it is what the caller has", headers(("ETag" = String))),
        (status = 404, description = "the link is over, or its account may not see the file", body = Problem,
         content_type = "application/problem+json"),
        (status = 412, description = "it is not what `If-Match` names", body = Problem,
         content_type = "application/problem+json"),
        (status = 416, description = "it is shorter than that", body = Problem, content_type = "application/problem+json",
         headers(("Content-Range" = String))),
    )
)]
async fn follow(
    State(app): State<HttpApp>,
    Linked(caller, link): Linked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::of(&method, &headers);
    if !link.thumb {
        return fetched(app, caller, link.file, &asked).await;
    }
    let file = app.queries.file(caller.user, link.file, true, (app.clock)()).await?;
    thumbnail(&app.files, &file, &asked).await
}

/// The thumbnail of a picture: a JPEG of at most 320 pixels a side, for people who may see the picture, or something
/// that refers to its thumbnail. Takes `If-None-Match` and `HEAD`.
#[utoipa::path(
    get, path = "/files/{id}/thumb", operation_id = "getThumbnail", tag = "files",
    params(("id" = Uuid, Path), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "the thumbnail", body = Vec<u8>, content_type = "image/jpeg",
         headers(("ETag" = String), ("Content-Disposition" = String))),
        (status = 304, description = "it is what the caller has", headers(("ETag" = String))),
    )
)]
async fn fetch_thumb(
    State(app): State<HttpApp>,
    Reader(caller): Reader,
    Id(file): Id<FileId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.queries.file(caller.user, file, true, (app.clock)()).await?;
    thumbnail(&app.files, &file, &Asked::of(&method, &headers)).await
}
