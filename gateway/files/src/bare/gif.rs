//! GIF, block by block, without comments and application extensions.

const APPLICATION: u8 = 0xff;
const PLAIN_TEXT: u8 = 0x01;
const GRAPHIC_CONTROL: u8 = 0xf9;
/// The loop count of an animation. Browsers know both names.
const LOOPS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];
/// A colour profile.
const PROFILE: &[u8] = b"ICCRGBG1012";

/// `None` without an image. Bytes after the trailer, or after an unknown block, are dropped; a truncated image stays
/// truncated.
pub(super) fn gif(bytes: &[u8]) -> Option<Vec<u8>> {
    if !(bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a")) {
        return None;
    }
    let (head, mut rest) = bytes.split_at_checked(13 + color_table(*bytes.get(10)?))?;
    let mut bare = Vec::with_capacity(bytes.len());
    bare.extend_from_slice(head);
    let mut has_image = false;
    loop {
        match *rest {
            // Some encoders terminate a list of sub-blocks twice.
            [0, ..] => {
                bare.push(0);
                rest = &rest[1..];
            }
            [b',', ..] => {
                has_image = true;
                let (image, after) = rest.split_at(image(rest).unwrap_or(rest.len()));
                bare.extend_from_slice(image);
                rest = after;
            }
            [b'!', label, ref after @ ..] => {
                let Some(length) = sub_blocks(after) else { break };
                let (extension, after) = rest.split_at(2 + length);
                match label {
                    GRAPHIC_CONTROL | PLAIN_TEXT => bare.extend_from_slice(extension),
                    APPLICATION => application(extension, &mut bare),
                    _ => (),
                }
                rest = after;
            }
            [b';', ..] => {
                bare.push(b';');
                break;
            }
            _ => break,
        }
    }
    has_image.then_some(bare)
}

/// Size of the colour table that these flags announce, in bytes.
fn color_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 6 << (flags & 7) }
}

/// Length of an image descriptor with its pixels; `None` if truncated.
fn image(bytes: &[u8]) -> Option<usize> {
    let begin = 11 + color_table(*bytes.get(9)?);
    Some(begin + sub_blocks(bytes.get(begin..)?)?)
}

/// Length of a list of sub-blocks with its terminator; `None` if truncated.
fn sub_blocks(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(*length),
        }
    }
}

/// Copies the loop count or the colour profile; drops other extensions.
fn application(extension: &[u8], bare: &mut Vec<u8>) {
    let Some((head, mut rest)) = extension.split_at_checked(14).filter(|(head, _)| head[2] == 11) else { return };
    if &head[3..] == PROFILE {
        bare.extend_from_slice(extension);
    } else if LOOPS.contains(&&head[3..]) {
        bare.extend_from_slice(head);
        while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
            let Some((block, after)) = after.split_at_checked(usize::from(*length)) else { break };
            // Loop count, buffer size.
            if matches!((length, block[0] & 7), (3, 1) | (5, 2)) {
                bare.push(*length);
                bare.extend_from_slice(block);
            }
            rest = after;
        }
        bare.push(0);
    }
}
