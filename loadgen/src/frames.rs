//! What is looked at in a frame of the server, without parsing the rest of it.

use memchr::memmem::find;

pub(crate) const POSITION: &[u8] = b"\"position\":";
// Inside a JSON string these quotes would be escaped: so each stands only where it is meant.
pub(crate) const SENT: &[u8] = br#""event":"message.sent""#;
pub(crate) const REPLY: &[u8] = br#""reply":""#;
pub(crate) const OK: &[u8] = br#""ok":"#;
pub(crate) const CODE: &[u8] = br#""code":""#;
pub(crate) const TEMPORARY: &[u8] = br#""temporary":true"#;

/// The number that follows the first `mark`.
pub(crate) fn number_after(frame: &[u8], mark: &[u8]) -> Option<u64> {
    let start = find(frame, mark)? + mark.len();
    let digits = frame[start..].iter().take_while(|byte| byte.is_ascii_digit());
    let (count, number) =
        digits.fold((0, 0_u64), |(count, number), digit| (count + 1, number * 10 + u64::from(digit - b'0')));
    (count > 0 && count <= 19).then_some(number)
}

/// The text that follows the first `mark`, up to the next quote.
pub(crate) fn text_after<'f>(frame: &'f [u8], mark: &[u8]) -> Option<&'f str> {
    let start = find(frame, mark)? + mark.len();
    let length = memchr::memchr(b'"', &frame[start..])?;
    std::str::from_utf8(&frame[start..start + length]).ok()
}

/// The beginning of a frame, for people.
pub(crate) fn beginning(frame: &[u8]) -> String {
    String::from_utf8_lossy(&frame[..frame.len().min(300)]).into_owned()
}
