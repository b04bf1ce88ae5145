//! ISO base media files: videos (MP4, QuickTime) and images (HEIF, AVIF, JPEG XL). Metadata is blanked in place, so that all
//! offsets stay valid.

use std::{collections::BTreeMap, ops::Range};

/// The type of a blanked box.
const FREE: &[u8; 4] = b"free";
/// Boxes without meaning; editors leave old metadata in them.
const PADDING: [&[u8; 4]; 2] = [FREE, b"skip"];
/// User data that playback uses: the role of a track, groups of tracks, loudness, streaming hints.
const OF_USER_DATA: [&[u8; 4]; 6] = [b"kind", b"tsel", b"strk", b"ludt", b"hnti", b"hinf"];
/// Extended types of `uuid` boxes that playback uses: spherical video, `pssh`.
const OF_UUID: [&[u8; 16]; 2] = [
    b"\xff\xcc\x82\x63\xf8\x55\x4a\x93\x88\x14\x58\x7a\x02\x52\x1f\xdd",
    b"\xd0\x8a\x4f\x18\x10\xf3\x4a\x82\xb6\xc8\x32\xd8\xab\xa1\x83\xd3",
];
/// Types of items that hold metadata: Exif, XMP, links.
const NOTES: [&[u8; 4]; 3] = [EXIF, b"mime", b"uri "];
const EXIF: &[u8; 4] = b"Exif";
/// The most extents of all items.
const EXTENTS: u64 = 1 << 16;
/// An Exif item whose TIFF has an empty directory.
const EMPTY_EXIF: &[u8; 18] = b"\0\0\0\0II*\0\x08\0\0\0\0\0\0\0\0\0";

/// Boxes that stand at the top of a video or a HEIF and make it, or are looked into. Others are blanked: streams put times
/// there, and phones other files.
const OF_MEDIA: [&[u8; 4]; 15] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"imda", b"sidx", b"ssix", b"pdin", b"wide", b"meta",
    b"uuid", b"udta", FREE,
];
/// The same of a JPEG XL. Its codestream is the picture; `jbrd` is how a JPEG was written.
const OF_JPEG_XL: [&[u8; 4]; 7] = [b"JXL ", b"ftyp", b"jxll", b"jxli", b"jxlc", b"jxlp", FREE];
/// The same of a JPEG 2000.
const OF_JPEG_2000: [&[u8; 4]; 8] = [b"jP  ", b"ftyp", b"rreq", b"jp2h", b"jpch", b"jplh", b"jp2c", FREE];
/// The first box of a JPEG XL. Without it a file is the codestream alone.
const JPEG_XL: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

/// A box: its type, where its header begins, and its content.
struct Found {
    kind: [u8; 4],
    at: usize,
    content: Range<usize>,
}

/// A file, and its copy without metadata.
struct Media<'b> {
    bytes: &'b [u8],
    bare: Vec<u8>,
    /// The contents of `mdat` and `idat`: nothing outside them is blanked because an offset points there.
    data: Vec<Range<usize>>,
    /// Bytes that may still be blanked by offsets. Many offsets may point to the same bytes.
    budget: usize,
}

/// Blanks user data, metadata, times and tracks of sensors.
pub(super) fn video(bytes: &[u8]) -> Vec<u8> {
    let mut media = Media::of(bytes);
    for found in boxes(bytes, 0..bytes.len()) {
        match &found.kind {
            b"moov" => media.movie(found.content),
            b"moof" => media.fragment(found.content),
            b"meta" if handler(bytes, &found.content) != Some(*b"pict") => media.blank(&found),
            kind if OF_MEDIA.contains(&kind) => media.blank_metadata(&found),
            _ => media.blank(&found),
        }
    }
    media.whole()
}

/// Blanks all but the picture in a JPEG XL; its codestream holds the orientation.
pub(super) fn jpeg_xl(bytes: &[u8]) -> Vec<u8> {
    if !bytes.starts_with(JPEG_XL) {
        return bytes.to_vec();
    }
    let mut media = Media::of(bytes);
    media.blank_others(&OF_JPEG_XL);
    media.whole()
}

/// Blanks all but the picture in a JPEG 2000, and the comments in the head of its codestream.
pub(super) fn jpeg_2000(bytes: &[u8]) -> Vec<u8> {
    let mut media = Media::of(bytes);
    media.blank_others(&OF_JPEG_2000);
    for found in boxes(bytes, 0..bytes.len()).filter(|found| &found.kind == b"jp2c") {
        media.comments(&found.content);
    }
    media.whole()
}

/// Blanks Exif and XMP; `None` if their place is not certain.
pub(super) fn heif(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut media = Media::of(bytes);
    let mut is_picture = false;
    for found in boxes(bytes, 0..bytes.len()) {
        match &found.kind {
            b"meta" => {
                media.items(found.content)?;
                is_picture = true;
            }
            b"moov" => media.movie(found.content),
            b"moof" => media.fragment(found.content),
            kind if OF_MEDIA.contains(&kind) => media.blank_metadata(&found),
            _ => media.blank(&found),
        }
    }
    is_picture.then(|| media.whole())
}

/// The boxes of a range. The last one may be truncated.
fn boxes(bytes: &[u8], mut within: Range<usize>) -> impl Iterator<Item = Found> {
    std::iter::from_fn(move || {
        let rest = bytes.get(within.clone())?;
        let kind = *rest.get(4..)?.first_chunk()?;
        let (head, size) = match u32::from_be_bytes(*rest.first_chunk()?) {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*rest.get(8..)?.first_chunk()?)).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        let (at, size) = (within.start, size.min(rest.len()));
        within.start = at + size;
        (size >= head).then(|| Found { kind, at, content: at + head..at + size })
    })
}

impl<'b> Media<'b> {
    fn of(bytes: &'b [u8]) -> Self {
        let data = boxes(bytes, 0..bytes.len()).filter(|found| &found.kind == b"mdat").map(|found| found.content);
        Self { bytes, bare: bytes.to_vec(), data: data.collect(), budget: bytes.len() }
    }

    /// The copy, without what stands behind the last box.
    fn whole(mut self) -> Vec<u8> {
        let end = boxes(self.bytes, 0..self.bytes.len()).last().map_or(self.bytes.len(), |last| last.content.end);
        self.bare.truncate(end);
        self.bare
    }

    /// Blanks the boxes that stand at the top and are none of these.
    fn blank_others(&mut self, of_picture: &[&[u8; 4]]) {
        for found in boxes(self.bytes, 0..self.bytes.len()) {
            match of_picture.contains(&&found.kind) {
                true => self.blank_metadata(&found),
                false => self.blank(&found),
            }
        }
    }

    /// Blanks the comments before the first tile of a JPEG 2000's codestream.
    fn comments(&mut self, codestream: &Range<usize>) {
        let mut at = codestream.start + 2;
        while let (Some(marker), Some(length)) = (number(self.bytes, at, 2), number(self.bytes, at + 2, 2)) {
            let end = at + 2 + usize::try_from(length).unwrap_or(0);
            match marker {
                // A comment: its length, how it is written, and the text.
                0xff64 if end <= codestream.end && length >= 4 => self.bare[at + 6..end].fill(0),
                0xff90 => return,
                _ => (),
            }
            if length < 2 || end > codestream.end {
                return;
            }
            at = end;
        }
    }

    /// A fragment of a movie, and its tracks.
    fn fragment(&mut self, within: Range<usize>) {
        for found in boxes(self.bytes, within) {
            match &found.kind {
                b"meta" => self.blank(&found),
                b"traf" => {
                    for part in boxes(self.bytes, found.content) {
                        if &part.kind == b"meta" { self.blank(&part) } else { self.blank_metadata(&part) }
                    }
                }
                _ => self.blank_metadata(&found),
            }
        }
    }

    fn movie(&mut self, within: Range<usize>) {
        for found in boxes(self.bytes, within) {
            match &found.kind {
                b"mvhd" => self.times(&found.content),
                b"trak" => self.track(&found),
                b"meta" => self.blank(&found),
                _ => self.blank_metadata(&found),
            }
        }
    }

    fn track(&mut self, track: &Found) {
        let media = one(self.bytes, &track.content, b"mdia").unwrap_or_default();
        if hdlr(self.bytes, &media) == Some(*b"meta") {
            // Recordings of sensors, such as a position for each second.
            let _ = self.samples(&media);
            return self.blank(track);
        }
        for found in boxes(self.bytes, media) {
            if &found.kind == b"mdhd" {
                self.times(&found.content);
            }
        }
        for found in boxes(self.bytes, track.content.clone()) {
            match &found.kind {
                b"tkhd" => self.times(&found.content),
                b"meta" => self.blank(&found),
                _ => self.blank_metadata(&found),
            }
        }
    }

    /// Blanks a box that is metadata at any level.
    fn blank_metadata(&mut self, found: &Found) {
        match &found.kind {
            b"udta" => {
                for said in boxes(self.bytes, found.content.clone()) {
                    if !OF_USER_DATA.contains(&&said.kind) {
                        self.blank(&said);
                    }
                }
            }
            b"uuid" => {
                let name = self.bytes.get(found.content.clone()).and_then(<[u8]>::first_chunk::<16>);
                if !name.is_some_and(|name| OF_UUID.contains(&name)) {
                    self.blank(found);
                }
            }
            kind if PADDING.contains(&kind) => self.bare[found.content.clone()].fill(0),
            _ => (),
        }
    }

    /// Blanks the times of creation and change.
    fn times(&mut self, head: &Range<usize>) {
        let size = if self.bytes.get(head.start) == Some(&1) { 16 } else { 8 };
        let end = (head.start + 4 + size).min(head.end);
        if let Some(times) = self.bare.get_mut(head.start + 4..end) {
            times.fill(0);
        }
    }

    fn blank(&mut self, found: &Found) {
        // QuickTime ends user data with zeros.
        if found.kind != [0; 4] {
            self.bare[found.at + 4..found.at + 8].copy_from_slice(FREE);
        }
        self.bare[found.content.clone()].fill(0);
    }

    /// Blanks the bytes that an offset points to. `None` outside of `mdat` and `idat`, and beyond the budget.
    fn fill(&mut self, begin: u64, size: u64, with: u8) -> Option<&mut [u8]> {
        let begin = usize::try_from(begin).ok()?;
        let data = self.data.iter().find(|data| data.contains(&begin))?;
        let end = begin.saturating_add(usize::try_from(size).ok()?).min(data.end);
        self.budget = self.budget.checked_sub(end - begin)?;
        let blank = self.bare.get_mut(begin..end)?;
        blank.fill(with);
        Some(blank)
    }

    /// Blanks the samples of a track. `None` if a table is missing or malformed.
    fn samples(&mut self, media: &Range<usize>) -> Option<()> {
        let bytes = self.bytes;
        let table = one(bytes, &one(bytes, media, b"minf")?, b"stbl")?;
        let (sizes, runs) = (one(bytes, &table, b"stsz")?, one(bytes, &table, b"stsc")?);
        let (chunks, width) =
            one(bytes, &table, b"stco").map(|found| (found, 4)).or_else(|| Some((one(bytes, &table, b"co64")?, 8)))?;
        let of_all = number(bytes, sizes.start + 4, 4)?;
        let mut sizes = rows(sizes, 12, 4).filter_map(|at| number(bytes, at, 4));
        // A row of `stsc`: the first chunk of a run, and the samples of each of its chunks.
        let (mut runs, mut in_chunk) = (rows(runs, 8, 12).peekable(), 0);
        for (chunk, at) in (1..).zip(rows(chunks, 8, width)) {
            while let Some(at) = runs.next_if(|at| number(bytes, *at, 4).is_some_and(|first| first <= chunk)) {
                in_chunk = number(bytes, at + 4, 4)?;
            }
            let size = match of_all {
                0 => sizes.by_ref().take(usize::try_from(in_chunk).ok()?).sum(),
                of_all => of_all * in_chunk,
            };
            self.fill(number(bytes, at, width)?, size, 0)?;
        }
        Some(())
    }

    /// Blanks the items that hold metadata.
    fn items(&mut self, meta: Range<usize>) -> Option<()> {
        let (bytes, within) = (self.bytes, meta.start + 4..meta.end);
        let notes = notes(bytes, &one(bytes, &within, b"iinf")?)?;
        let inside = one(bytes, &within, b"idat");
        self.data.extend(inside.clone());
        let (table, mut at) = (bytes.get(one(bytes, &within, b"iloc")?)?, 0);
        let mut read = |size: usize| {
            let number = number(table, at, size)?;
            at += size;
            Some(number)
        };
        let version = read(4)? >> 24;
        let widths = read(2)?;
        let [offset, length, base, index] = [12, 8, 4, 0].map(|shift| (widths >> shift & 15) as usize);
        if [offset, length, base].iter().any(|width| ![0, 4, 8].contains(width)) {
            return None;
        }
        let id_width = if version < 2 { 2 } else { 4 };
        let mut extents = 0;
        for _ in 0..read(id_width)? {
            let id = read(id_width)?;
            let method = if version == 0 { 0 } else { read(2)? & 15 };
            let (is_elsewhere, base, count) = (read(2)? != 0, read(base)?, read(2)?);
            extents += count;
            if extents > EXTENTS {
                return None;
            }
            for _ in 0..count {
                if version > 0 {
                    read(index)?;
                }
                let (offset, length) = (read(offset)?, read(length)?);
                let Some(kind) = notes.get(&id).filter(|_| !is_elsewhere) else { continue };
                let begin = match method {
                    0 => 0,
                    1 => inside.as_ref()?.start as u64,
                    _ => return None,
                };
                if length == 0 {
                    return None;
                }
                let begin = begin.checked_add(base)?.checked_add(offset)?;
                // XMP is text, and so are links.
                let blank = self.fill(begin, length, if kind == EXIF { 0 } else { b' ' })?;
                if let Some(head) = blank.first_chunk_mut().filter(|_| kind == EXIF) {
                    *head = *EMPTY_EXIF;
                }
            }
        }
        Some(())
    }
}

/// The content of the first box of a kind.
fn one(bytes: &[u8], within: &Range<usize>, kind: &[u8; 4]) -> Option<Range<usize>> {
    boxes(bytes, within.clone()).find(|found| &found.kind == kind).map(|found| found.content)
}

/// The handler type that a range of boxes declares.
fn hdlr(bytes: &[u8], within: &Range<usize>) -> Option<[u8; 4]> {
    bytes.get(one(bytes, within, b"hdlr")?)?.get(8..)?.first_chunk().copied()
}

/// The handler type of a `meta` box. QuickTime's has no version field.
fn handler(bytes: &[u8], meta: &Range<usize>) -> Option<[u8; 4]> {
    [4, 0].into_iter().find_map(|head| hdlr(bytes, &(meta.start + head..meta.end)))
}

/// The offsets of the rows of a table.
fn rows(table: Range<usize>, head: usize, width: usize) -> impl Iterator<Item = usize> {
    (table.start + head..table.end).step_by(width).filter(move |at| at + width <= table.end)
}

/// A big-endian number of at most 8 bytes.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The items that hold metadata, with their types.
fn notes(bytes: &[u8], items: &Range<usize>) -> Option<BTreeMap<u64, [u8; 4]>> {
    let head = if number(bytes, items.start, 1)? == 0 { 6 } else { 8 };
    let mut notes = BTreeMap::new();
    for item in boxes(bytes, items.start + head..items.end).filter(|found| &found.kind == b"infe") {
        let at = item.content.start;
        let width = match number(bytes, at, 1)? {
            2 => 2,
            3 => 4,
            // Older versions have no item type.
            _ => continue,
        };
        let (id, kind) = (number(bytes, at + 4, width)?, bytes.get(at + 6 + width..)?.first_chunk()?);
        if NOTES.contains(&kind) {
            notes.insert(id, *kind);
        }
    }
    Some(notes)
}
