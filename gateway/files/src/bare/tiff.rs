//! TIFF: its directories with the tags that make the picture, and the bytes that these refer to. All other bytes become
//! zeros, so that all offsets stay valid.

use std::{collections::BTreeSet, iter::once, ops::Range};

/// Tags that make the picture: its pixels, colours and orientation.
const OF_TIFF: &[u16] = &[
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 286, 287,
    290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340,
    341, 342, 347, 529, 530, 531, 532, 559, 32_997, 32_998, 34_675,
];
pub(crate) const WIDTH: u16 = 256;
pub(crate) const HEIGHT: u16 = 257;
const BITS: u16 = 258;
pub(crate) const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const STRIP_OFFSETS: u16 = 273;
pub(crate) const SAMPLES: u16 = 277;
const STRIP_SIZES: u16 = 279;
pub(crate) const TILE_WIDTH: u16 = 322;
pub(crate) const TILE_HEIGHT: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_SIZES: u16 = 325;
const SUB_DIRECTORIES: u16 = 330;
pub(crate) const ICC_PROFILE: u16 = 34_675;
/// Marks a camera raw.
const DNG_VERSION: u16 = 50_706;

const UNCOMPRESSED: u32 = 1;
/// Compressions whose pixels lie in strips and tiles alone: not the old JPEG (6), nor those of camera raws.
const COMPRESSIONS: [u32; 14] =
    [UNCOMPRESSED, 2, 3, 4, 5, 7, 8, 32_773, 32_946, 34_661, 34_712, 34_925, 50_000, 50_001];
/// Colour spaces other than those of camera sensors.
const PHOTOMETRICS: [u32; 12] = [0, 1, 2, 3, 4, 5, Y_CB_CR, 8, 9, 10, 32_844, 32_845];
const Y_CB_CR: u32 = 6;

/// The most directories of a file, entries of all of them, and ranges that they refer to.
const DIRECTORIES: usize = 4_096;
const ENTRIES: usize = 1 << 20;
const RANGES: usize = 1 << 20;

/// A TIFF with 32-bit offsets.
pub(crate) struct Tiff<'b> {
    bytes: &'b [u8],
    is_big_endian: bool,
}

/// A directory: one image, or page.
pub(crate) struct Directory {
    place: Range<usize>,
    count: usize,
    /// The entries of `OF_TIFF`, in order; each tag once.
    pub(crate) entries: Vec<Entry>,
    next: u32,
}

pub(crate) struct Entry {
    at: usize,
    pub(crate) tag: u16,
    kind: u16,
    pub(crate) count: u32,
    value: Range<usize>,
}

/// `None` if the place of its pixels is not certain, as in a camera raw.
pub(super) fn tiff(bytes: &[u8]) -> Option<Vec<u8>> {
    let tiff = Tiff::of(bytes)?;
    let mut directories = Vec::new();
    let mut ranges: Vec<_> = once(0..8).collect();
    let (mut ahead, mut seen, mut entries) = (vec![tiff.first()?], BTreeSet::new(), 0);
    while let Some(at) = ahead.pop() {
        if ahead.len() + seen.len() >= DIRECTORIES || !seen.insert(at) {
            return None;
        }
        let directory = tiff.directory(at)?;
        entries += directory.count;
        ranges.extend(directory.entries.iter().map(|entry| entry.value.clone()).filter(|value| value.len() > 4));
        tiff.pixels(&directory, &mut ranges)?;
        if entries > ENTRIES || ranges.len() > RANGES {
            return None;
        }
        if let Some(more) = directory.entry(SUB_DIRECTORIES) {
            ahead.extend(tiff.numbers(more).filter(|at| *at != 0).take(DIRECTORIES));
        }
        ahead.extend(Some(directory.next).filter(|at| *at != 0));
        directories.push(directory);
    }
    let ranges = merged(ranges);
    let mut bare = vec![0; bytes.len()];
    for range in &ranges {
        bare[range.clone()].copy_from_slice(&bytes[range.clone()]);
    }
    directories.sort_unstable_by_key(|directory| directory.place.start);
    let mut free = 0;
    for Directory { place, entries, .. } in &directories {
        // Rewriting a directory must not change other data.
        let before = ranges.partition_point(|range| range.start < place.end);
        let is_blocked_either_way = before.checked_sub(1).is_none_or(|last| ranges[last].end <= place.start);
        if place.start < free || !is_blocked_either_way {
            return None;
        }
        free = place.end;
        let mut at = place.start;
        let mut write = |what: &[u8]| {
            bare[at..at + what.len()].copy_from_slice(what);
            at += what.len();
        };
        write(&tiff.u16_bytes(u16::try_from(entries.len()).ok()?));
        entries.iter().for_each(|entry| write(&bytes[entry.at..entry.at + 12]));
        write(&bytes[place.end - 4..place.end]);
    }
    Some(bare)
}

/// Sorts ranges and joins those that overlap.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let overlaps = next.start <= last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    ranges
}

impl<'b> Tiff<'b> {
    pub(crate) fn of(bytes: &'b [u8]) -> Option<Self> {
        match bytes.first_chunk()? {
            b"II*\0" => Some(Self { bytes, is_big_endian: false }),
            b"MM\0*" => Some(Self { bytes, is_big_endian: true }),
            _ => None,
        }
    }

    /// The offset of the first directory.
    pub(crate) fn first(&self) -> Option<u32> {
        self.u32(4)
    }

    /// `None` if it is truncated, marks a camera raw, or repeats a tag.
    pub(crate) fn directory(&self, at: u32) -> Option<Directory> {
        let at = usize::try_from(at).ok()?;
        let count = usize::from(self.u16(at)?);
        let end = at.checked_add(2 + 12 * count)?;
        let next = self.u32(end)?;
        let (mut entries, mut tags) = (Vec::new(), BTreeSet::new());
        for at in (at + 2..end).step_by(12) {
            let tag = self.u16(at)?;
            if tag == DNG_VERSION {
                return None;
            }
            if OF_TIFF.contains(&tag) {
                entries.push(self.entry(at, tag)?);
                if !tags.insert(tag) {
                    return None;
                }
            }
        }
        Some(Directory { place: at..end + 4, count, entries, next })
    }

    fn entry(&self, at: usize, tag: u16) -> Option<Entry> {
        let (kind, count) = (self.u16(at + 2)?, self.u32(at + 4)?);
        let one = match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let size = usize::try_from(count).ok()?.checked_mul(one)?;
        let begin = if size <= 4 { at + 8 } else { usize::try_from(self.u32(at + 8)?).ok()? };
        let value = begin..begin.checked_add(size)?;
        (value.end <= self.bytes.len()).then_some(Entry { at, tag, kind, count, value })
    }

    /// The unsigned integers of an entry; none if its type is another.
    fn numbers(&self, entry: &Entry) -> impl Iterator<Item = u32> {
        let (kind, value) = (entry.kind, entry.value.clone());
        let size = match kind {
            1 => 1,
            3 => 2,
            _ => 4,
        };
        let is_whole = matches!(kind, 1 | 3 | 4 | 13);
        value.step_by(size).filter_map(move |at| match kind {
            _ if !is_whole => None,
            1 => self.bytes.get(at).map(|byte| u32::from(*byte)),
            3 => self.u16(at).map(u32::from),
            _ => self.u32(at),
        })
    }

    /// The first integer of a tag.
    pub(crate) fn number(&self, directory: &Directory, tag: u16) -> Option<u32> {
        self.numbers(directory.entry(tag)?).next()
    }

    /// Offsets and sizes of the strips or tiles of a directory, as they claim.
    pub(crate) fn chunks(&self, directory: &Directory) -> Option<impl Iterator<Item = (u32, u32)>> {
        let [strips, sizes, tiles, tile_sizes] =
            [STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES].map(|tag| directory.entry(tag));
        let (offsets, sizes) = match (strips.zip(sizes), tiles.zip(tile_sizes)) {
            (Some(strips), None) => strips,
            (None, Some(tiles)) => tiles,
            _ => return None,
        };
        (offsets.count == sizes.count).then(|| self.numbers(offsets).zip(self.numbers(sizes)))
    }

    /// Adds the ranges of the pixels of a directory; `None` if they are not certain.
    fn pixels(&self, directory: &Directory, ranges: &mut Vec<Range<usize>>) -> Option<()> {
        let number = |tag| self.number(directory, tag);
        let compression = number(COMPRESSION).unwrap_or(UNCOMPRESSED);
        let photometric = number(PHOTOMETRIC).unwrap_or_default();
        if !COMPRESSIONS.contains(&compression) || !PHOTOMETRICS.contains(&photometric) {
            return None;
        }
        let mut all = 0_u64;
        for (offset, size) in self.chunks(directory)? {
            // Readers guess a size that is zero.
            if size == 0 && offset != 0 || ranges.len() > RANGES {
                return None;
            }
            let begin = usize::try_from(offset).ok()?;
            let end = begin.saturating_add(usize::try_from(size).ok()?).min(self.bytes.len());
            if begin < end {
                ranges.push(begin..end);
            }
            all += u64::from(size);
        }
        if compression == UNCOMPRESSED && photometric != Y_CB_CR {
            let [width, height] = [WIDTH, HEIGHT].map(|tag| u64::from(number(tag).unwrap_or_default()));
            let [bits, samples] = [BITS, SAMPLES].map(|tag| u64::from(number(tag).unwrap_or(1)));
            let row = width.saturating_mul(bits).saturating_mul(samples).div_ceil(8);
            // Readers go on beyond strips that are too short.
            return (all >= row.saturating_mul(height)).then_some(());
        }
        Some(())
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn u16_bytes(&self, number: u16) -> [u8; 2] {
        if self.is_big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

impl Directory {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}
