//! Access tokens: JWT, HS256. A token names its user and session; the session decides whether it still holds.

use domain::{FileId, SessionId, Timestamp, UserId, hex};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Why a token could not be signed.
pub type Unsigned = jsonwebtoken::errors::Error;

/// The `typ` claim of an access token, so that no other token of ours passes for one.
const ACCESS: &str = "access";

/// The `typ` claim of a link to a file.
const FILE: &str = "file";
/// How long a link to a file is good, in seconds.
const LINK_SECONDS: i64 = 10 * 60;

/// Signs access tokens and checks them.
pub struct Tokens {
    signing: SigningKey,
    accepted: Vec<(String, DecodingKey)>,
    lifetime: Duration,
}

struct SigningKey {
    id: String,
    key: EncodingKey,
}

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub user: UserId,
    /// The session it belongs to.
    pub session: SessionId,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    sub: UserId,
    sid: SessionId,
    iat: i64,
    exp: i64,
    typ: String,
}

/// What a link to a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkClaims {
    /// For whom it was made, by which session, and until when it is good.
    pub by: Claims,
    /// Where it leads.
    pub file: FileId,
    /// Whether to its thumbnail.
    pub thumb: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredLink {
    sub: UserId,
    sid: SessionId,
    file: FileId,
    thumb: bool,
    exp: i64,
    typ: String,
}

impl Tokens {
    /// Signs with `secret`, and still accepts what `previous` ones signed.
    #[must_use]
    pub fn new(secret: &[u8], previous: &[Vec<u8>], lifetime: Duration) -> Self {
        let accepted = std::iter::once(secret).chain(previous.iter().map(Vec::as_slice));
        Self {
            signing: SigningKey { id: key_id(secret), key: EncodingKey::from_secret(secret) },
            accepted: accepted.map(|secret| (key_id(secret), DecodingKey::from_secret(secret))).collect(),
            lifetime,
        }
    }

    /// How long a token is good.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token for a session, good from `now` for the configured time.
    ///
    /// # Errors
    /// When it cannot be signed: a fault of ours.
    pub fn issue(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<String, Unsigned> {
        let iat = now.millis().div_euclid(1_000);
        let exp = iat.saturating_add_unsigned(self.lifetime.as_secs());
        let claims = Stored { sub: user, sid: session, iat, exp, typ: ACCESS.to_owned() };
        let header = Header { kid: Some(self.signing.id.clone()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.signing.key)
    }

    /// A link to a file, and until when it is good.
    ///
    /// # Errors
    /// When it cannot be signed: a fault of ours.
    pub fn issue_link(
        &self,
        (user, session): (UserId, SessionId),
        file: FileId,
        thumb: bool,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Unsigned> {
        let exp = now.millis().div_euclid(1_000).saturating_add(LINK_SECONDS);
        let claims = StoredLink { sub: user, sid: session, file, thumb, exp, typ: FILE.to_owned() };
        let header = Header { kid: Some(self.signing.id.clone()), ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &claims, &self.signing.key)?;
        Ok((token, Timestamp::from_millis(exp.saturating_mul(1_000))))
    }

    /// What a link says that one of our secrets signed and that has not expired at `now`.
    #[must_use]
    pub fn verify_link(&self, token: &str, now: Timestamp) -> Option<LinkClaims> {
        let kid = decode_header(token).ok()?.kid?;
        let (_, key) = self.accepted.iter().find(|(id, _)| *id == kid)?;
        let StoredLink { sub, sid, file, thumb, exp, typ } = decode(token, key, &validation()).ok()?.claims;
        let expires_at = Timestamp::from_millis(exp.saturating_mul(1_000));
        let by = Claims { user: sub, session: sid, expires_at };
        (typ == FILE && now < expires_at).then_some(LinkClaims { by, file, thumb })
    }

    /// The claims of a token that one of our secrets signed and that has not expired at `now`.
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let kid = decode_header(token).ok()?.kid?;
        let (_, key) = self.accepted.iter().find(|(id, _)| *id == kid)?;
        let stored = decode::<Stored>(token, key, &validation()).ok()?.claims;
        let now = now.millis().div_euclid(1_000);
        let good = stored.typ == ACCESS && now < stored.exp;
        let expires_at = Timestamp::from_millis(stored.exp.saturating_mul(1_000));
        good.then_some(Claims { user: stored.sub, session: stored.sid, expires_at })
    }
}

/// One algorithm; all claims required (by [`Stored`]); the expiry is compared above, with the injected clock.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_required_spec_claims(&["exp", "sub"]);
    validation.validate_exp = false;
    validation.leeway = 0;
    validation
}

/// Names a secret without telling it.
fn key_id(secret: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"chatchit kid").chain_update(secret).finalize();
    hex::encode(&digest[..6])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    const HOUR: Duration = Duration::from_secs(3_600);
    const NOW: Timestamp = Timestamp::from_millis(1_795_460_818_120);
    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

    fn ids() -> (UserId, SessionId) {
        (UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)))
    }

    fn later(seconds: i64) -> Timestamp {
        Timestamp::from_millis(NOW.millis() + seconds * 1_000)
    }

    fn signed(secret: &[u8], algorithm: Algorithm, claims: &serde_json::Value) -> String {
        let header = Header { kid: Some(key_id(SECRET)), ..Header::new(algorithm) };
        encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let tokens = Tokens::new(SECRET, &[], HOUR);
        let (user, session) = ids();
        let token = tokens.issue(user, session, NOW).unwrap();
        let claims = tokens.verify(&token, later(3_598)).unwrap();
        assert_eq!((claims.user, claims.session), (user, session));
        assert_eq!(claims.expires_at.millis(), 1_795_464_418_000);
        assert_eq!(tokens.verify(&token, later(3_600)), None);
    }

    #[test]
    fn a_previous_secret_is_accepted_and_a_strange_one_is_not() {
        let (user, session) = ids();
        let old = Tokens::new(SECRET, &[], HOUR).issue(user, session, NOW).unwrap();
        let rotated = Tokens::new(b"the next secret of thirty-two bytes!", &[SECRET.to_vec()], HOUR);
        assert!(rotated.verify(&old, NOW).is_some());
        assert!(Tokens::new(b"the next secret of thirty-two bytes!", &[], HOUR).verify(&old, NOW).is_none());
    }

    #[test]
    fn nothing_else_passes_for_an_access_token() {
        let tokens = Tokens::new(SECRET, &[], HOUR);
        let (user, session) = ids();
        let seconds = NOW.millis() / 1_000;
        let good = json!({"sub": user, "sid": session, "iat": seconds, "exp": seconds + 60, "typ": "access"});
        assert!(tokens.verify(&signed(SECRET, Algorithm::HS256, &good), NOW).is_some());
        let mut cases = vec![
            ("another secret", signed(b"somebody else's secret of 32 bytes", Algorithm::HS256, &good)),
            ("another algorithm", signed(SECRET, Algorithm::HS512, &good)),
            ("no algorithm", "eyJhbGciOiJub25lIn0.e30.".to_owned()),
            ("not a token", "bearer".to_owned()),
        ];
        for (field, value) in [
            ("typ", json!("refresh")),
            ("typ", json!(null)),
            ("exp", json!(null)),
            ("exp", json!((seconds + 60).to_string())),
            ("iat", json!(null)),
            ("sub", json!("ana")),
            ("sid", json!(null)),
        ] {
            let mut claims = good.clone();
            claims[field] = value;
            cases.push((field, signed(SECRET, Algorithm::HS256, &claims)));
        }
        for (case, token) in cases {
            assert_eq!(tokens.verify(&token, NOW), None, "{case}");
        }
    }

    #[test]
    fn a_link_is_good_for_ten_minutes_and_is_no_access_token() {
        let tokens = Tokens::new(SECRET, &[], HOUR);
        let (who, file) = (ids(), FileId(Uuid::from_u128(3)));
        let (link, expires_at) = tokens.issue_link(who, file, true, NOW).unwrap();
        let claims = tokens.verify_link(&link, NOW).unwrap();
        assert_eq!((claims.by.user, claims.by.session, claims.file, claims.thumb), (who.0, who.1, file, true));
        assert_eq!((claims.by.expires_at, expires_at.millis() / 1_000), (expires_at, NOW.millis() / 1_000 + 600));
        assert!(tokens.verify_link(&link, Timestamp::from_millis(expires_at.millis() - 1)).is_some());
        assert_eq!(tokens.verify_link(&link, expires_at), None);
        assert_eq!(tokens.verify(&link, NOW), None);
        let access = tokens.issue(who.0, who.1, NOW).unwrap();
        assert_eq!(tokens.verify_link(&access, NOW), None);
        let other = Tokens::new(b"another secret of thirty-two bytes!!", &[], HOUR);
        assert_eq!(other.verify_link(&link, NOW), None);
    }
}
