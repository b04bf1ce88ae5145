//! Images and videos without metadata (place, time, device). An image is walked part by part, and only parts that make the
//! picture are copied, because a list of parts to remove is never complete. Videos and HEIF refer to their parts by
//! offset, so known metadata is blanked in place. Memory is one copy, whatever the container holds.

mod boxes;
mod gif;
mod jpeg;
mod matroska;
mod orientation;
mod png;
#[cfg(test)]
mod properties;
pub(super) mod tiff;
mod webp;

/// A container whose metadata is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Jpeg,
    Png,
    WebP,
    Gif,
    Tiff,
    /// HEIF and AVIF.
    Heif,
    JpegXl,
    /// JP2 and JPX.
    Jpeg2000,
    /// MP4, QuickTime and 3GP.
    Video,
    /// Matroska and WebM.
    Matroska,
}

impl Container {
    /// `None` for types that are stored unchanged.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        Some(match media_type {
            "image/jpeg" => Self::Jpeg,
            "image/png" => Self::Png,
            "image/webp" => Self::WebP,
            "image/gif" => Self::Gif,
            "image/tiff" => Self::Tiff,
            "image/heif" | "image/avif" => Self::Heif,
            "image/jxl" => Self::JpegXl,
            "image/jp2" => Self::Jpeg2000,
            "video/mp4" | "video/quicktime" | "video/x-m4v" | "video/3gpp" => Self::Video,
            "video/webm" | "video/x-matroska" => Self::Matroska,
            _ => return None,
        })
    }

    pub(super) fn is_video(self) -> bool {
        matches!(self, Self::Video | Self::Matroska)
    }
}

/// The outcome.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bare {
    /// There was no metadata.
    AsItCame,
    /// What is left of it.
    Of(Vec<u8>),
    /// It is malformed, or the place of its pixels is not certain.
    Unreadable,
}

/// Removes the metadata, but for the orientation.
pub(super) fn bare(bytes: &[u8], container: Container) -> Bare {
    let bare = match container {
        Container::Jpeg => jpeg::jpeg(bytes),
        Container::Png => png::png(bytes),
        Container::WebP => webp::webp(bytes),
        Container::Gif => gif::gif(bytes),
        Container::Tiff => tiff::tiff(bytes),
        Container::Heif => boxes::heif(bytes),
        Container::JpegXl => Some(boxes::jpeg_xl(bytes)),
        Container::Jpeg2000 => Some(boxes::jpeg_2000(bytes)),
        Container::Video => Some(boxes::video(bytes)),
        Container::Matroska => Some(matroska::matroska(bytes)),
    };
    match bare {
        Some(bare) if bare == bytes => Bare::AsItCame,
        Some(bare) => Bare::Of(bare),
        None => Bare::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        webp::{HAS_EXIF, HAS_XMP},
        *,
    };
    use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Rgb, RgbImage, metadata::Orientation};
    use std::io::Cursor;

    const SECRET: &[u8] = b"48.8584 N 2.2945 E";
    /// Orientation 6, and a text that must not come through.
    const NOTE: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\x0048.8584 N 2.2945 E";

    fn picture(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture: DynamicImage = RgbImage::from_fn(8, 4, |x, _| Rgb([x as u8 * 30, 0, 200])).into();
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn container(format: ImageFormat) -> Container {
        Container::of(format.to_mime_type()).unwrap()
    }

    fn has(bytes: &[u8], what: &[u8]) -> bool {
        bytes.windows(what.len()).any(|window| window == what)
    }

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], content].concat()
    }

    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let sum = crc32fast::hash(&[&kind[..], content].concat()).to_be_bytes();
        [&length[..], kind, content, &sum].concat()
    }

    fn piece(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        [&kind[..], &length, content, if content.len() % 2 == 1 { b"\0" } else { b"" }].concat()
    }

    /// A picture with notes of each sort.
    pub(super) fn noted(format: ImageFormat) -> Vec<u8> {
        let bytes = picture(format);
        match format {
            ImageFormat::Jpeg => {
                let notes = [
                    segment(0xe1, &[b"Exif\0\0", NOTE].concat()),
                    segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()),
                    segment(0xe2, &[b"MPF\0", SECRET].concat()),
                    segment(0xe0, &[b"JFXX\0", SECRET].concat()),
                    segment(0xed, SECRET),
                    segment(0xfe, SECRET),
                ];
                [&bytes[..2], &notes.concat(), &bytes[2..], b"\xff\xd8 a film: ", SECRET].concat()
            }
            ImageFormat::Png => {
                let notes = [chunk(b"eXIf", NOTE), chunk(b"tEXt", SECRET), chunk(b"prVt", SECRET)];
                [&bytes[..33], &notes.concat(), &bytes[33..], SECRET].concat()
            }
            _ => {
                let mut flags = [0; 10];
                (flags[0], flags[4], flags[7]) = (HAS_EXIF | HAS_XMP, 7, 3);
                let pieces = [
                    piece(b"VP8X", &flags),
                    bytes[12..].to_vec(),
                    piece(b"EXIF", &[b"Exif\0\0", NOTE].concat()),
                    piece(b"XMP ", SECRET),
                    piece(b"what", SECRET),
                ];
                let body = [b"WEBP", &pieces.concat()[..]].concat();
                [&b"RIFF"[..], &u32::try_from(body.len()).unwrap().to_le_bytes(), &body, SECRET].concat()
            }
        }
    }

    fn read(bytes: &[u8], format: ImageFormat) -> (RgbImage, Orientation) {
        let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().unwrap();
        let orientation = decoder.orientation().unwrap();
        (DynamicImage::from_decoder(decoder).unwrap().to_rgb8(), orientation)
    }

    #[test]
    fn the_pixels_stay_and_how_they_are_turned() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let (plain, noted) = (picture(format), noted(format));
            assert!(has(&noted, SECRET));
            let Bare::Of(bare) = bare(&noted, container(format)) else { panic!("{format:?}") };
            assert!(!has(&bare, SECRET), "{format:?}");
            let (pixels, orientation) = read(&bare, format);
            assert_eq!((pixels, orientation), (read(&plain, format).0, Orientation::Rotate90), "{format:?}");
            assert_eq!(super::bare(&bare, container(format)), Bare::AsItCame, "{format:?}: once is enough");
        }
    }

    #[test]
    fn what_says_nothing_stays_as_it_came() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
            assert_eq!(bare(&picture(format), container(format)), Bare::AsItCame, "{format:?}");
        }
        let upright = [&NOTE[..18], b"\x01", &NOTE[19..]].concat();
        let jpeg = picture(ImageFormat::Jpeg);
        let noted = [&jpeg[..2], &segment(0xe1, &[b"Exif\0\0", &upright[..]].concat()), &jpeg[2..]].concat();
        assert_eq!(bare(&noted, Container::Jpeg), Bare::Of(jpeg), "nothing is to be turned");
    }

    #[test]
    fn a_jfif_keeps_its_density_and_loses_its_thumbnail() {
        let head = b"JFIF\0\x01\x02\x01\0\x48\0\x48";
        let of = |thumbnail: &[u8]| segment(0xe0, &[head, thumbnail].concat());
        let rest = [&segment(0xda, b"s")[..], b"a\xff\xd9"].concat();
        let jpeg = |application: &[u8]| [b"\xff\xd8", application, &rest[..]].concat();
        let noted =
            [of(&[&[6, 1], SECRET].concat()), segment(0xe0, &[b"JFXX\0\x10", SECRET].concat()), segment(0xf7, SECRET)];
        let want = jpeg(&of(&[0, 0]));
        assert_eq!(bare(&jpeg(&noted.concat()), Container::Jpeg), Bare::Of(want.clone()));
        assert_eq!(bare(&want, Container::Jpeg), Bare::AsItCame);
    }

    #[test]
    fn no_note_is_put_behind_a_part_that_breaks_off() {
        let noted = noted(ImageFormat::WebP);
        let pixels = noted.windows(4).position(|window| window == b"VP8L").unwrap();
        let again = [&noted[..noted.len() - SECRET.len()], &noted[pixels..pixels + 20]].concat();
        let whole = [&again[..4], &u32::try_from(again.len() - 8).unwrap().to_le_bytes(), &again[8..]].concat();
        let Bare::Of(kept) = bare(&whole, Container::WebP) else { panic!("it has metadata") };
        assert_eq!(bare(&kept, Container::WebP), Bare::AsItCame);
    }

    #[test]
    fn wherever_it_breaks_off_nothing_comes_through() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let noted = noted(format);
            for end in 0..noted.len() {
                if let Bare::Of(bare) = bare(&noted[..end], container(format)) {
                    assert!(!has(&bare, &SECRET[..8]), "{format:?} {end}");
                }
            }
            assert_eq!(bare(b"GIF89a", container(format)), Bare::Unreadable);
        }
        let scans = [&b"\xff\xd8"[..], &segment(0xda, b"s"), b"a\xff\0b\xff\xd0c", &segment(0xfe, SECRET)].concat();
        let more = [&segment(0xda, b"t")[..], b"d\xff\xd9"].concat();
        let want = [&b"\xff\xd8"[..], &segment(0xda, b"s"), b"a\xff\0b\xff\xd0c", &more].concat();
        assert_eq!(bare(&[scans, more].concat(), Container::Jpeg), Bare::Of(want), "between scans");
    }
}
