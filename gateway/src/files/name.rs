//! The name of a file: what is kept of what its sender says, and how it is said to whoever fetches it.

use axum::http::HeaderValue;
use domain::text::FileName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The name of what has none that can be kept.
const NAMELESS: &str = "file";
/// The longest name, in bytes.
const LONGEST: usize = 255;
/// What stands for itself in RFC 5987's `value-chars`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is kept of a name: the last part of a path of any system, without control characters and without those that
/// turn the direction of text; never empty, never only dots.
pub(super) fn kept(said: &str) -> Option<FileName> {
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let plain = plain.trim();
    let plain = if plain.chars().all(|c| c == '.') { NAMELESS } else { plain };
    FileName::parse(shortened(plain)).or_else(|_| FileName::parse(NAMELESS)).ok()
}

/// Embeddings, overrides, isolates and marks of direction, and line separators.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// At most [`LONGEST`] bytes, the ending kept.
fn shortened(name: &str) -> &str {
    if name.len() <= LONGEST {
        return name;
    }
    let mut end = LONGEST;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// `Content-Disposition` (RFC 6266): a plain name for everybody, the whole name for whoever knows RFC 5987.
pub(super) fn disposition(shown: bool, name: &str) -> HeaderValue {
    let how = if shown { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')') { c } else { '_' })
        .collect();
    let whole = utf8_percent_encode(name, ENCODED);
    HeaderValue::try_from(format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{whole}"))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_name_only_a_name_is_kept() {
        for (said, want) in [
            ("cat.png", "cat.png"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/etc/shadow", "shadow"),
            ("C:\\x\\y.exe", "y.exe"),
            ("a\0b\r\nSet-Cookie: x.png", "abSet-Cookie: x.png"),
            ("..", "file"),
            ("", "file"),
            ("a/", "file"),
            (" . ", "file"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("photo.jpg.exe", "photo.jpg.exe"),
            ("Ảnh đẹp 🐈.jpg", "Ảnh đẹp 🐈.jpg"),
            ("CON", "CON"),
        ] {
            assert_eq!(kept(said).unwrap().as_str(), want, "{said:?}");
        }
        assert_eq!(kept(&"é".repeat(200)).unwrap().as_str().len(), 254);
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        for (name, want) in [
            ("cat.png", "inline; filename=\"cat.png\"; filename*=UTF-8''cat.png"),
            ("a\"; x=\"b.png", "inline; filename=\"a__ x__b.png\"; filename*=UTF-8''a%22%3B%20x%3D%22b.png"),
            ("é'%.txt", "inline; filename=\"___.txt\"; filename*=UTF-8''%C3%A9%27%25.txt"),
            ("a\r\nb", "inline; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
        ] {
            assert_eq!(disposition(true, name).to_str().unwrap(), want);
        }
        assert!(disposition(false, "x").to_str().unwrap().starts_with("attachment; "));
    }
}
