//! The name of a file: what is kept of its sender's name for it, and how a download names it.

use axum::http::HeaderValue;
use domain::text::{FileName, limits, without_hidden};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// The name of what has none that can be kept.
const NAMELESS: &str = "file";
/// The longest ending that is kept of a name that is too long, in characters, with its dot.
const LONGEST_ENDING: usize = 32;
/// An ending before the last one that belongs to it: `.tar.gz`.
const TAR: &str = ".tar";
/// What stands for itself in RFC 5987's `value-chars`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is kept of a name: the last part of a path of any system, without control characters and without invisible
/// ones; never empty, never only dots.
pub(super) fn kept(said: &str) -> Option<FileName> {
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = without_hidden(last).nfc().collect();
    let plain = plain.trim();
    let plain = if plain.chars().all(|c| c == '.') { NAMELESS } else { plain };
    FileName::parse(&shortened(plain)).or_else(|_| FileName::parse(NAMELESS)).ok()
}

/// At most as many characters as a name can have; programs go by the ending, so it is kept.
fn shortened(name: &str) -> Cow<'_, str> {
    if name.chars().count() <= limits::FILE_NAME {
        return Cow::Borrowed(name);
    }
    let (stem, ending) = name.rfind('.').map_or((name, ""), |dot| name.split_at(dot));
    let (stem, ending) = match stem.len().checked_sub(TAR.len()).and_then(|at| name.split_at_checked(at)) {
        Some((stem, whole)) if whole[..TAR.len()].eq_ignore_ascii_case(TAR) => (stem, whole),
        _ => (stem, ending),
    };
    let length = ending.chars().count();
    let (stem, ending, length) = if length > LONGEST_ENDING { (name, "", 0) } else { (stem, ending, length) };
    let mut left = limits::FILE_NAME - length;
    let fits = |grapheme: &&str| {
        let rest = left.checked_sub(grapheme.chars().count());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    let begun: String = stem.graphemes(true).take_while(fits).collect();
    let begun = Some(begun.trim_end()).filter(|begun| !begun.is_empty()).unwrap_or(NAMELESS);
    Cow::Owned(format!("{begun}{ending}"))
}

/// `Content-Disposition` (RFC 6266): a plain name for all clients, the whole name for those that know RFC 5987.
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
            ("a\u{200b}\u{3164}b.png", "ab.png"),
            ("\u{200b}\u{feff}", "file"),
            ("photo.jpg.exe", "photo.jpg.exe"),
            ("Ảnh đẹp 🐈.jpg", "Ảnh đẹp 🐈.jpg"),
            ("CON", "CON"),
        ] {
            assert_eq!(kept(said).unwrap().as_str(), want, "{said:?}");
        }
        let long = |name: String| kept(&name).unwrap().as_str().to_owned();
        assert_eq!(long(format!("{}.png", "é".repeat(200))), format!("{}.png", "é".repeat(200)), "characters count");
        assert_eq!(long(format!("{}.png", "é".repeat(400))), format!("{}.png", "é".repeat(251)));
        assert_eq!(long(format!("{}.tar.gz", "e\u{301}".repeat(400))), format!("{}.tar.gz", "é".repeat(248)));
        assert_eq!(long(format!("{}.TAR.zst", "x".repeat(400))), format!("{}.TAR.zst", "x".repeat(247)));
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}";
        assert_eq!(long(format!("{}.png", family.repeat(60))), format!("{}.png", family.repeat(35)));
        assert_eq!(long(format!("{}.png", "🇩🇪".repeat(200))), format!("{}.png", "🇩🇪".repeat(125)));
        assert_eq!(long(format!("e{}.png", "\u{323}\u{308}".repeat(400))), "file.png");
        assert_eq!(long("x".repeat(400)), "x".repeat(255));
        assert_eq!(long(format!("a.{}", "x".repeat(400))).len(), 255);
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
