//! Copies of a whole log: into a folder while others append, and from there into a place without a log.
//!
//! SQLite copies itself to one file. Of Postgres, each table is a file in the text format of `COPY`, over one snapshot; it is
//! loaded into tables that the migrations of this build made. No program beside the server is needed, and versions of
//! Postgres may differ.

mod copy;
mod load;

pub use copy::copy_log;
pub use load::{Loaded, check_place, load};

use crate::{Position, ReadError, open::migrator};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sql::{Engine, Location};
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

/// A copy of a log, as its manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogCopy {
    /// The engine it was copied from; it can be loaded into the same one only.
    pub engine: CopiedEngine,
    /// The incarnation of the log.
    pub incarnation: Uuid,
    /// The last position.
    pub position: Position,
    /// The hash chain up to it, in hexadecimal digits.
    pub chain: String,
    /// The name of the master key ([`Keys::fingerprint`](crate::Keys::fingerprint)).
    pub master_key: String,
    /// The migrations that its tables have.
    pub migrations: Vec<CopiedMigration>,
    /// Its files.
    pub parts: Vec<Part>,
}

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CopiedEngine {
    /// One file.
    Sqlite,
    /// A file per table.
    Postgres,
}

/// An applied migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedMigration {
    /// Its version.
    pub version: i64,
    /// Its name.
    pub description: String,
    /// The checksum of its text, in hexadecimal digits.
    pub checksum: String,
}

/// A file of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Its name in the folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 digest of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The table whose rows it has, and the columns in their order; empty for a whole database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// See `table`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// A copy that could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database.
    #[error(transparent)]
    Sql(#[from] sql::Error),
    /// The log.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A file of the copy, or of the log.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The failure.
        error: io::Error,
    },
    /// The copy is of another engine than the place.
    #[error(
        "the copy is of a log on {0}, and this installation uses {1}; a log is restored to the engine that it was copied from"
    )]
    OtherEngine(&'static str, &'static str),
    /// A newer build made the log.
    #[error(
        "a newer build made it: this one does not know migration {0} ({1}); use the build that made the backup, or a newer one"
    )]
    Newer(i64, String),
    /// A migration had another text.
    #[error("migration {0} has another text in this build: it is of another branch of the program")]
    OtherMigration(i64),
    /// A part of the copy is missing or was changed.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// There is a log already, or something else.
    #[error("{0}; a backup is restored only where there is no log yet")]
    Occupied(String),
}

impl CopyError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |error| Self::File { path, error }
    }
}

impl CopiedEngine {
    /// The engine's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }

    const fn engine(self) -> Engine {
        match self {
            Self::Sqlite => Engine::Sqlite,
            Self::Postgres => Engine::Postgres,
        }
    }

    const fn of(location: &Location) -> Self {
        match location {
            Location::Sqlite { .. } => Self::Sqlite,
            Location::Postgres { .. } => Self::Postgres,
        }
    }
}

impl LogCopy {
    /// Checks that this build can load the copy into a place, whatever is there.
    ///
    /// # Errors
    /// [`CopyError::OtherEngine`], [`CopyError::Newer`], [`CopyError::OtherMigration`].
    pub fn check(&self, location: &Location) -> Result<(), CopyError> {
        let here = CopiedEngine::of(location);
        if here != self.engine {
            return Err(CopyError::OtherEngine(self.engine.name(), here.name()));
        }
        let known = migrator(self.engine.engine());
        for CopiedMigration { version, description, checksum } in &self.migrations {
            match known.iter().find(|known| known.version == *version) {
                None => return Err(CopyError::Newer(*version, description.clone())),
                Some(known) if hex(&known.checksum) != *checksum => return Err(CopyError::OtherMigration(*version)),
                Some(_) => (),
            }
        }
        Ok(())
    }

    /// Reads all files of the copy, and compares them with their digests. `report` gets the number of bytes so far.
    ///
    /// # Errors
    /// [`CopyError::Damaged`], [`CopyError::File`].
    pub fn check_parts(&self, folder: &Path, report: &dyn Fn(u64)) -> Result<(), CopyError> {
        let mut before = 0;
        for part in &self.parts {
            if Path::new(&part.file).components().count() != 1 || part.file.starts_with('.') {
                return Err(CopyError::Damaged(format!("{:?} is not the name of a file in it", part.file)));
            }
            let path = folder.join(&part.file);
            let (bytes, sha256) = match digest(&path, &|bytes| report(before + bytes)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(CopyError::Damaged(format!("{} is missing", part.file)));
                }
                digest => digest.map_err(CopyError::file(&path))?,
            };
            if (bytes, &sha256) != (part.bytes, &part.sha256) {
                return Err(CopyError::Damaged(format!("{} is not as it was written", part.file)));
            }
            before += bytes;
        }
        Ok(())
    }

    /// The size of all its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}

/// The size and the digest of a file.
fn digest(path: &Path, report: &dyn Fn(u64)) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(&chunk[..length]);
        bytes += length as u64;
        report(bytes);
    }
}

fn hex(bytes: &[u8]) -> String {
    domain::hex::encode(bytes)
}

/// Writes the names of a folder to the disk.
fn sync_folder(folder: &Path) -> Result<(), CopyError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(CopyError::file(folder))
}
