//! Fingerprints of the code that folds each stream. A snapshot made by other code is discarded.

/// The fingerprint of sources (FNV-1a, 63 bits).
#[must_use]
pub const fn fingerprint(sources: &[&str]) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut source = 0;
    while source < sources.len() {
        let bytes = sources[source].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            at += 1;
        }
        source += 1;
    }
    (hash >> 1) as i64
}

macro_rules! folds {
    ($($(#[$doc:meta])* $name:ident: $($source:literal),+;)*) => {
        $($(#[$doc])* pub const $name: i64 = fingerprint(&[$(include_str!($source)),+]);)*
        /// All of them.
        pub const ALL: &[i64] = &[$($name),*];
    };
}

folds! {
    /// Of [`User`](crate::user::User).
    USER: "user/aggregate.rs", "user/event.rs", "user/profile.rs", "../text/src/value.rs";
    /// Of [`Friendship`](crate::friendship::Friendship).
    FRIENDSHIP: "friendship/aggregate.rs", "friendship/event.rs", "pace.rs";
    /// Of [`Conversation`](crate::conversation::Conversation).
    CONVERSATION: "conversation/aggregate.rs", "conversation/event.rs", "conversation/member.rs", "conversation/invite.rs",
        "conversation/former.rs", "conversation/joining.rs", "pace.rs", "../text/src/value.rs";
    /// Of [`Message`](crate::message::Message).
    MESSAGE: "message/aggregate.rs", "message/content.rs", "message/event.rs", "../text/src/value.rs";
    /// Of [`ReadMarker`](crate::read_marker::ReadMarker).
    READ_MARKER: "read_marker/aggregate.rs", "read_marker/event.rs";
    /// Of [`OwnSettings`](crate::own_settings::OwnSettings).
    OWN_SETTINGS: "own_settings/aggregate.rs", "own_settings/event.rs";
    /// Of [`Call`](crate::call::Call).
    CALL: "call/aggregate.rs", "call/event.rs";
    /// Of [`Story`](crate::story::Story).
    STORY: "story/aggregate.rs", "story/event.rs", "../text/src/value.rs";
    /// Of [`Conduct`](crate::conduct::Conduct).
    CONDUCT: "conduct/aggregate.rs", "conduct/event.rs";
}
