//! What happened to a file.

use crate::{
    About, Personal, Tier, UserId,
    event::{Kind, kind},
    text::{FileName, Invalid, MediaType},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a file; the stream's id is the file's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum FileEvent {
    /// Its bytes are stored.
    #[serde(rename = "file.uploaded")]
    Uploaded {
        /// Who brought it.
        by: UserId,
        /// Its name and digest.
        label: Personal<FileLabel>,
        /// Its size in bytes.
        size: u64,
        /// What its bytes say it is.
        mime: MediaType,
        /// Whether there is a thumbnail.
        thumb: bool,
    },
    /// Nothing refers to it, and from here on nothing can.
    #[serde(rename = "file.collected")]
    Collected {
        /// Who had brought it.
        by: UserId,
    },
    /// Something did refer to it: it stays.
    #[serde(rename = "file.restored")]
    Restored {
        /// Who had brought it.
        by: UserId,
    },
    /// Its bytes are gone.
    #[serde(rename = "file.deleted")]
    Deleted {
        /// Who had brought it.
        by: UserId,
    },
}

/// What tells of a file's content. The digest is personal, too: it would tell for ever whether somebody had a file
/// that others have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileLabel {
    /// Its name.
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
        digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        let digest = bytes.and_then(|bytes| bytes.try_into().ok());
        digest.map(Self).ok_or_else(|| Invalid::new("malformed", "must be 32 bytes in hex"))
    }
}

impl FileEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Uploaded { .. } => kind("file.uploaded", 1, Tier::Medium),
            Self::Collected { .. } => kind("file.collected", 1, Tier::Medium),
            Self::Restored { .. } => kind("file.restored", 1, Tier::Medium),
            Self::Deleted { .. } => kind("file.deleted", 1, Tier::Medium),
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        match self {
            Self::Uploaded { by, .. } | Self::Collected { by } | Self::Restored { by } | Self::Deleted { by } => by.0,
        }
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) const fn about(&self, _stream: Uuid) -> Vec<About> {
        Vec::new()
    }
}
