//! JPEG, segment by segment: frames, tables, scans and the colour profile.

use super::orientation::turned_as;

/// What a JFIF says of itself, in bytes: its version and its density. A thumbnail comes behind it.
const JFIF: usize = 12;

/// A JPEG: what stands between and after its scans is walked, too; what comes after its end is left out. Without a scan
/// it is no picture.
pub(super) fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    let mut bare = Vec::with_capacity(bytes.len());
    bare.extend_from_slice(b"\xff\xd8");
    let (mut in_scan, mut has_scan, mut is_turned) = (false, false, false);
    loop {
        match *rest {
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, 0xd9, ..] => {
                bare.extend_from_slice(b"\xff\xd9");
                return has_scan.then_some(bare);
            }
            [0xff, 0x00 | 0x01 | 0xd0..=0xd8, ..] => {
                if in_scan {
                    bare.extend_from_slice(&rest[..2]);
                }
                rest = &rest[2..];
            }
            [0xff, marker, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some(content) = rest.get(4..2 + length) else { return has_scan.then_some(bare) };
                if marker == 0xe1 && content.starts_with(b"Exif\0\0") && !is_turned {
                    if let Some(note) = turned_as(content) {
                        let length = u16::try_from(2 + 6 + note.len()).ok()?.to_be_bytes();
                        bare.extend_from_slice(&[0xff, 0xe1]);
                        bare.extend_from_slice(&length);
                        bare.extend_from_slice(b"Exif\0\0");
                        bare.extend_from_slice(&note);
                        is_turned = true;
                    }
                } else if marker == 0xe0 && content.starts_with(b"JFIF\0") && content.len() >= JFIF + 2 {
                    bare.extend_from_slice(&[0xff, 0xe0, 0, 16]);
                    bare.extend_from_slice(&content[..JFIF]);
                    // No columns and no rows of a thumbnail.
                    bare.extend_from_slice(&[0, 0]);
                } else if makes_the_jpeg(marker, content) {
                    bare.extend_from_slice(&rest[..2 + length]);
                }
                in_scan = marker == 0xda;
                has_scan |= in_scan;
                rest = &rest[2 + length..];
            }
            // It breaks off.
            [] | [0xff, ..] => return has_scan.then_some(bare),
            _ => {
                let end = rest.iter().position(|byte| *byte == 0xff).unwrap_or(rest.len());
                if in_scan {
                    bare.extend_from_slice(&rest[..end]);
                }
                rest = &rest[end..];
            }
        }
    }
}

/// Of the application segments: the colour profile, and the colour transform. The rest are frames, tables and scans.
fn makes_the_jpeg(marker: u8, content: &[u8]) -> bool {
    match marker {
        0xe2 => content.starts_with(b"ICC_PROFILE\0"),
        0xee => content.starts_with(b"Adobe"),
        0xc0..=0xcf | 0xda..=0xdf => true,
        _ => false,
    }
}
