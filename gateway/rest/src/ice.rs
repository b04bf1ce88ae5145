//! Servers that help media through: STUN, and TURN with credentials that expire by themselves.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use config::Config;
use domain::{Timestamp, UserId};
use hmac::{Hmac, Mac as _};
use serde::Serialize;
use sha1::Sha1;
use utoipa::ToSchema;

/// How long credentials are good, in seconds.
const TTL: u32 = 3_600;

/// Servers that help media through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IceServers {
    /// As a browser's `RTCPeerConnection` wants them; none when none are configured.
    pub ice_servers: Vec<IceServer>,
    /// For how many seconds they can be used.
    pub ttl: u32,
}

/// Some servers with the same credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IceServer {
    /// Their URLs.
    pub urls: Vec<String>,
    /// Until when (Unix time), and for whom: `1795460818:<user id>`; absent for STUN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The secret; absent for STUN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl IceServers {
    /// Those that are configured, with credentials for `user`: time-limited ones as coturn checks them, the password
    /// being the base64 of HMAC-SHA-1 of the name under the shared secret (draft-uberti-behave-turn-rest-00).
    #[must_use]
    pub fn mint(config: &Config, user: UserId, now: Timestamp) -> Self {
        let (stun, turn): (Vec<_>, Vec<_>) = config.turn_urls.iter().cloned().partition(|url| url.starts_with("stun"));
        let mut ice_servers = Vec::new();
        if !stun.is_empty() {
            ice_servers.push(IceServer { urls: stun, username: None, credential: None });
        }
        if let Some(secret) = config.turn_secret.as_ref().filter(|_| !turn.is_empty())
            && let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.bytes())
        {
            let username = format!("{}:{user}", now.millis() / 1_000 + i64::from(TTL));
            mac.update(username.as_bytes());
            let credential = BASE64_STANDARD.encode(mac.finalize().into_bytes());
            ice_servers.push(IceServer { urls: turn, username: Some(username), credential: Some(credential) });
        }
        Self { ice_servers, ttl: TTL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Secret;
    use uuid::Uuid;

    const ANA: UserId = UserId(Uuid::from_u128(1));

    #[test]
    fn nothing_is_configured_nothing_is_named() {
        let servers = IceServers::mint(&Config::default(), ANA, Timestamp::default());
        assert_eq!(servers, IceServers { ice_servers: vec![], ttl: 3_600 });
    }

    #[test]
    fn credentials_are_for_one_person_and_one_hour() {
        let config = Config {
            turn_urls: ["stun:s.example", "turn:t.example?transport=udp", "turns:t.example"].map(str::to_owned).into(),
            turn_secret: Some(Secret::new("north")),
            ..Config::default()
        };
        let IceServers { ice_servers, .. } = IceServers::mint(&config, ANA, Timestamp::from_millis(1_795_457_218_999));
        let [stun, turn] = &ice_servers[..] else { panic!("{ice_servers:?}") };
        assert_eq!((stun.urls.len(), &stun.username, &stun.credential), (1, &None, &None));
        assert_eq!(turn.urls, ["turn:t.example?transport=udp", "turns:t.example"]);
        assert_eq!(turn.username.as_deref(), Some("1795460818:00000000-0000-0000-0000-000000000001"));
        // By `openssl dgst -sha1 -hmac north -binary | base64`.
        assert_eq!(turn.credential.as_deref(), Some("oCGgpuaQHt8OagsZvY9fwnGAZEU="));
    }
}
