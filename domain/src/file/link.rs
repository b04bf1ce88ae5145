//! How a link names a file of this server.

use crate::{FileId, text::Link};
use uuid::Uuid;

const FILES: &str = "/files/";
const THUMB: &str = "/thumb";

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

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// Nothing that this server keeps.
    Elsewhere,
    /// A file, or its thumbnail, written as this server writes it.
    File(FileId),
    /// A file, written in another way: whoever receives the link would not be let in by it.
    Misspelt,
}

impl LinkTarget {
    /// What `link` leads to.
    #[must_use]
    pub fn of(link: &Link) -> Self {
        let Some(rest) = link.as_str().strip_prefix(FILES) else { return Self::Elsewhere };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let Ok(id) = Uuid::try_parse(&rest[..end]).map(FileId) else { return Self::Elsewhere };
        if link.as_str() == id.url() || link.as_str() == id.thumb_url() { Self::File(id) } else { Self::Misspelt }
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
        assert_eq!(target(&id.thumb_url()), LinkTarget::File(id));
        for misspelt in [
            id.url().to_uppercase().replace("/FILES", "/files"),
            format!("/files/{}", id.0.simple()),
            format!("{}/", id.url()),
            format!("{}?download=1", id.url()),
            format!("{}#x", id.thumb_url()),
            format!("{}/../{id}", id.url()),
        ] {
            assert_eq!(target(&misspelt), LinkTarget::Misspelt, "{misspelt}");
        }
        for elsewhere in ["/files/1", "/files/", "/elsewhere", "https://a.example/files/1"] {
            assert_eq!(target(elsewhere), LinkTarget::Elsewhere, "{elsewhere}");
        }
    }
}
