//! Thumbnails: small pictures of pictures, made of their pixels alone. Whatever else a picture says (where it was taken,
//! say) is left behind. What one costs follows from its pixels, not from its bytes, and so does what is allowed.

use super::plain::{is_progressive, plain};
use blobs::{BlobError, BlobKey, Blobs};
use bytes::Bytes;
use domain::UserId;
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits as Bounds, Rgb, RgbImage, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};
use limits::{Compute, Kind, Limits, MEMORY};
use metrics::histogram;
use std::{io::Cursor, net::IpAddr};
use tokio::time::Instant;

/// The longer side of a thumbnail, in pixels.
const SIDE: u32 = 320;
const QUALITY: u8 = 80;
/// The largest file that is read as a picture, in bytes.
const LARGEST: u64 = 32 << 20;
/// The longest side and the most pixels of a picture, and what its pixels may take of memory: little is enough to say
/// "I am a million by a million".
const LONGEST: u32 = 16_384;
const PIXELS: u64 = 32_000_000;
const DECODED: u64 = 160 << 20;
/// The least that a picture counts, and the unit: reading a mebibyte counts as a megapixel, since a small picture may
/// have many bytes.
const MEGAPIXEL: u64 = 1_000_000;
const MEBIBYTE: u64 = 1 << 20;

/// What makes thumbnails.
#[derive(Clone)]
pub(super) struct Thumbs {
    pub(super) compute: Compute,
    pub(super) limits: Limits,
}

/// A picture whose head was read.
struct Sketch {
    bytes: Bytes,
    format: ImageFormat,
    pixels: u64,
}

impl Thumbs {
    /// Makes and stores the thumbnail of a stored picture; answers whether there is one. What cannot be read as a
    /// picture, would take too much, or is more than who brings it may have made, has none.
    pub(super) async fn make(
        &self,
        blobs: &Blobs,
        (user, address): (UserId, Option<IpAddr>),
        picture: BlobKey,
        size: u64,
        format: ImageFormat,
    ) -> Result<bool, BlobError> {
        if size > LARGEST {
            return Ok(false);
        }
        let Ok(bench) = self.compute.begin(user).await else { return Ok(false) };
        let bytes = blobs.download(picture, None).await?.whole().await?;
        let sketch = bench.run(move || Sketch::of(bytes, format)).await.ok().flatten();
        let Some(sketch) = sketch else { return Ok(false) };
        let cost = sketch.pixels.div_ceil(MEGAPIXEL) + size / MEBIBYTE;
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        if self.limits.charge(Kind::Picture, address, Some(user), cost).await.is_err() {
            return Ok(false);
        }
        let began = Instant::now();
        let made = bench.run(move || sketch.thumbnail()).await.ok().flatten();
        histogram!("chatchit_thumbnail_seconds").record(began.elapsed());
        drop(bench);
        let Some(thumb) = made else { return Ok(false) };
        let mut upload = blobs.upload(BlobKey::thumb(picture.id));
        upload.write(thumb.into()).await?;
        upload.finish().await?;
        Ok(true)
    }
}

impl Sketch {
    /// `None` when it is no picture, or would take too much.
    fn of(bytes: Bytes, format: ImageFormat) -> Option<Self> {
        let (bytes, read) = plain(bytes, format)?;
        let decoder = decoder(bytes.clone(), format)?;
        let (width, height) = decoder.dimensions();
        let (pixels, decoded) = (read.max(u64::from(width) * u64::from(height)), decoder.total_bytes());
        // What decoding takes beside the pixels, by what the decoders do.
        let beside = match format {
            ImageFormat::Jpeg if is_progressive(&bytes) => 6 * pixels,
            ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Bmp => pixels / 8,
            ImageFormat::Gif => pixels,
            // A second buffer, which has four samples a pixel for CMYK.
            ImageFormat::Tiff => decoded / 3 * 4 + pixels / 8,
            _ => 4 * pixels,
        };
        // A JPEG is copied whole.
        let memory = decoded.saturating_add(beside).saturating_add(2 * bytes.len() as u64);
        (pixels <= PIXELS && decoded <= DECODED && memory <= MEMORY).then_some(Self { bytes, format, pixels })
    }

    /// A JPEG of at most [`SIDE`] pixels a side.
    fn thumbnail(self) -> Option<Vec<u8>> {
        let mut decoder = decoder(self.bytes, self.format)?;
        let (width, height) = decoder.dimensions();
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let picture = DynamicImage::from_decoder(decoder).ok()?;
        let mut small = if width.max(height) > SIDE { picture.thumbnail(SIDE, SIDE) } else { picture };
        small.apply_orientation(orientation);
        let mut jpeg = Vec::new();
        on_white(&small).write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, QUALITY)).ok()?;
        Some(jpeg)
    }
}

fn decoder(bytes: Bytes, format: ImageFormat) -> Option<impl ImageDecoder> {
    let mut bounds = Bounds::default();
    (bounds.max_image_width, bounds.max_image_height) = (Some(LONGEST), Some(LONGEST));
    bounds.max_alloc = Some(DECODED);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(bounds);
    reader.into_decoder().ok()
}

/// The picture without transparency, which JPEG does not know.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let clear = picture.to_rgba8();
    RgbImage::from_fn(clear.width(), clear.height(), |x, y| {
        let [red, green, blue, alpha] = clear.get_pixel(x, y).0;
        let mix = |color: u8| ((u32::from(color) * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255) as u8;
        Rgb([mix(red), mix(green), mix(blue)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba, RgbaImage};

    fn thumbnail(bytes: Bytes, format: ImageFormat) -> Option<Vec<u8>> {
        Sketch::of(bytes, format)?.thumbnail()
    }

    const EACH: [ImageFormat; 6] =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff];

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// A picture that is red at the left and blue at the right.
    fn flag(width: u32, height: u32) -> DynamicImage {
        let color = |x| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        RgbImage::from_fn(width, height, |x, _| color(x)).into()
    }

    fn read(jpeg: &[u8]) -> RgbImage {
        image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap().to_rgb8()
    }

    #[test]
    fn each_kind_of_picture_becomes_a_small_jpeg() {
        for format in EACH {
            let small = read(&thumbnail(encoded(&flag(800, 400), format).into(), format).unwrap());
            assert_eq!(small.dimensions(), (320, 160), "{format:?}");
            let [left, right] = [small.get_pixel(10, 80), small.get_pixel(300, 80)];
            assert!(left.0[0] > 200 && left.0[2] < 50 && right.0[2] > 200 && right.0[0] < 50, "{format:?}");
        }
        let tiny = thumbnail(encoded(&flag(8, 4), ImageFormat::Png).into(), ImageFormat::Png).unwrap();
        assert_eq!(read(&tiny).dimensions(), (8, 4));
    }

    #[test]
    fn what_is_transparent_is_white() {
        let clear: DynamicImage = RgbaImage::from_pixel(4, 4, Rgba([0, 0, 0, 0])).into();
        let thumb = thumbnail(encoded(&clear, ImageFormat::Png).into(), ImageFormat::Png).unwrap();
        assert!(read(&thumb).pixels().all(|pixel| pixel.0.iter().all(|color| *color > 250)));
    }

    #[test]
    fn a_picture_is_turned_as_it_says_and_the_thumbnail_says_nothing() {
        let jpeg = encoded(&flag(80, 40), ImageFormat::Jpeg);
        // APP1 with one entry: orientation 6, to be turned by 90 degrees; and a text that must not come through.
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        exif.extend_from_slice(b"48.8584 N 2.2945 E");
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let tagged = [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat();
        let thumb = thumbnail(tagged.into(), ImageFormat::Jpeg).unwrap();
        assert!(!thumb.windows(4).any(|window| window == b"Exif" || window == b"2.29"));
        let small = read(&thumb);
        assert_eq!(small.dimensions(), (40, 80));
        assert!(small.get_pixel(20, 5).0[0] > 200 && small.get_pixel(20, 75).0[2] > 200, "what was left is above");
    }

    #[test]
    fn what_says_it_is_huge_is_not_read() {
        // A PNG whose head alone is there: 60,000 by 60,000 pixels.
        let mut png = encoded(&flag(4, 4), ImageFormat::Png);
        png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert_eq!(thumbnail(png.into(), ImageFormat::Png), None);
        // Within the longest side, beyond the pixels: black, and small when compressed.
        let bomb = DynamicImage::new_luma8(16_000, 2_100);
        let bytes = encoded(&bomb, ImageFormat::Png);
        assert!(bytes.len() < 1 << 20);
        assert_eq!(thumbnail(bytes.into(), ImageFormat::Png), None);
    }

    #[test]
    fn what_inflates_beside_the_pixels_is_left_out() {
        let png = encoded(&flag(80, 40), ImageFormat::Png);
        // After the head: a profile that says it is compressed, and is nothing a decoder could read.
        let profile = [&[0, 0, 0, 6][..], b"iCCP", b"k\0\0bad", b"\0\0\0\0"].concat();
        let with_profile = [&png[..33], &profile, &png[33..]].concat();
        let sketch = Sketch::of(with_profile.into(), ImageFormat::Png).unwrap();
        assert_eq!(sketch.bytes, png);
        assert_eq!(read(&sketch.thumbnail().unwrap()).dimensions(), (80, 40));
    }

    #[test]
    fn a_bmp_that_says_it_is_huge_is_not_read() {
        let mut bmp = encoded(&flag(4, 4), ImageFormat::Bmp);
        for side in [u32::MAX, 60_000, 16_000] {
            bmp[18..22].copy_from_slice(&side.to_le_bytes());
            bmp[22..26].copy_from_slice(&side.to_le_bytes());
            assert_eq!(thumbnail(bmp.clone().into(), ImageFormat::Bmp), None, "{side}");
        }
    }

    /// A grey TIFF with these entries (tag, count of longs, value) in place of the usual ones.
    fn tiff(width: u32, height: u32, more: &[(u16, u32, u32)]) -> Bytes {
        let needed = [(256, 1, width), (257, 1, height), (258, 1, 8), (259, 1, 1), (262, 1, 1), (277, 1, 1)];
        let strips = [(273, 1, 8), (278, 1, height), (279, 1, 16)];
        let mut entries: Vec<_> = needed.iter().chain(&strips).copied().collect();
        entries.retain(|(tag, ..)| more.iter().all(|(other, ..)| other != tag));
        entries.extend(more);
        entries.retain(|(_, count, _)| *count > 0);
        entries.sort_unstable();
        let mut tiff = b"II*\0\x18\0\0\0\0\x40\x80\xff\0\x40\x80\xff\0\x40\x80\xff\0\x40\x80\xff".to_vec();
        tiff.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (tag, count, value) in entries {
            tiff.extend([&tag.to_le_bytes()[..], b"\x04\0", &count.to_le_bytes(), &value.to_le_bytes()].concat());
        }
        tiff.extend([0; 4]);
        tiff.resize(4_096, 0);
        tiff.into()
    }

    #[test]
    fn a_tiff_costs_what_its_pixels_do() {
        let made = |width, height, more: &[_]| thumbnail(tiff(width, height, more), ImageFormat::Tiff);
        let tiles = |width, height| [(273, 0, 0), (278, 0, 0), (279, 0, 0), (322, 1, width), (323, 1, height)];
        let tiled = |width, height| [&tiles(width, height)[..], &[(324, 1, 8), (325, 1, 256)]].concat();
        assert_eq!(read(&made(4, 4, &[]).unwrap()).dimensions(), (4, 4));
        assert!(made(4, 4, &tiled(16, 16)).is_some());
        assert_eq!(read(&made(4, 2, &[(274, 1, 6)]).unwrap()).dimensions(), (2, 4), "it is turned");
        for (what, more) in [
            ("tiles that are larger than it", tiled(40_000, 16)),
            ("tiles that are higher than it", tiled(16, 8_000_000)),
            ("tiles of nothing", tiled(0, 16)),
            ("a JPEG within", vec![(259, 1, 7)]),
            ("a palette, which the library does not decode", vec![(262, 1, 3)]),
            ("grey with alpha, neither", vec![(277, 1, 2)]),
            ("a strip that ends beyond the file", vec![(279, 1, 5_000)]),
            ("more samples than there are colours", vec![(277, 1, 4_000)]),
        ] {
            assert_eq!(made(4, 4, &more), None, "{what}");
        }
        let long = [&tiff(4, 4, &[(274, 200_000, 8)])[..], &[0; 1 << 20]].concat();
        assert_eq!(thumbnail(long.into(), ImageFormat::Tiff), None, "numbers without end");
        for (width, height) in [(60_000, 1), (16_000, 16_000), (u32::MAX, u32::MAX), (0, 4)] {
            assert_eq!(made(width, height, &[]), None, "{width} by {height}");
        }
        let sketch = Sketch::of(tiff(4, 4, &tiled(4_096, 4_096)), ImageFormat::Tiff).unwrap();
        assert_eq!(sketch.pixels, 4_096 * 4_096, "what its tiles have beyond it counts");
    }

    #[test]
    fn what_is_broken_has_none() {
        for format in EACH {
            let bytes = encoded(&flag(80, 40), format);
            assert_eq!(thumbnail(Bytes::copy_from_slice(&bytes[..20]), format), None, "{format:?}");
            assert_eq!(thumbnail(Bytes::from_static(b"GIF89a<script>"), format), None);
        }
    }
}
