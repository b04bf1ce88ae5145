//! Where files are kept, and how many.

use crate::{Bucket, Secret};

/// Bytes: `500K`, `25M`, `2G`, or a plain number of them.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "must be a size such as 500K, 25M or 2G".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let unit: u64 = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(wrong()),
    };
    let count = count.parse::<u64>().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    count.checked_mul(unit).filter(|bytes| *bytes <= 1 << 40).ok_or_else(wrong)
}

/// `s3://bucket/prefix`, its credentials yet to come.
pub(super) fn bucket(text: &str) -> Result<Bucket, String> {
    let wrong = || "must be s3://bucket or s3://bucket/prefix".to_owned();
    let (bucket, prefix) =
        text.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).ok_or_else(wrong)?;
    if bucket.is_empty() || bucket.chars().any(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))) {
        return Err(wrong());
    }
    Ok(Bucket {
        name: bucket.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
        endpoint: None,
        region: "us-east-1".to_owned(),
        access_key: String::new(),
        secret_key: Secret::new([]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_none() {
        for (text, want) in [
            ("1", Some(1)),
            ("500K", Some(512_000)),
            ("25M", Some(26_214_400)),
            ("2G", Some(2_147_483_648)),
            ("1T", None),
            ("0", None),
            ("", None),
            ("M", None),
            ("-1", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(bytes(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn a_bucket_has_a_prefix_or_none() {
        let named = |text: &str| bucket(text).ok().map(|bucket| (bucket.name, bucket.prefix));
        assert_eq!(named("s3://files"), Some(("files".to_owned(), String::new())));
        assert_eq!(named("s3://a.files-2/chat/it/"), Some(("a.files-2".to_owned(), "chat/it".to_owned())));
        for wrong in ["", "s3://", "s3:///x", "https://a.example/b", "s3://a b"] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }
}
