//! Properties of all containers, also of malformed ones.

use super::{Bare, Container, bare, tests::noted};
use image::{
    AnimationDecoder as _, Frame, ImageFormat, Rgba, RgbaImage,
    codecs::gif::{GifDecoder, GifEncoder},
};
use proptest::prelude::*;
use std::io::Cursor;

const SECRET: &[u8] = b"48.8584 N 2.2945 E";
/// Pixels and samples, which must stay.
const SHOWN: &[u8] = b"the samples and pixels";

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A GIF of two frames, with extensions of all kinds before, between and after them.
fn gif() -> Vec<u8> {
    let mut plain = Vec::new();
    let frames = [9, 200].map(|grey| Frame::new(RgbaImage::from_pixel(4, 2, Rgba([grey, grey, grey, 255]))));
    GifEncoder::new(&mut plain).encode_frames(frames).unwrap();
    let application = |name: &[u8], data: &[u8]| cat(&[b"!\xff\x0b", name, &[data.len() as u8], data, b"\0"]);
    let comment = cat(&[b"!\xfe\x12", SECRET, b"\0"]);
    let (xmp, other) = (application(b"XMP DataXMP", SECRET), application(b"MAKERNOTE20", SECRET));
    let repeated = cat(&[b"!\xff\x0bNETSCAPE2.0\x03\x01\x02\0", &[SECRET.len() as u8], SECRET, b"\0"]);
    let (head, frames) = plain.split_at(13 + if plain[10] & 0x80 == 0 { 0 } else { 6 << (plain[10] & 7) });
    let second = 1 + frames.windows(3).skip(1).position(|window| window == b"!\xf9\x04").unwrap();
    let (first, second) = frames.split_at(second);
    let end = second.len() - 1;
    cat(&[head, &comment, &repeated, &xmp, first, &other, &second[..end], &comment, b";", SECRET])
}

/// A TIFF of 4 by 2 grey pixels in two strips, turned, of two pages, with metadata in each place.
fn tiff(is_big_endian: bool) -> Vec<u8> {
    let short = |n: u16| if is_big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let long = |n: u32| if is_big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let value = if kind == 3 && count == 1 { cat(&[&short(value as u16), b"\0\0"]) } else { long(value).to_vec() };
        cat(&[&short(tag), &short(kind), &long(count), &value])
    };
    let mut bytes = cat(&[if is_big_endian { b"MM\0*" } else { b"II*\0" }, &long(8)]);
    let entries = |next: u32| {
        let entries = [
            entry(256, 3, 1, 4),
            entry(257, 3, 1, 2),
            entry(258, 3, 1, 8),
            entry(259, 3, 1, 1),
            entry(262, 3, 1, 1),
            entry(271, 2, SECRET.len() as u32, 600),
            entry(273, 4, 2, 500),
            entry(274, 3, 1, 6),
            entry(277, 3, 1, 1),
            entry(278, 3, 1, 1),
            entry(279, 4, 2, 508),
            entry(305, 2, 4, 0x2e38_342e),
            entry(700, 1, SECRET.len() as u32, 600),
            entry(33_723, 7, SECRET.len() as u32, 600),
            entry(34_665, 4, 1, 700),
            entry(34_853, 4, 1, 700),
        ];
        cat(&[&short(entries.len() as u16), &entries.concat(), &long(next)])
    };
    bytes.extend(entries(240));
    bytes.resize(240, b'.');
    bytes.extend(entries(0));
    for (at, what) in [
        (500, cat(&[&long(520), &long(530), &long(4), &long(4)])),
        (520, vec![0, 80, 160, 240]),
        (530, vec![10, 90, 170, 250]),
        (600, SECRET.to_vec()),
        (700, cat(&[&short(1), &entry(1, 2, SECRET.len() as u32, 720), &long(0), b"..", SECRET])),
    ] {
        bytes.resize(at, b'.');
        bytes.extend(what);
    }
    bytes
}

fn block(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    cat(&[&(8 + content.len() as u32).to_be_bytes(), kind, &content])
}

/// The `meta` of a HEIF whose data begin at `at`.
fn described(at: u32) -> Vec<u8> {
    let item =
        |id: u8, kind: &[u8; 4], more: &[u8]| block(b"infe", &[b"\x02\0\0\0\0", &[id], b"\0\0", kind, b"\0", more]);
    let items = [item(1, b"av01", b""), item(2, b"Exif", b""), item(3, b"mime", b"application/rdf+xml\0")];
    let place = |id: u8, method: u8, offset: u32, length: u32| {
        cat(&[b"\0", &[id], b"\0", &[method], b"\0\0\0\x01", &offset.to_be_bytes(), &length.to_be_bytes()])
    };
    let (shown, secret) = (SHOWN.len() as u32, SECRET.len() as u32);
    let places = [place(1, 0, at, shown), place(2, 0, at + shown, 10 + secret), place(3, 1, 0, secret)];
    block(
        b"meta",
        &[
            b"\0\0\0\0",
            &block(b"hdlr", &[b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"]),
            &block(b"iinf", &[b"\0\0\0\0\0\x03", &items.concat()]),
            &block(b"idat", &[SECRET]),
            &block(b"iloc", &[b"\x01\0\0\0\x44\0\0\x03", &places.concat()]),
        ],
    )
}

/// An AVIF whose Exif lies beside its pixels, and whose XMP within its description.
fn heif() -> Vec<u8> {
    let head = block(b"ftyp", &[b"avif\0\0\0\0avifmif1"]);
    let at = (head.len() + described(0).len() + 8) as u32;
    let data = block(b"mdat", &[SHOWN, b"\0\0\0\x06Exif\0\0", SECRET]);
    cat(&[
        &head,
        &described(at),
        &data,
        &block(b"uuid", &[&[7; 16], SECRET]),
        &block(b"mpvd", &[SECRET]),
        b"\0\0\0\x02",
        SECRET,
    ])
}

fn jpeg_xl() -> Vec<u8> {
    cat(&[
        &block(b"JXL ", &[b"\x0d\x0a\x87\x0a"]),
        &block(b"ftyp", &[b"jxl \0\0\0\0jxl "]),
        &block(b"Exif", &[SECRET]),
        &block(b"brob", &[b"xml ", SECRET]),
        &block(b"jxlc", &[b"\xff\x0a", SHOWN]),
        &block(b"jbrd", &[SECRET]),
        &block(b"more", &[SECRET]),
        b"\0\0\0\x02",
        SECRET,
    ])
}

/// A JPEG 2000 with notes in boxes and in its codestream.
fn jpeg_2000() -> Vec<u8> {
    let comment = cat(&[b"\xff\x64", &[0, 4 + SECRET.len() as u8], b"\0\x01", SECRET]);
    let codestream = cat(&[b"\xff\x4f\xff\x51\0\x06size", &comment, b"\xff\x90\0\x04..", SHOWN]);
    cat(&[
        &block(b"jP  ", &[b"\x0d\x0a\x87\x0a"]),
        &block(b"ftyp", &[b"jp2 \0\0\0\0jp2 "]),
        &block(b"jp2h", &[&block(b"ihdr", &[b"how large"])]),
        &block(b"xml ", &[SECRET]),
        &block(b"uuid", &[&[7; 16], SECRET]),
        &block(b"jp2c", &[&codestream]),
        &block(b"uinf", &[SECRET]),
    ])
}

fn track(kind: &[u8; 4], chunk: u32, size: u32) -> Vec<u8> {
    let table = block(
        b"stbl",
        &[
            &block(b"stsz", &[&[0; 8], &1_u32.to_be_bytes(), &size.to_be_bytes()]),
            &block(b"stsc", &[b"\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01"]),
            &block(b"stco", &[b"\0\0\0\0\0\0\0\x01", &chunk.to_be_bytes()]),
        ],
    );
    let media = block(
        b"mdia",
        &[
            &block(b"mdhd", &[&[0; 4], b"made", b"then", &[0; 12]]),
            &block(b"hdlr", &[&[0; 8], kind, &[0; 13]]),
            &block(b"minf", &[&table]),
        ],
    );
    let user = block(b"udta", &[&block(b"\xa9xyz", &[SECRET]), &block(b"kind", &[b"main"])]);
    block(b"trak", &[&block(b"tkhd", &[&[0; 4], b"made", b"then", &[0; 76]]), &media, &user])
}

/// A video with a place in its user data, in a track of its own, and in the boxes of Apple and Adobe.
fn video() -> Vec<u8> {
    let head = block(b"ftyp", &[b"isom\0\0\0\0isommp42"]);
    let data = block(b"mdat", &[SHOWN, SECRET]);
    let (shown, secret) = (SHOWN.len() as u32, SECRET.len() as u32);
    let at = (head.len() + 8) as u32;
    let movie = block(
        b"moov",
        &[
            &block(b"mvhd", &[b"\x01\0\0\0", b"made.at.then.yes", &[0; 92]]),
            &track(b"vide", at, shown),
            &track(b"meta", at + shown, secret),
            &block(b"udta", &[&block(b"\xa9xyz", &[SECRET]), &block(b"meta", &[SECRET]), b"\0\0\0\0"]),
            &block(b"meta", &[&block(b"hdlr", &[b"\0\0\0\0\0\0\0\0mdta\0"]), SECRET]),
        ],
    );
    let place = block(b"udta", &[&block(b"\xa9xyz", &[SECRET])]);
    let track = block(b"traf", &[&block(b"tfhd", &[&[0; 8]]), &place, &block(b"meta", &[SECRET])]);
    let fragment = block(b"moof", &[&block(b"mfhd", &[&[0; 8]]), &track, &place, &block(b"meta", &[SECRET])]);
    cat(&[
        &head,
        &data,
        &movie,
        &fragment,
        &block(b"free", &[SECRET]),
        &block(b"uuid", &[&[7; 16], SECRET]),
        &block(b"emsg", &[SECRET]),
        &block(b"mine", &[SECRET]),
        b"\0\0\0\x02",
        SECRET,
    ])
}

/// A WebM as browsers record it: the sizes of its segment and clusters are unknown.
fn matroska() -> Vec<u8> {
    let element = |id: &[u8], content: &[u8]| cat(&[id, &[0x80 | content.len() as u8], content]);
    let information = [
        element(b"\xbf", b"sums"),
        element(b"\x2a\xd7\xb1", b"\x0f\x42\x40"),
        element(b"\x44\x61", b"then:now"),
        element(b"\x7b\xa9", SECRET),
    ];
    let long = cat(&[SECRET, &[b'.'; 200]]);
    let tags = cat(&[b"\x12\x54\xc3\x67\x40", &[long.len() as u8], &long]);
    cat(&[
        &element(b"\x1a\x45\xdf\xa3", b"\x42\x82\x84webm"),
        b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
        &element(b"\x15\x49\xa9\x66", &information.concat()),
        &element(b"\x12\x54\xc3\x67", SECRET),
        b"\x1f\x43\xb6\x75\xff",
        &element(b"\xe7", b"\0"),
        &element(b"\xa3", SHOWN),
        b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff",
        &element(b"\xa3", SHOWN),
        &element(b"\xec", SECRET),
        &tags,
    ])
}

fn samples() -> Vec<(Container, Vec<u8>)> {
    vec![
        (Container::Jpeg, noted(ImageFormat::Jpeg)),
        (Container::Png, noted(ImageFormat::Png)),
        (Container::WebP, noted(ImageFormat::WebP)),
        (Container::Gif, gif()),
        (Container::Tiff, tiff(false)),
        (Container::Tiff, tiff(true)),
        (Container::Heif, heif()),
        (Container::JpegXl, jpeg_xl()),
        (Container::Jpeg2000, jpeg_2000()),
        (Container::Video, video()),
        (Container::Matroska, matroska()),
    ]
}

fn of(bytes: &[u8], container: Container) -> Vec<u8> {
    match bare(bytes, container) {
        Bare::Of(bare) => bare,
        other => panic!("{container:?}: {other:?}"),
    }
}

#[test]
fn no_container_says_where_it_was_taken() {
    for (container, noted) in samples() {
        assert!(has(&noted, &SECRET[..8]));
        let kept = of(&noted, container);
        assert!(!has(&kept, &SECRET[..8]), "{container:?}");
        assert_eq!(has(&kept, SHOWN), has(&noted, SHOWN), "{container:?}");
        assert_eq!(bare(&kept, container), Bare::AsItCame, "{container:?}: once is enough");
    }
}

#[test]
fn an_animation_shows_and_repeats_what_it_did() {
    let frames = |bytes: &[u8]| {
        let frames = GifDecoder::new(Cursor::new(bytes.to_vec())).unwrap().into_frames();
        frames.map(|frame| frame.unwrap()).map(|frame| (frame.delay(), frame.into_buffer())).collect::<Vec<_>>()
    };
    let (noted, kept) = (gif(), of(&gif(), Container::Gif));
    assert_eq!(frames(&noted).len(), 2);
    assert_eq!(frames(&noted), frames(&kept));
    assert!(has(&kept, b"!\xff\x0bNETSCAPE2.0\x03\x01\x02\0\0"));
    for script in
        [&b"GIF89a/*<script>alert(1)</script>*/=1;"[..], b"GIF89a\x01\0\x01\0\0\0\0;<script>alert(1)</script>"]
    {
        assert_eq!(bare(script, Container::Gif), Bare::Unreadable, "it has no image");
    }
}

#[test]
fn a_tiff_keeps_its_pixels_its_pages_and_how_it_is_turned() {
    for noted in [tiff(false), tiff(true)] {
        let kept = of(&noted, Container::Tiff);
        assert_eq!(kept.len(), noted.len());
        let read = |bytes: &[u8]| image::load_from_memory_with_format(bytes, ImageFormat::Tiff).unwrap().to_luma8();
        assert_eq!(read(&kept), read(&noted));
        assert_eq!(read(&kept).into_raw(), [0, 80, 160, 240, 10, 90, 170, 250]);
        let tiff = super::tiff::Tiff::of(&kept).unwrap();
        for page in [8, 240] {
            let page = tiff.directory(page).unwrap();
            assert_eq!((page.entries.len(), tiff.number(&page, 274)), (10, Some(6)));
        }
    }
}

#[test]
fn a_tiff_that_cannot_be_separated_from_its_notes_is_none() {
    let with = |at: usize, what: &[u8]| {
        let mut tiff = tiff(false);
        tiff[at..at + what.len()].copy_from_slice(what);
        bare(&tiff, Container::Tiff)
    };
    let value = |n: usize| 10 + 12 * n + 8;
    for (at, what) in [
        (value(3), b"\x06\0".as_slice()),
        (value(4), b"\x23\x80"),
        (10 + 12 * 5, b"\x12\xc6"),
        (10 + 12 * 5, b"\x00\x01"),
        (10 + 12 * 10, b"\x18\x01"),
        (value(0), b"\x05\0"),
        (508, b"\0\0\0\0"),
        (value(6), b"\x0a\0\0\0"),
        (value(6), b"\xff\xff\0\0"),
        (10 + 12 * 16, b"\x08\0\0\0"),
        (4, b"\xff\xff\xff\xff"),
    ] {
        assert_eq!(with(at, what), Bare::Unreadable, "{what:?} at {at}");
    }
}

#[test]
fn films_keep_how_they_are_played_and_every_offset() {
    let (noted, kept) = (video(), of(&video(), Container::Video));
    assert_eq!(kept.len(), noted.len() - 4 - SECRET.len(), "but for what stood behind the last box");
    assert!(has(&kept, b"tfhd") && has(&kept, b"mfhd"));
    assert!(has(&kept, b"kindmain") && has(&kept, b"vide") && !has(&kept, b"made") && !has(&kept, b"then"));
    let (noted, kept) = (matroska(), of(&matroska(), Container::Matroska));
    assert_eq!(kept.len(), noted.len());
    assert!(!has(&kept, b"then:now") && has(&kept, b"\x2a\xd7\xb1\x83\x0f\x42\x40"));
}

#[test]
fn the_exif_of_a_heif_becomes_an_empty_one() {
    let kept = of(&heif(), Container::Heif);
    assert!(has(&kept, b"\0\0\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"));
    assert_eq!(bare(&block(b"ftyp", &[b"avif\0\0\0\0"]), Container::Heif), Bare::Unreadable);
    let after = block(b"uuid", &[&[7; 16], SECRET]).len() + block(b"mpvd", &[SECRET]).len() + 4 + SECRET.len();
    let cut = &heif()[..heif().len() - after - 8];
    assert!(!has(&of(cut, Container::Heif), &SECRET[..8]), "it breaks off within its Exif");
}

/// A sample with bytes overwritten, repeated and cut off.
fn broken() -> impl Strategy<Value = (Container, Vec<u8>)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    let cut = prop::option::of(any::<prop::sample::Index>());
    let again = prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>()));
    (prop::sample::select(samples()), changes, again, cut).prop_map(|((container, mut bytes), changes, again, cut)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            // Most lengths and types are small or all ones.
            bytes[at] = if byte < 128 { byte } else { 0u8.wrapping_sub(byte & 3) };
        }
        if let Some((from, to)) = again {
            let from = from.index(bytes.len());
            let piece = bytes[from..(from + 64).min(bytes.len())].to_vec();
            let to = to.index(bytes.len());
            bytes.splice(to..to, piece);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        (container, bytes)
    })
}

fn holds(bytes: &[u8], container: Container) {
    if let Bare::Of(kept) = bare(bytes, container) {
        assert!(kept.len() <= bytes.len(), "{container:?}: longer");
        assert_eq!(bare(&kept, container), Bare::AsItCame, "{container:?}: not once and for all");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_broken_neither_stops_it_nor_grows((container, bytes) in broken()) {
        holds(&bytes, container);
    }

    #[test]
    fn what_begins_like_a_container_may_be_anything(
        (container, bytes) in prop::sample::select(samples()),
        kept in 0_usize..64,
        rest in prop::collection::vec(any::<u8>(), 0..512),
    ) {
        holds(&[&bytes[..kept.min(bytes.len())], &rest[..]].concat(), container);
    }
}
