//! Keys of blobs: no part of them comes from people.

use object_store::path::Path;
use uuid::Uuid;

/// The parts of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobKind {
    /// Its content.
    Content,
    /// Its thumbnail.
    Thumb,
}

impl BlobKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Content, Self::Thumb];
}

/// The name of a blob: the file's id, in one of 256 folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    /// The file.
    pub id: Uuid,
    /// The part of it.
    pub kind: BlobKind,
}

const THUMB: &str = ".thumb";

impl BlobKey {
    /// The file's content.
    #[must_use]
    pub const fn content(id: Uuid) -> Self {
        Self { id, kind: BlobKind::Content }
    }

    /// The file's thumbnail.
    #[must_use]
    pub const fn thumb(id: Uuid) -> Self {
        Self { id, kind: BlobKind::Thumb }
    }

    pub(crate) fn path(self) -> Path {
        let ending = match self.kind {
            BlobKind::Content => "",
            BlobKind::Thumb => THUMB,
        };
        Path::from(format!("{:02x}/{}{ending}", self.id.as_bytes()[15], self.id))
    }

    /// The key of a file name, or of a part of a local upload (`…#1`).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.split('#').next()?;
        let (name, kind) = match name.strip_suffix(THUMB) {
            Some(name) => (name, BlobKind::Thumb),
            None => (name, BlobKind::Content),
        };
        Uuid::try_parse(name).ok().map(|id| Self { id, kind })
    }

    /// When its id was created, in milliseconds since the epoch: ids are UUID v7.
    #[must_use]
    pub fn made_at(self) -> Option<i64> {
        let (seconds, nanos) = self.id.get_timestamp()?.to_unix();
        i64::try_from(seconds.saturating_mul(1_000).saturating_add(u64::from(nanos / 1_000_000))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_path() {
        let id = Uuid::from_u128(0x0199_0000_0001_7000_8000_0000_0000_00ab);
        for (key, path) in [(BlobKey::content(id), format!("ab/{id}")), (BlobKey::thumb(id), format!("ab/{id}.thumb"))]
        {
            assert_eq!(key.path().as_ref(), path);
            assert_eq!(BlobKey::parse(key.path().filename().unwrap()), Some(key));
            assert_eq!(BlobKey::parse(&format!("{}#3", key.path().filename().unwrap())), Some(key));
            assert_eq!(key.made_at(), Some(0x0199_0000_0001));
        }
        assert_eq!(BlobKey::parse("../passwd"), None);
    }
}
