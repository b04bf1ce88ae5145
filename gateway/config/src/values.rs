//! The value of one setting, from its text. A fault completes a sentence that begins with the setting's name.

use super::{Advertise, Secret, is_private};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{hex, link::LinkHosts};
use std::time::Duration;

/// The least length of a signing secret, in bytes (RFC 7518, 3.2).
const LEAST_SECRET: usize = 32;
/// The bytes of a secret that signs webhooks.
const WEBHOOK_SECRET: std::ops::RangeInclusive<usize> = 24..=64;
/// The most characters of a namespace: an AMQP name has 255 bytes, and ours go on after it.
const LONGEST_NAMESPACE: usize = 64;

pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "must be a number above 0".to_owned())
}

pub(super) fn url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let known = schemes.iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(text.to_owned()) } else { Err(format!("must begin with {}", schemes.join(" or "))) }
}

pub(super) fn advertise(text: &str) -> Result<Advertise, String> {
    if text == "none" {
        return Ok(Advertise::No);
    }
    let address: std::net::SocketAddr =
        text.parse().map_err(|_| "must be an address and a port such as 10.0.0.5:8080, or none".to_owned())?;
    if is_private(address.ip()) && address.port() > 0 {
        Ok(Advertise::At(address))
    } else {
        Err("must be of this machine or a private network: what gateways pass on is not encrypted".to_owned())
    }
}

pub(super) fn ice_url(text: &str) -> Result<String, String> {
    let rest = ["stun:", "stuns:", "turn:", "turns:"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a server such as turn:turn.example:3478"))
    }
}

pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

pub(super) fn metrics_token(text: &str) -> Result<Secret, String> {
    let is_good = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { Ok(Secret::new(text)) } else { Err("must be at least 16 visible ASCII characters".to_owned()) }
}

/// A signing secret as Standard Webhooks writes it.
pub(super) fn webhook_secret(text: &str) -> Result<Secret, String> {
    let key = text.strip_prefix("whsec_").and_then(|key| BASE64_STANDARD.decode(key).ok());
    let key = key.filter(|key| WEBHOOK_SECRET.contains(&key.len()));
    key.map(Secret::new).ok_or_else(|| "must be whsec_ and then 24 to 64 bytes in base64".to_owned())
}

pub(super) fn namespace(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain && (1..=LONGEST_NAMESPACE).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {LONGEST_NAMESPACE} letters, digits, - or _"))
    }
}

pub(super) fn signing_secret(text: &str) -> Result<Secret, String> {
    if text.len() < LEAST_SECRET {
        return Err(format!("must be at least {LEAST_SECRET} bytes long"));
    }
    Ok(Secret::new(text))
}

pub(super) fn key(text: &str) -> Result<[u8; 32], String> {
    let from_base64 = || BASE64_STANDARD.decode(text).ok()?.try_into().ok();
    hex::decode(text).or_else(from_base64).ok_or_else(|| "must be 32 bytes in hex or base64".to_owned())
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = host.is_some_and(|host| !host.is_empty() && !host.contains('/') && host.is_ascii());
    if text == "*" || plain {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not an origin such as https://a.example"))
    }
}

pub(super) fn link_host(text: &str) -> Result<String, String> {
    LinkHosts::host(text).map_err(|invalid| format!("{text:?} {}", invalid.detail))
}

/// `45s`, `30m`, `12h`, `7d`; at least a second.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time such as 45s, 30m, 12h or 7d".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(split);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 24 * 3_600,
        _ => return Err(wrong()),
    };
    let seconds = count.parse::<u32>().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    Ok(Duration::from_secs(u64::from(seconds) * unit))
}
