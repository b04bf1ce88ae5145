//! An uploaded file.

use commands::UploadFile;
use domain::{FileId, Timestamp};
use projections::queries::FileRow;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An uploaded file, as messages and pictures refer to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoredFile)]
pub struct File {
    /// Its id.
    pub id: Uuid,
    /// Where it is served, for people who may see something that refers to it: a path of this server.
    #[schema(example = "/files/01930000-0000-7000-8000-000000000001")]
    pub file_url: String,
    /// Where its thumbnail is served: a JPEG of at most 320 pixels a side; null for a file that is no
    /// image, and for an image that the server does not decode (HEIC, AVIF).
    pub thumb_url: Option<String>,
    /// Its name, without the path that may have stood before it.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// What its bytes say it is; `application/octet-stream` for what is not known, or might be run.
    pub mime: String,
}

/// Links to a file that need no header.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileLink {
    /// Which file.
    #[schema(value_type = Uuid)]
    pub id: FileId,
    /// A path of this server that leads to it, or to its thumbnail, if the caller may see that alone.
    pub url: String,
    /// One that leads to its thumbnail; null when it has none.
    pub thumb_url: Option<String>,
    /// Until when they are good.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// What was uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Uploaded {
    /// The request had one file.
    One(File),
    /// The request had several.
    Several {
        /// The files, in the order of the request.
        items: Vec<File>,
    },
}

impl File {
    /// A file as it was stored.
    pub fn stored(id: FileId, file: &UploadFile, thumb: bool) -> Self {
        Self {
            id: id.0,
            file_url: id.url(),
            thumb_url: thumb.then(|| id.thumb_url()),
            name: file.label.name.to_string(),
            size: file.size,
            mime: file.mime.to_string(),
        }
    }
}

impl From<FileRow> for File {
    fn from(row: FileRow) -> Self {
        Self {
            id: row.id.0,
            file_url: row.id.url(),
            thumb_url: row.thumb.then(|| row.id.thumb_url()),
            name: row.name.unwrap_or_default(),
            size: row.size,
            mime: row.mime,
        }
    }
}
