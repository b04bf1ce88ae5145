//! Receives uploads and stores them while they arrive. No event is appended until all files of a request are valid.

use super::{
    Files, away,
    bare::{Bare, Container, bare},
    kind::{self, HEAD},
    name,
    parts::{FIELD, Part, Parts, too_large, too_slow},
    upload_limiter::{UploadPermit, too_many},
};
use axum::{body::Body, http::HeaderMap};
use blobs::BlobKey;
use commands::UploadFile;
use domain::{
    FileId, Timestamp, UserId,
    file::{FileLabel, Sha256},
    text::MediaType,
};
use metrics::counter;
use projections::Queries;
use protocol::{Problem, request::unknown};
use std::{net::IpAddr, time::Duration};
use tokio::time::timeout;

/// The same for several files; libraries that send lists put `[]` behind either.
const FIELDS: &str = "files";
/// What a body may have besides its files, in bytes; per file and once more.
const AROUND: u64 = 64 * 1024;
/// The largest image or video whose metadata is removed, in bytes. It is in memory twice.
const LARGEST: u64 = 64 << 20;
/// How long what is still being sent is read, once it is known to be wrong.
const DRAIN: Duration = Duration::from_secs(5);
/// Over which time the quota counts, in milliseconds.
const DAY: i64 = 24 * 3_600 * 1_000;

/// Stored bytes without an event. Dropped, they are removed.
pub struct Received {
    /// What the event is to say.
    pub file: UploadFile,
    stored: Option<Files>,
}

impl Received {
    /// Keeps the bytes: their event was appended, or may have been.
    pub fn keep(mut self) {
        self.stored = None;
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let (Some(files), id) = (self.stored.take(), self.file.id) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // What is not removed here is found by the next sweep.
            if let Err(error) = files.remove(id).await {
                tracing::debug!(file.id = %id, error.cause = %error, "an abandoned upload could not be removed yet");
            }
        });
    }
}

/// The files of a request, and the permit that counts them until their events are appended.
pub struct Reception {
    /// The files, in the order of the request.
    pub files: Vec<Received>,
    /// Counts them while it lives.
    pub permit: UploadPermit,
}

/// A request with files, on its way in.
struct Receiving<'r> {
    files: &'r Files,
    /// Who brings them, and from where.
    user: UserId,
    address: Option<IpAddr>,
    /// How many files and bytes the account has uploaded in the last day.
    uploaded: (u64, u64),
    permit: UploadPermit,
    received: Vec<Received>,
}

impl Files {
    /// Stores the files of a multipart body. Nothing is left of a request that breaks off or is refused.
    pub async fn receive(
        &self,
        queries: &Queries,
        (user, address): (UserId, Option<IpAddr>),
        headers: &HeaderMap,
        body: Body,
        patience: Duration,
    ) -> Result<Reception, Problem> {
        let received = self.received(queries, (user, address), headers, body, patience).await;
        match &received {
            Ok(Reception { files, .. }) => {
                counter!("chatchit_uploads_total", "outcome" => "received").increment(files.len() as u64);
                counter!("chatchit_upload_bytes_total").increment(files.iter().map(|one| one.file.size).sum());
            }
            Err(problem) => counter!("chatchit_uploads_total", "outcome" => problem.code).increment(1),
        }
        received
    }

    async fn received(
        &self,
        queries: &Queries,
        (user, address): (UserId, Option<IpAddr>),
        headers: &HeaderMap,
        body: Body,
        patience: Duration,
    ) -> Result<Reception, Problem> {
        let settings = &self.0.settings;
        let count = settings.max_count as u64;
        let limit = count.saturating_mul(settings.max_size.saturating_add(AROUND)).saturating_add(AROUND);
        let mut parts = Parts::of(headers, body, limit, patience)?;
        let since = Timestamp::from_millis((self.0.clock)().millis().saturating_sub(DAY));
        let permit = self.0.uploads.acquire(user, address)?;
        let uploaded = queries.uploaded_since(user, since).await?;
        let pace = permit.pace();
        let mut receiving = Receiving { files: self, user, address, uploaded, permit, received: Vec::new() };
        let received = tokio::select! {
            received = timeout(settings.upload, receiving.all(&mut parts)) => received,
            () = pace.too_slow() => return Err(too_slow()),
        };
        match received {
            Ok(Ok(())) => Ok(Reception { files: receiving.received, permit: receiving.permit }),
            Ok(Err(problem)) => {
                parts.drain(DRAIN).await;
                Err(problem)
            }
            Err(_) => Err(too_slow()),
        }
    }
}

impl Receiving<'_> {
    async fn all(&mut self, parts: &mut Parts) -> Result<(), Problem> {
        while let Some(mut part) = self.permit.waits(parts.next()).await? {
            if ![FIELD, FIELDS].contains(&part.name().strip_suffix("[]").unwrap_or(part.name())) {
                return Err(Problem::invalid(vec![unknown("", part.name(), &[FIELD])]));
            }
            match part.file_name().map(str::to_owned) {
                Some(name) => self.one(&mut part, &name).await?,
                None => while self.permit.waits(part.piece()).await?.is_some() {},
            }
        }
        if self.received.is_empty() {
            return Err(Problem::field(FIELD, "required", "is required: a part with a filename"));
        }
        Ok(())
    }

    async fn one(&mut self, part: &mut Part, name: &str) -> Result<(), Problem> {
        let settings = &self.files.0.settings;
        if self.received.len() >= settings.max_count {
            let detail = format!("at most {} files at once", settings.max_count);
            return Err(Problem::field("file", "too_many", detail));
        }
        if self.uploaded.0 + self.received.len() as u64 >= settings.daily_count {
            let detail = format!("an account uploads at most {} files in 24 hours", settings.daily_count);
            return Err(too_many("quota_exceeded", detail, 3_600));
        }
        let key = BlobKey::content((self.files.0.ids)());
        let mut upload = self.files.0.blobs.upload(key);
        let mut head = Vec::new();
        while let Some(piece) = self.permit.waits(part.piece()).await? {
            if upload.size() + piece.len() as u64 > settings.max_size {
                return Err(too_large(format!("a file has at most {} bytes", settings.max_size)));
            }
            if self.uploaded.1.saturating_add(self.permit.add(piece.len() as u64)) > settings.daily_quota {
                let detail = format!("an account uploads at most {} bytes in 24 hours", settings.daily_quota);
                return Err(too_many("quota_exceeded", detail, 3_600));
            }
            head.extend_from_slice(&piece[..piece.len().min(HEAD - head.len())]);
            upload.write(piece).await.map_err(|error| away(&error))?;
        }
        if upload.size() == 0 {
            return Err(Problem::field("file", "empty", "must not be empty"));
        }
        let mime = kind::media_type(&head);
        let stored = upload.finish().await.map_err(|error| away(&error))?;
        let file = UploadFile {
            id: FileId(key.id),
            label: FileLabel {
                name: name::kept(name).ok_or_else(|| Problem::internal("a file without a name"))?,
                sha256: Sha256(stored.sha256),
            },
            size: stored.size,
            mime: MediaType::parse(mime).map_err(Problem::internal)?,
            thumb: false,
        };
        // From here on it removes itself.
        self.received.push(Received { file, stored: Some(self.files.clone()) });
        if let Some(container) = Container::of(mime).filter(|_| !settings.keep_metadata) {
            self.bare_last(container).await?;
        }
        let Some(format) = kind::picture(mime) else { return Ok(()) };
        if let Some(last) = self.received.last_mut().filter(|last| last.file.mime.as_str() == mime) {
            let (by, key) = ((self.user, self.address), BlobKey::content(last.file.id.0));
            let made = self.files.0.thumbs.make(&self.files.0.blobs, by, key, last.file.size, format).await;
            last.file.thumb = made.map_err(|error| away(&error))?;
        }
        Ok(())
    }

    /// Removes the metadata of the last file. The result is stored under a new key, because blobs are immutable.
    async fn bare_last(&mut self, container: Container) -> Result<(), Problem> {
        let Some(last) = self.received.last_mut() else { return Ok(()) };
        let (blobs, key) = (&self.files.0.blobs, BlobKey::content(last.file.id.0));
        if last.file.size > LARGEST {
            if container.is_video() {
                return Ok(());
            }
            return Err(too_large(format!("a picture has at most {LARGEST} bytes")));
        }
        let bench = self.files.0.thumbs.compute.begin(self.user).await?;
        let download = blobs.download(key, None).await.map_err(|error| away(&error))?;
        let bytes = download.whole().await.map_err(|error| away(&error))?;
        let left = bench.run(move || bare(&bytes, container)).await?;
        drop(bench);
        match left {
            Bare::AsItCame => (),
            Bare::Unreadable => last.file.mime = MediaType::parse(kind::UNKNOWN).map_err(Problem::internal)?,
            Bare::Of(left) => {
                let id = FileId((self.files.0.ids)());
                let mut upload = blobs.upload(BlobKey::content(id.0));
                upload.write(left.into()).await.map_err(|error| away(&error))?;
                let stored = upload.finish().await.map_err(|error| away(&error))?;
                let came = std::mem::replace(&mut last.file.id, id);
                (last.file.size, last.file.label.sha256) = (stored.size, Sha256(stored.sha256));
                self.files.remove(came).await.map_err(|error| away(&error))?;
            }
        }
        Ok(())
    }
}
