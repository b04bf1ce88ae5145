//! Pictures without what stands beside their pixels. A colour profile or a text of a PNG is compressed: half a megabyte of
//! it is 400 when read, and a decoder's own limit does not hold while it grows. The tiles of a TIFF may be larger than
//! the image, and a JPEG within it has no limit: such TIFFs are not decoded.

use super::bare::tiff::{self, Tiff};
use bytes::Bytes;
use image::ImageFormat;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What a PNG is made of, beside its pixels (`IDAT`) and how it is to be turned (`eXIf`).
const KEPT: [&[u8; 4]; 4] = [b"IHDR", b"PLTE", b"tRNS", b"IEND"];
/// Pieces that a PNG may be in: each costs a decoder something, whatever is in it. The common writers make pieces of 8 KiB
/// and more.
const PIECES: usize = 16 * 1024;
/// The most values of a TIFF tag, such as offsets of strips.
const NUMBERS: u32 = 128 * 1024;
/// Compressions of a TIFF that are decoded row by row: none, fax, LZW, deflate, PackBits.
const LINE_BY_LINE: [u32; 8] = [1, 2, 3, 4, 5, 8, 32_773, 32_946];
/// Samples of a pixel, and pixels of a row with the padding of its tiles.
const SAMPLES: u32 = 8;
const ROW: u64 = 32 * 1024;
/// The largest note on how a PNG is to be turned, in bytes.
const NOTE: usize = 64 * 1024;

/// The picture with nothing beside its pixels that could grow, and the least number of pixels that decoding costs; `None` if it
/// is malformed.
pub(super) fn plain(bytes: Bytes, format: ImageFormat) -> Option<(Bytes, u64)> {
    match format {
        ImageFormat::Png => Some((png(&bytes)?.into(), 0)),
        ImageFormat::Tiff => tiles(&bytes).map(|pixels| (bytes, pixels)),
        _ => Some((bytes, 0)),
    }
}

/// The pixels of the first image of a TIFF with the padding of its tiles; `None` if it is malformed, or decoding it takes
/// more than its pixels do.
fn tiles(bytes: &[u8]) -> Option<u64> {
    let tiff = Tiff::of(bytes)?;
    let directory = tiff.directory(tiff.first()?)?;
    let is_modest = directory.entries.iter().all(|entry| entry.count <= NUMBERS || entry.tag == tiff::ICC_PROFILE);
    let number = |tag| tiff.number(&directory, tag);
    let compression = number(tiff::COMPRESSION).unwrap_or(1);
    if !is_modest || !LINE_BY_LINE.contains(&compression) || number(tiff::SAMPLES).unwrap_or(1) > SAMPLES {
        return None;
    }
    let length = bytes.len() as u64;
    let mut all = 0;
    for (offset, size) in tiff.chunks(&directory)? {
        all += u64::from(size);
        if u64::from(offset) + u64::from(size) > length || all > length {
            return None;
        }
    }
    let side = |size: u64, tile: Option<u32>| match tile {
        Some(0) => None,
        Some(tile) => Some(size.next_multiple_of(u64::from(tile))),
        None => Some(size),
    };
    let width = side(number(tiff::WIDTH)?.into(), number(tiff::TILE_WIDTH))?;
    let height = side(number(tiff::HEIGHT)?.into(), number(tiff::TILE_HEIGHT))?;
    width.checked_mul(height).filter(|_| width <= ROW)
}

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(PNG)?;
    let mut plain = Vec::with_capacity(bytes.len());
    plain.extend_from_slice(PNG);
    let mut pieces = 0;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let kind: &[u8; 4] = rest.get(4..8)?.try_into().ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        let is_kept = match kind {
            b"IDAT" => length > 0,
            b"eXIf" => length <= NOTE,
            kind => KEPT.contains(&kind),
        };
        if is_kept {
            pieces += 1;
            plain.extend_from_slice(chunk);
        }
        if pieces > PIECES {
            return None;
        }
        if kind == b"IEND" {
            return Some(plain);
        }
        rest = after;
    }
}

/// Whether a JPEG comes in passes: all its coefficients are then in memory at once.
pub(super) fn is_progressive(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    loop {
        match *rest {
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, 0xc2 | 0xc6 | 0xca | 0xce, ..] => return true,
            // The picture itself begins, or another kind of frame.
            [0xff, 0xda | 0xc0 | 0xc1, ..] => return false,
            [0xff, _, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(2 + length..).unwrap_or_default();
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], kind, data, b"crc."].concat()
    }

    #[test]
    fn of_a_png_only_what_makes_the_picture_is_left() {
        let made = |extra: &[Vec<u8>]| {
            let parts =
                [&[PNG.to_vec(), chunk(b"IHDR", b"head")], extra, &[chunk(b"IDAT", b"data"), chunk(b"IEND", b"")]];
            parts.concat().concat()
        };
        let noisy = [b"iCCP", b"zTXt", b"iTXt", b"tEXt", b"acTL", b"prVt"].map(|kind| chunk(kind, b"much of it"));
        assert_eq!(png(&made(&noisy)), Some(made(&[])));
        let turned = [chunk(b"eXIf", b"turn it")];
        assert_eq!(png(&made(&turned)), Some(made(&turned)));
        assert_eq!(png(&made(&[chunk(b"eXIf", &[0; NOTE + 1])])), Some(made(&[])));
        let whole = made(&[]);
        for end in 0..whole.len() {
            assert_eq!(png(&whole[..end]), None, "{end}");
        }
        assert_eq!(png(&[PNG, &[0xff; 64]].concat()), None);
    }

    #[test]
    fn a_png_comes_in_so_many_pieces_and_no_more() {
        let made = |count: usize, data: &[u8]| {
            let pieces = chunk(b"IDAT", data).repeat(count);
            [PNG.to_vec(), chunk(b"IHDR", b"head"), pieces, chunk(b"IEND", b"")].concat()
        };
        assert_eq!(png(&made(10 * PIECES, b"")), Some(made(0, b"")), "of pieces with nothing in them nothing is left");
        assert_eq!(png(&made(PIECES - 2, b"x")), Some(made(PIECES - 2, b"x")));
        assert_eq!(png(&made(PIECES - 1, b"x")), None);
    }

    #[test]
    fn a_jpeg_says_whether_it_comes_in_passes() {
        for (jpeg, want) in [
            (&b"\xff\xd8\xff\xe0\0\x04ab\xff\xc2\0\x04ab"[..], true),
            (b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x04ab", false),
            (b"\xff\xd8\xff\xe0\xff\xff", false),
            (b"\xff\xd8\xff\xda\0\x02\xff\xc2", false),
            (b"\xff", false),
            (b"", false),
        ] {
            assert_eq!(is_progressive(jpeg), want, "{jpeg:?}");
        }
    }
}
