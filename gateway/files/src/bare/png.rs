//! PNG, chunk by chunk.

use super::orientation::turned_as;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The parts of a PNG that make the picture: its pixels, its colours, its frames.
const OF_PNG: [&[u8; 4]; 17] = [
    b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD",
    b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

/// Without pixels it is no picture.
pub(super) fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(PNG)?;
    let mut bare = Vec::with_capacity(bytes.len());
    bare.extend_from_slice(PNG);
    let (mut is_turned, mut has_pixels) = (false, false);
    while let Some(length) = rest.first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let Some(kind) = rest.get(4..).and_then(<[u8]>::first_chunk::<4>) else { break };
        // The last part of one that breaks off is as long as it is.
        let (part, after) = rest.split_at_checked(length.checked_add(12)?).unwrap_or((rest, &[]));
        has_pixels |= kind == b"IDAT";
        if OF_PNG.contains(&kind) {
            bare.extend_from_slice(part);
        } else if kind == b"eXIf"
            && !is_turned
            && let Some(note) = part.get(8..8 + length).and_then(turned_as)
        {
            bare.extend_from_slice(&u32::try_from(note.len()).ok()?.to_be_bytes());
            let begin = bare.len();
            bare.extend_from_slice(kind);
            bare.extend_from_slice(&note);
            let sum = crc32fast::hash(&bare[begin..]);
            bare.extend_from_slice(&sum.to_be_bytes());
            is_turned = true;
        }
        if kind == b"IEND" {
            break;
        }
        rest = after;
    }
    has_pixels.then_some(bare)
}
