//! The API explorer: Swagger UI and the page that starts it, compressed.

/// A file of the explorer.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its name below the explorer's path.
    pub name: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content, in the gzip format.
    pub gzip: &'static [u8],
}

macro_rules! file {
    ($name:literal, $content_type:literal) => {
        File {
            name: $name,
            content_type: $content_type,
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
        }
    };
}

const FILES: [File; 5] = [
    file!("index.html", "text/html; charset=utf-8"),
    file!("start.js", "text/javascript; charset=utf-8"),
    file!("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    file!("swagger-ui.css", "text/css; charset=utf-8"),
    file!("favicon-32x32.png", "image/png"),
];

/// The file of that name; the page itself has none.
#[must_use]
pub fn file(name: &str) -> Option<File> {
    let name = if name.is_empty() { "index.html" } else { name };
    FILES.into_iter().find(|file| file.name == name)
}
