//! The packets of Engine.IO 4.

use axum::{body::Bytes, extract::ws::Utf8Bytes};
use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Between the packets of one payload; it never stands in JSON unescaped.
pub const BETWEEN: char = '\u{1e}';

/// Nothing: it ends a poll.
pub(crate) const NOOP: &str = "6";
/// The server asks whether the client lives.
pub(crate) const PING: Utf8Bytes = Utf8Bytes::from_static("2");
/// The end of a transport.
pub(crate) const CLOSE: &str = "1";

/// Clients differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What came from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A sign of life.
    Life,
    /// Something after which the session must be closed.
    Bad(Fault),
    /// The client is gone.
    Gone,
}

/// Why a session must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something that is not of the protocol.
    NotOurs,
    /// A binary message where none belongs.
    NotText,
    /// Text that is not UTF-8.
    NotUtf8,
    /// A frame or payload above the limit.
    TooBig,
    /// A ping was not answered in time.
    Silent,
}

/// The client is gone, or does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// What a packet of a client means.
pub(crate) fn parse(packet: Utf8Bytes) -> Received {
    match packet.as_bytes().first() {
        Some(b'4') => Received::Text(cut(&packet.clone().into(), 1, packet.len())),
        Some(b'3' | b'2' | b'5' | b'6') => Received::Life,
        Some(b'1') => Received::Gone,
        Some(b'b') => content(&packet).map_or(Received::Bad(Fault::NotOurs), Received::Binary),
        _ => Received::Bad(Fault::NotOurs),
    }
}

/// A binary message as a packet of text: polling sends it so, a WebSocket as a binary frame.
#[must_use]
pub fn binary(content: &[u8]) -> String {
    format!("b{}", BASE64.encode(content))
}

/// The content of a packet made by [`binary`], or in the same way by a client.
pub(crate) fn content(packet: &str) -> Option<Bytes> {
    Some(BASE64.decode(packet.strip_prefix('b')?).ok()?.into())
}

/// The packets of a frame or payload.
pub(crate) fn packets(frame: Utf8Bytes) -> Vec<Utf8Bytes> {
    if !frame.contains(BETWEEN) {
        return vec![frame];
    }
    let bytes = Bytes::from(frame.clone());
    let mut from = 0;
    let mut packets = Vec::new();
    for packet in frame.split(BETWEEN) {
        packets.push(cut(&bytes, from, from + packet.len()));
        from += packet.len() + BETWEEN.len_utf8();
    }
    packets
}

/// A frame of several packets; `None` of none.
#[must_use]
pub fn joined(packets: impl IntoIterator<Item = String>) -> Option<String> {
    let mut packets = packets.into_iter();
    let mut frame = packets.next()?;
    for packet in packets {
        frame.push(BETWEEN);
        frame.push_str(&packet);
    }
    Some(frame)
}

/// A part of a text, without copying it.
fn cut(bytes: &Bytes, from: usize, until: usize) -> Utf8Bytes {
    // It was cut between characters, so it is UTF-8.
    Utf8Bytes::try_from(bytes.slice(from..until)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_cut_into_packets_and_joined_of_them() {
        let cut = |text: &str| packets(text.into()).iter().map(|packet| packet.to_string()).collect::<Vec<_>>();
        assert_eq!(cut("4a"), ["4a"]);
        assert_eq!(cut("4é\u{1e}3\u{1e}\u{1e}4💥"), ["4é", "3", "", "4💥"]);
        assert_eq!(cut(""), [""]);
        assert_eq!(joined(["1".to_owned(), "2".to_owned()]).unwrap(), "1\u{1e}2");
        assert_eq!(joined([]), None);
    }

    #[test]
    fn packets_are_distinguished() {
        assert_eq!(parse("42[\"é\"]".into()), Received::Text("2[\"é\"]".into()));
        assert_eq!(parse("4".into()), Received::Text("".into()));
        assert_eq!(parse("3".into()), Received::Life);
        assert_eq!(parse("1".into()), Received::Gone);
        for padded in ["bAQIDBA==", "bAQIDBA"] {
            assert_eq!(parse(padded.into()), Received::Binary(vec![1, 2, 3, 4].into()));
        }
        assert_eq!((binary(&[1, 2, 3, 4]), binary(&[])), ("bAQIDBA==".to_owned(), "b".to_owned()));
        for text in ["", "x", "é", "0{}", "7", "b!", "bé"] {
            assert_eq!(parse(text.into()), Received::Bad(Fault::NotOurs), "{text}");
        }
    }
}
