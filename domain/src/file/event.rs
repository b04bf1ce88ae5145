//! The events of a file.

use crate::{
    Personal, Recipient, UserId,
    catalogue::events,
    hex,
    text::{FileName, Invalid, MediaType},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

events! {
    /// An event of a file; the stream's id is the file's.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    FileEvent of File {
        Uploaded  => "file.uploaded"  v1 Medium Named,
        Collected => "file.collected" v1 Medium Named,
        Restored  => "file.restored"  v1 Medium Named,
        Deleted   => "file.deleted"   v1 Medium Named,
    }

    /// Its bytes are stored.
    Uploaded {
        by: UserId,
        label: Personal<FileLabel>,
        /// Its size in bytes.
        size: u64,
        /// The media type detected from its bytes.
        mime: MediaType,
        /// True with a thumbnail.
        thumb: bool,
    },
    /// It is unreferenced, and no later event can refer to it.
    Collected {
        by: UserId,
    },
    /// It is referenced, and stays.
    Restored {
        by: UserId,
    },
    /// Its bytes were removed.
    Deleted {
        by: UserId,
    },
}

/// Name and digest of a file. The digest is personal, too: otherwise it would reveal for ever that a person had a file
/// that others have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct FileLabel {
    pub name: FileName,
    /// The digest of its bytes.
    pub sha256: Sha256,
}

/// A SHA-256 digest; written in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(pub [u8; 32]);

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        hex::encode(&digest.0)
    }
}

impl TryFrom<String> for Sha256 {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        hex::decode(&text).map(Self).ok_or_else(|| Invalid::new("malformed", "must be 32 bytes in hex"))
    }
}

impl FileEvent {
    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Uploaded { by, .. } | Self::Collected { by } | Self::Restored { by } | Self::Deleted { by } => by.0,
        }
    }

    pub(crate) const fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        Vec::new()
    }
}
