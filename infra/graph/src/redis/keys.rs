//! The names of all keys. The keys of one script share a hash tag, the part in braces, and so a slot of a cluster.

use crate::{GraphError, end::End};
use domain::UserId;

/// The keys of one namespace.
#[derive(Debug)]
pub(super) struct Keys {
    namespace: String,
}

/// The number of parts of the leases, by user; each is one slot.
pub(super) const PARTS: u8 = 32;

impl Keys {
    pub(super) fn new(namespace: String) -> Result<Self, GraphError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if namespace.is_empty() || !namespace.chars().all(is_plain) {
            return Err(GraphError::Settings(format!("{namespace:?} is not a valid namespace of keys")));
        }
        Ok(Self { namespace })
    }

    /// The key that names the published epoch.
    pub(super) fn meta(&self) -> String {
        format!("{}:g:meta", self.namespace)
    }

    /// The marks of an epoch.
    pub(super) fn marks(&self, epoch: u64) -> String {
        format!("{}:g:{epoch}:marks", self.namespace)
    }

    /// The relations of one end that hold, and those that have ended.
    pub(super) fn end(&self, epoch: u64, end: End) -> [String; 2] {
        let (tag, kind) = match end {
            End::Friends(user) => (format!("{{u:{user}}}"), "friends"),
            End::Blocks(user) => (format!("{{u:{user}}}"), "blocks"),
            End::Blockers(user) => (format!("{{u:{user}}}"), "blockers"),
            End::Members(conversation) => (format!("{{c:{conversation}}}"), "members"),
            End::Conversations(user) => (format!("{{u:{user}}}"), "conversations"),
        };
        let holding = format!("{}:g:{epoch}:{tag}:{kind}", self.namespace);
        let ended = format!("{holding}:ended");
        [holding, ended]
    }

    /// A pattern for the keys of all epochs.
    pub(super) fn of_epochs(&self) -> String {
        format!("{}:g:*", self.namespace)
    }

    /// The epoch of a key.
    pub(super) fn epoch_of(&self, key: &[u8]) -> Option<u64> {
        let key = std::str::from_utf8(key).ok()?.strip_prefix(&self.namespace)?.strip_prefix(":g:")?;
        key.split_once(':')?.0.parse().ok()
    }

    /// The use of a budget.
    pub(super) fn budget(&self, name: &str) -> String {
        format!("{}:b:{name}", self.namespace)
    }

    /// The leases of one part of the users, and the end of each user's first one.
    pub(super) fn leases(&self, part: u8) -> [String; 2] {
        ["leases", "ends"].map(|kind| format!("{}:{{l:{part}}}:{kind}", self.namespace))
    }
}

/// The part in which a user's leases are.
pub(super) fn part_of(user: UserId) -> u8 {
    user.0.as_bytes().iter().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)) % PARTS
}

/// The part of a key that decides on its slot: the text in its first braces, or all of it.
pub(super) fn hash_tag(key: &str) -> &str {
    let tagged = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    tagged.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ConversationId;
    use uuid::Uuid;

    #[test]
    fn the_keys_of_one_script_share_a_slot() {
        let keys = Keys::new("test".to_owned()).unwrap();
        let (user, conversation) = (UserId(Uuid::from_u128(1)), ConversationId(Uuid::from_u128(2)));
        for (end, tag) in [
            (End::Friends(user), format!("u:{user}")),
            (End::Blocks(user), format!("u:{user}")),
            (End::Blockers(user), format!("u:{user}")),
            (End::Members(conversation), format!("c:{conversation}")),
            (End::Conversations(user), format!("u:{user}")),
        ] {
            assert_eq!(keys.end(7, end).each_ref().map(|key| hash_tag(key)), [&tag, &tag]);
        }
        assert_eq!(keys.leases(3).each_ref().map(|key| hash_tag(key)), ["l:3", "l:3"]);
        assert_eq!(keys.end(7, End::Blocks(user))[0], format!("test:g:7:{{u:{user}}}:blocks"));
    }

    #[test]
    fn a_key_names_its_epoch() {
        let keys = Keys::new("test".to_owned()).unwrap();
        let [holding, ended] = keys.end(7, End::Friends(UserId::default()));
        for key in [keys.marks(7), holding, ended] {
            assert_eq!(keys.epoch_of(key.as_bytes()), Some(7));
        }
        for key in [keys.meta().as_str(), "test:g:7", "other:g:7:marks", "test:{l:1}:ends"] {
            assert_eq!(keys.epoch_of(key.as_bytes()), None, "{key}");
        }
    }

    #[test]
    fn a_namespace_is_plain() {
        for bad in ["", "a{b}", "a*", "a:b"] {
            assert!(Keys::new(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
