//! Taking files in: to where they lie, while they come. Until all of a request is well nothing is told of any.

use super::{
    Files, away,
    desk::{Place, too_many},
    kind::{self, HEAD},
    name,
    parts::{Part, Parts, too_large, too_slow},
};
use crate::Problem;
use axum::{body::Body, http::HeaderMap};
use blobs::BlobKey;
use commands::UploadFile;
use domain::{
    FileId, Timestamp, UserId,
    file::{FileLabel, Sha256},
    text::MediaType,
};
use projections::Queries;
use std::{net::IpAddr, time::Duration};
use tokio::time::timeout;

/// What a body may have besides its files, in bytes; per file and once more.
const AROUND: u64 = 64 * 1024;
/// How long what is still being sent is read, once it is known to be wrong.
const DRAIN: Duration = Duration::from_secs(5);
/// Over which time the quota counts, in milliseconds.
const DAY: i64 = 24 * 3_600 * 1_000;

/// Bytes that are stored, and of which nothing is told yet. Dropped, they are removed.
pub(crate) struct Received {
    pub(crate) file: UploadFile,
    stored: Option<Files>,
}

impl Received {
    /// They stay: something is told of them, or may be.
    pub(crate) fn keep(mut self) {
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

/// The files of a request, and what they take of what the account may bring until they are told of.
pub(crate) struct Reception {
    pub(crate) files: Vec<Received>,
    pub(crate) place: Place,
}

/// A request with files, on its way in.
struct Receiving<'r> {
    files: &'r Files,
    /// Who brings them, and from where.
    user: UserId,
    address: Option<IpAddr>,
    /// How many files and bytes the account has brought in the last day.
    brought: (u64, u64),
    place: Place,
    received: Vec<Received>,
}

impl Files {
    /// Stores the files of a multipart body. Nothing is left of a request that breaks off or is refused.
    pub(crate) async fn receive(
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
        let place = self.0.desk.enter(user, address)?;
        let brought = queries.uploaded_since(user, since).await?;
        let pace = place.pace();
        let mut receiving = Receiving { files: self, user, address, brought, place, received: Vec::new() };
        let received = tokio::select! {
            received = timeout(settings.upload, receiving.all(&mut parts)) => received,
            () = pace.too_slow() => return Err(too_slow()),
        };
        match received {
            Ok(Ok(())) => Ok(Reception { files: receiving.received, place: receiving.place }),
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
        while let Some(mut part) = self.place.waits(parts.next()).await? {
            match part.file_name().map(str::to_owned) {
                Some(name) => self.one(&mut part, &name).await?,
                // A field of the form: nothing here asks for one.
                None => while self.place.waits(part.piece()).await?.is_some() {},
            }
        }
        if self.received.is_empty() {
            return Err(Problem::field("file", "required", "is required: a part with a filename"));
        }
        Ok(())
    }

    async fn one(&mut self, part: &mut Part, name: &str) -> Result<(), Problem> {
        let settings = &self.files.0.settings;
        if self.received.len() >= settings.max_count {
            let detail = format!("at most {} files at once", settings.max_count);
            return Err(Problem::field("file", "too_many", detail));
        }
        if self.brought.0 + self.received.len() as u64 >= settings.daily_count {
            let detail = format!("an account uploads at most {} files in 24 hours", settings.daily_count);
            return Err(too_many("quota_exceeded", detail, 3_600));
        }
        let key = BlobKey::content((self.files.0.ids)());
        let mut upload = self.files.0.blobs.upload(key);
        let mut head = Vec::new();
        while let Some(piece) = self.place.waits(part.piece()).await? {
            if upload.size() + piece.len() as u64 > settings.max_size {
                return Err(too_large(format!("a file has at most {} bytes", settings.max_size)));
            }
            if self.brought.1.saturating_add(self.place.add(piece.len() as u64)) > settings.daily_quota {
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
        if let (Some(format), Some(last)) = (kind::picture(mime), self.received.last_mut()) {
            let by = (self.user, self.address);
            let made = self.files.0.thumbs.make(&self.files.0.blobs, by, key, stored.size, format).await;
            last.file.thumb = made.map_err(|error| away(&error))?;
        }
        Ok(())
    }
}
