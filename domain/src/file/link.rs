//! Links to files of this server.

use crate::{FileId, text::Link};
use uuid::Uuid;

const FILES: &str = "/files/";
const THUMB: &str = "/thumb";
const SIGNED: &str = "links/";

impl FileId {
    /// The path at which the file is served.
    #[must_use]
    pub fn url(self) -> String {
        format!("{FILES}{self}")
    }

    /// The path at which its thumbnail is served.
    #[must_use]
    pub fn thumb_url(self) -> String {
        format!("{FILES}{self}{THUMB}")
    }
}

/// The target of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// A file, in this server's spelling.
    File(FileId),
    /// The thumbnail of a file, in this server's spelling.
    Thumb(FileId),
    /// A signed link, or a file in another spelling, which would not admit the receivers of the link.
    Misspelt,
    /// Another path of this server.
    Path,
    /// An address at another host.
    Elsewhere,
}

impl LinkTarget {
    /// The target of `link`.
    #[must_use]
    pub fn of(link: &Link) -> Self {
        let path = link.as_str();
        if !path.starts_with('/') {
            return Self::Elsewhere;
        }
        let Some(rest) = path.strip_prefix(FILES) else { return Self::Path };
        let segment = rest.split(['/', '?', '#']).next().unwrap_or_default();
        match Uuid::try_parse(segment).ok().map(FileId) {
            Some(id) if path == id.url() => Self::File(id),
            Some(id) if path == id.thumb_url() => Self::Thumb(id),
            Some(_) => Self::Misspelt,
            None if rest.starts_with(SIGNED) => Self::Misspelt,
            None => Self::Path,
        }
    }

    /// The file that is linked to, by itself or by its thumbnail.
    #[must_use]
    pub const fn file(self) -> Option<FileId> {
        match self {
            Self::File(id) | Self::Thumb(id) => Some(id),
            Self::Misspelt | Self::Path | Self::Elsewhere => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_names_a_file() {
        let id = FileId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_00ab));
        let target = |link: &str| LinkTarget::of(&Link::parse(link).unwrap());
        assert_eq!(target(&id.url()), LinkTarget::File(id));
        assert_eq!(target(&id.thumb_url()), LinkTarget::Thumb(id));
        for path in [
            id.url().to_uppercase().replace("/FILES", "/files"),
            format!("/files/{}", id.0.simple()),
            format!("{}/", id.url()),
            format!("{}?download=1", id.url()),
            format!("{}#x", id.thumb_url()),
            format!("{}/../{id}", id.url()),
            format!("{}/thumb", id.thumb_url()),
            "/files/links/eyJ".to_owned(),
        ] {
            assert_eq!(target(&path), LinkTarget::Misspelt, "{path}");
        }
        for path in ["/", "/pictures/1", "/files", "/files/1", "/x?q=a"] {
            assert_eq!(target(path), LinkTarget::Path, "{path}");
        }
        for elsewhere in ["https://a.example/files/1", "http://a.example"] {
            assert_eq!(target(elsewhere), LinkTarget::Elsewhere, "{elsewhere}");
        }
    }
}
