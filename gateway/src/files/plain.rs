//! Pictures without what stands beside their pixels. A colour profile or a text of a PNG is compressed: half a megabyte of
//! it is 400 when read, and a decoder's own limit does not hold while it grows.

use bytes::Bytes;
use image::ImageFormat;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What a PNG is made of, and how it is to be turned.
const KEPT: [&[u8; 4]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"];
/// The largest note on how a PNG is to be turned, in bytes.
const NOTE: usize = 64 * 1024;

/// The picture with nothing beside its pixels that could grow; `None` when it is none.
pub(super) fn plain(bytes: Bytes, format: ImageFormat) -> Option<Bytes> {
    if format == ImageFormat::Png { png(&bytes).map(Bytes::from) } else { Some(bytes) }
}

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(PNG)?;
    let mut plain = Vec::with_capacity(bytes.len());
    plain.extend_from_slice(PNG);
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let kind: &[u8; 4] = rest.get(4..8)?.try_into().ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        if KEPT.contains(&kind) && (kind != b"eXIf" || length <= NOTE) {
            plain.extend_from_slice(chunk);
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
