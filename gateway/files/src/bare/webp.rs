//! WebP, chunk by chunk.

use super::orientation::turned_as;

/// The parts of a WebP that make the picture.
const OF_WEBP: [&[u8; 4]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// What a VP8X says in its first byte: there is Exif, there is XMP.
pub(super) const HAS_EXIF: u8 = 0x08;
pub(super) const HAS_XMP: u8 = 0x04;

pub(super) fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let (size, rest) = bytes.strip_prefix(b"RIFF")?.split_first_chunk()?;
    let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    let mut rest = rest.get(..size).unwrap_or(rest).strip_prefix(b"WEBP")?;
    let mut bare = Vec::with_capacity(bytes.len());
    bare.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    let (mut extended, mut turned, mut is_cut) = (None, None, false);
    while let Some(kind) = rest.first_chunk::<4>() {
        let Some(length) = rest.get(4..).and_then(<[u8]>::first_chunk::<4>) else { break };
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let whole = length.checked_add(8 + length % 2)?;
        is_cut = rest.len() < whole;
        let (part, after) = rest.split_at_checked(whole).unwrap_or((rest, &[]));
        if OF_WEBP.contains(&kind) {
            if kind == b"VP8X" && length > 0 {
                extended = extended.or(Some(bare.len() + 8));
            }
            bare.extend_from_slice(part);
        } else if kind == b"EXIF" {
            turned = turned.or_else(|| part.get(8..8 + length).and_then(turned_as));
        }
        rest = after;
    }
    // Only one that says what is in it may have a note.
    if let Some(flags) = extended.and_then(|at| bare.get_mut(at)) {
        *flags &= !(HAS_EXIF | HAS_XMP);
        // Behind a part that breaks off, a note would be read as the rest of it.
        if let Some(note) = turned.filter(|_| !is_cut) {
            *flags |= HAS_EXIF;
            bare.extend_from_slice(b"EXIF");
            bare.extend_from_slice(&u32::try_from(note.len()).ok()?.to_le_bytes());
            bare.extend_from_slice(&note);
        }
    }
    let size = u32::try_from(bare.len() - 8).ok()?.to_le_bytes();
    bare[4..8].copy_from_slice(&size);
    Some(bare)
}
