//! What a file is, by its first bytes: neither what its name ends in nor what its sender says counts.

use image::ImageFormat;

/// How many of the first bytes are looked at.
pub(super) const HEAD: usize = 8 * 1024;

/// What nothing is known of.
pub(super) const UNKNOWN: &str = "application/octet-stream";

/// What is known, and whether browsers may show it where it is. Whatever else there is becomes [`UNKNOWN`]: above all
/// what a browser would run (HTML, SVG, XML, scripts, programs).
const KNOWN: [(&str, bool); 48] = [
    ("image/png", true),
    ("image/jpeg", true),
    ("image/gif", true),
    ("image/webp", true),
    ("image/avif", true),
    ("image/heif", false),
    ("image/bmp", false),
    ("image/tiff", false),
    ("image/jxl", false),
    ("image/jp2", false),
    ("video/mp4", true),
    ("video/webm", true),
    ("video/quicktime", true),
    ("video/x-m4v", true),
    ("video/3gpp", false),
    ("video/x-matroska", false),
    ("video/x-msvideo", false),
    ("video/x-ms-wmv", false),
    ("video/mpeg", false),
    ("video/x-flv", false),
    ("audio/mpeg", true),
    ("audio/ogg", true),
    ("audio/opus", true),
    ("audio/m4a", true),
    ("audio/aac", true),
    ("audio/x-wav", true),
    ("audio/x-flac", true),
    ("audio/amr", false),
    ("audio/midi", false),
    ("audio/x-aiff", false),
    ("text/plain", false),
    ("application/pdf", false),
    ("application/rtf", false),
    ("application/epub+zip", false),
    ("application/msword", false),
    ("application/vnd.ms-excel", false),
    ("application/vnd.ms-powerpoint", false),
    ("application/x-ole-storage", false),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", false),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", false),
    ("application/vnd.oasis.opendocument.text", false),
    ("application/vnd.oasis.opendocument.spreadsheet", false),
    ("application/vnd.oasis.opendocument.presentation", false),
    ("application/zip", false),
    ("application/x-7z-compressed", false),
    ("application/vnd.rar", false),
    ("application/gzip", false),
];

/// Sizes of the header of a BMP, in bytes.
const BMP_HEADS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
/// What begins with these is text that a browser or a shell may run.
const RUN: [&str; 2] = ["<", "#!"];
/// What has one of these in its head may be taken for a page.
const PAGES: [&str; 6] = ["<!doctype", "<html", "<script", "<svg", "<body", "<iframe"];

/// The media type of what begins with `head`.
pub(super) fn media_type(head: &[u8]) -> &'static str {
    let sniffed = infer::get(head).map(|kind| kind.mime_type()).filter(|sniffed| !is_by_chance(head, sniffed));
    let sniffed = is_3gp(head).then_some("video/3gpp").or(sniffed);
    let sniffed = sniffed.or_else(|| is_plain(head).then_some("text/plain")).unwrap_or(UNKNOWN);
    KNOWN.into_iter().find(|(known, _)| *known == sniffed).map_or(UNKNOWN, |(known, _)| known)
}

/// True if the major brand is one of 3GPP's (TS 26.244) or 3GPP2's.
fn is_3gp(head: &[u8]) -> bool {
    head.get(4..10) == Some(b"ftyp3g")
}

/// True if only the two or three letters matched that a text may begin with, too.
fn is_by_chance(head: &[u8], sniffed: &str) -> bool {
    match sniffed {
        "image/gif" => !(head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")),
        "image/bmp" => {
            let size = head.get(14..).and_then(<[u8]>::first_chunk).map(|size| u32::from_le_bytes(*size));
            !size.is_some_and(|size| BMP_HEADS.contains(&size))
        }
        _ => false,
    }
}

/// Whether browsers may show it where it is.
pub(super) fn is_shown(media_type: &str) -> bool {
    KNOWN.into_iter().any(|(known, shown)| shown && known == media_type)
}

/// How to read it as a picture, if there are to be thumbnails of it.
pub(super) fn picture(media_type: &str) -> Option<ImageFormat> {
    Some(match media_type {
        "image/png" => ImageFormat::Png,
        "image/jpeg" => ImageFormat::Jpeg,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        "image/bmp" => ImageFormat::Bmp,
        "image/tiff" => ImageFormat::Tiff,
        _ => return None,
    })
}

/// Whether it is text, and nothing but.
fn is_plain(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut off.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let lower = text.to_ascii_lowercase();
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    !(text.contains(control)
        || RUN.iter().any(|start| text.starts_with(start))
        || PAGES.iter().any(|page| lower.contains(page)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_follows_from_its_bytes() {
        for (head, want) in [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a/*<script>*/=1;alert(1)", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"),
            (b"BMW and other makers", "text/plain"),
            (b"BM\0\0 and much else that is no picture", UNKNOWN),
            (b"GIFs of cats", "text/plain"),
            (b"%PDF-1.7\n<html><script>alert(1)</script>", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0<html>", "application/zip"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4"),
            (b"\0\0\0\x18ftyp3gp5\0\0\0\0", "video/3gpp"),
            (b"\0\0\0\x18ftyp3g2a\0\0\0\0", "video/3gpp"),
            (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", "image/jp2"),
            (b"OggS\0\x02\0\0", "audio/ogg"),
            (b"plain words, \xc3\xa9t\xc3", "text/plain"),
            (b"a,b\r\n1,2\r\n", "text/plain"),
            (b"<!DOCTYPE html><p>", UNKNOWN),
            (b"  \n<html><body>", UNKNOWN),
            (b"\xef\xbb\xbf<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", UNKNOWN),
            (b"<?xml version='1.0'?><svg/>", UNKNOWN),
            (b"hello <ScRiPt>alert(1)</script>", UNKNOWN),
            (b"#!/bin/sh\nrm -rf /", UNKNOWN),
            (b"MZ\x90\0\x03", UNKNOWN),
            (b"\x7fELF\x02\x01\x01", UNKNOWN),
            (b"\0asm\x01\0\0\0", UNKNOWN),
            (b"a\0b", UNKNOWN),
            (b"\xfe\xff\0<\0s", UNKNOWN),
            (b"", "text/plain"),
        ] {
            assert_eq!(media_type(head), want, "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn only_pictures_and_sounds_are_shown_where_they_are() {
        for (media_type, shown) in KNOWN {
            let harmless = ["image/", "video/", "audio/"].iter().any(|family| media_type.starts_with(family));
            assert!(harmless || !shown, "{media_type}");
            assert_eq!(is_shown(media_type), shown);
        }
        assert!(!is_shown(UNKNOWN) && !is_shown("image/svg+xml") && !is_shown("text/html"));
    }
}
