//! Bytes as hexadecimal digits.

/// In lower case.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `N` bytes from `2 * N` digits, in either case; `None` for any other text.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_being_written_in_hex() {
        assert_eq!(encode(&[0, 0x0f, 0xab]), "000fab");
        assert_eq!(decode("000fab"), Some([0, 0x0f, 0xab]));
        assert_eq!(decode("000FAB"), Some([0, 0x0f, 0xab]));
        for wrong in ["", "000fa", "000fab0", "000fag", "+10fab", "00é0a"] {
            assert_eq!(decode::<3>(wrong), None, "{wrong}");
        }
    }
}
