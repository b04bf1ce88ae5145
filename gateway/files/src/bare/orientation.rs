//! The Exif note of an image, reduced to its orientation.

use image::metadata::Orientation;

/// The largest note that is read for how the picture is to be turned, in bytes.
const NOTE: usize = 64 * 1024;

/// A note that says how the picture is to be turned, and nothing else; `None` when it stands as it is.
pub(super) fn turned_as(note: &[u8]) -> Option<Vec<u8>> {
    let tiff = note.strip_prefix(b"Exif\0\0").unwrap_or(note);
    let orientation = Orientation::from_exif_chunk(tiff.get(..NOTE).unwrap_or(tiff))?;
    if orientation == Orientation::NoTransforms {
        return None;
    }
    // One entry of a TIFF, little-endian: tag 0x0112, a short.
    let mut note = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    note.extend_from_slice(&[orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0]);
    Some(note)
}
