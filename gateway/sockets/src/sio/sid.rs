//! Names of sessions. Each says which process serves it, authenticated: nobody has one process ask another, or the
//! database, about a name that was made up.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event_store::Authenticator;
use uuid::Uuid;

/// Random bytes.
const RANDOM: usize = 15;
/// The process, and the random bytes.
const BODY: usize = 16 + RANDOM;
const TAG: usize = 16;

/// Makes and reads the names of sessions of one log.
#[derive(Clone)]
pub(super) struct Sids {
    node: Uuid,
    key: Authenticator,
}

impl Sids {
    /// Of this process.
    pub(crate) const fn new(node: Uuid, key: Authenticator) -> Self {
        Self { node, key }
    }

    /// A name that nobody guesses; `None` when the system gives no randomness.
    pub(super) fn fresh(&self) -> Option<String> {
        let mut bytes = [0; BODY + TAG];
        bytes[..16].copy_from_slice(self.node.as_bytes());
        getrandom::fill(&mut bytes[16..BODY]).ok()?;
        let tag = self.tag(&bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&tag);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The process that made a name; `None` when none of this log's did.
    pub(super) fn node_of(&self, sid: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(sid).ok().filter(|bytes| bytes.len() == BODY + TAG)?;
        let (body, tag) = bytes.split_at(BODY);
        // Not the time of the first difference.
        let differs = self.tag(body).iter().zip(tag).fold(0, |differs, (own, given)| differs | (own ^ given));
        let node = body.first_chunk().map(|node| Uuid::from_bytes(*node));
        node.filter(|_| differs == 0)
    }

    /// This process.
    pub(super) const fn node(&self) -> Uuid {
        self.node
    }

    fn tag(&self, body: &[u8]) -> [u8; TAG] {
        let digest = self.key.tag(&[body]);
        std::array::from_fn(|n| digest[n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_it_is_and_nobody_makes_one_up() {
        let sids = |node, key| Sids::new(Uuid::from_u128(node), Authenticator::new(&[key; 32]));
        let [one, two, other_log] = [sids(1, 7), sids(2, 7), sids(1, 8)];
        let (sid, again) = (one.fresh().unwrap(), one.fresh().unwrap());
        assert_ne!(sid, again);
        assert_eq!((one.node_of(&sid), two.node_of(&sid)), (Some(one.node()), Some(one.node())));
        assert_eq!(other_log.node_of(&sid), None);
        for at in [0, 20, 30, sid.len() - 2] {
            let mut forged = sid.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(one.node_of(std::str::from_utf8(&forged).unwrap()), None, "{at}");
        }
        for text in ["", "AAAAAAAAAAAAAAAAAAAA", &sid[1..], "é"] {
            assert_eq!(one.node_of(text), None, "{text}");
        }
    }
}
