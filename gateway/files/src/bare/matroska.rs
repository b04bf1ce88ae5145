//! Matroska and WebM. Metadata becomes a `Void` of the same size, so that all offsets stay valid.

use std::ops::Range;

const HEAD: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const INFO: u32 = 0x1549_a966;
const TAGS: u32 = 0x1254_c367;
const VOID: u32 = 0xec;
/// The checksum of its parent, which may have changed.
const CRC_32: u32 = 0xbf;
/// Of `Info`: `DateUTC`, `Title`, and the names of this file and its neighbours.
const SAID: [u32; 5] = [0x4461, 0x7ba9, 0x7384, 0x3c_83ab, 0x3e_83bb];

/// An element: with its header, and its content.
struct Element {
    id: u32,
    whole: Range<usize>,
    content: Range<usize>,
    /// Its size is known.
    is_bounded: bool,
}

/// Voids tags, date and title.
pub(super) fn matroska(bytes: &[u8]) -> Vec<u8> {
    let mut bare = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = element(bytes, at, bytes.len()) {
        at = found.content.end;
        match found.id {
            SEGMENT => at = found.content.start,
            INFO => information(bytes, found.content, &mut bare),
            TAGS | CRC_32 => void(&mut bare[found.whole]),
            VOID => bare[found.content].fill(0),
            // Of unknown size: its children are visited as if they were its siblings.
            CLUSTER if !found.is_bounded => at = found.content.start,
            HEAD | CLUSTER => (),
            _ if found.is_bounded => (),
            _ => break,
        }
    }
    bare
}

fn information(bytes: &[u8], within: Range<usize>, bare: &mut [u8]) {
    let mut at = within.start;
    while let Some(found) = element(bytes, at, within.end) {
        at = found.content.end;
        match found.id {
            VOID => bare[found.content].fill(0),
            id if id == CRC_32 || SAID.contains(&id) => void(&mut bare[found.whole]),
            _ => (),
        }
    }
}

/// The element at `at`. The last one may be truncated.
fn element(bytes: &[u8], at: usize, end: usize) -> Option<Element> {
    let bytes = bytes.get(at..end)?;
    let (first, id_width) = (*bytes.first()?, bytes.first()?.leading_zeros() as usize + 1);
    let id = bytes.get(..id_width).filter(|_| first >= 0x10)?;
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let width = bytes.get(id_width)?.leading_zeros() as usize + 1;
    let size = bytes.get(id_width..id_width + width).filter(|_| width <= 8)?;
    let size = size.iter().fold(0, |size, byte| size << 8 | u64::from(*byte)) & ((1 << (7 * width)) - 1);
    let is_bounded = size != (1 << (7 * width)) - 1;
    let begin = id_width + width;
    let rest = bytes.len() - begin;
    let size = if is_bounded { usize::try_from(size).map_or(rest, |size| size.min(rest)) } else { rest };
    Some(Element { id, whole: at..at + begin + size, content: at + begin..at + begin + size, is_bounded })
}

/// Turns an element into a `Void` of the same size.
fn void(element: &mut [u8]) {
    let length = element.len();
    element.fill(0);
    match element {
        [id, size, ..] if length <= 128 => (*id, *size) = (0xec, 0x80 | (length - 2) as u8),
        [id, size @ ..] if length > 9 => {
            *id = 0xec;
            size[..8].copy_from_slice(&(1 << 56 | (length - 9) as u64).to_be_bytes());
        }
        _ => (),
    }
}
