//! Why the server closes a socket.

/// Why the server closes a socket; each has its code in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The client said goodbye.
    Normal,
    /// The client no longer answers.
    GoingAway,
    /// Something that is not of this protocol.
    NotOurs,
    /// A frame that is not text.
    NotText,
    /// A text frame that is not UTF-8.
    NotUtf8,
    /// No credentials within the time, or something else before them.
    NoCredentials,
    /// A frame above the limit.
    TooBig,
    /// The server restarts, or cannot serve this socket now: come back with jitter.
    Restarting,
    /// The credentials that were shown do not hold: do not come back with them.
    Refused,
    /// The access token has expired: come back with a fresh one. `auth` on an open socket renews it in time.
    Expired,
    /// The session was revoked, or the account may not act: sign in again.
    Revoked,
    /// The client reads more slowly than events come: resume.
    SlowConsumer,
    /// This device signed out.
    SignedOut,
    /// The user opened one socket too many, and this one was the oldest.
    Replaced,
    /// Too many frames.
    Flooding,
}

impl Close {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Normal,
        Self::GoingAway,
        Self::NotOurs,
        Self::NotText,
        Self::NotUtf8,
        Self::NoCredentials,
        Self::TooBig,
        Self::Restarting,
        Self::Refused,
        Self::Expired,
        Self::Revoked,
        Self::SlowConsumer,
        Self::SignedOut,
        Self::Replaced,
        Self::Flooding,
    ];

    /// The close code.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::NotOurs => 1002,
            Self::NotText => 1003,
            Self::NotUtf8 => 1007,
            Self::NoCredentials => 1008,
            Self::TooBig => 1009,
            Self::Restarting => 1012,
            Self::Refused | Self::Expired | Self::Revoked => 4001,
            Self::SlowConsumer => 4008,
            Self::SignedOut | Self::Replaced => 4009,
            Self::Flooding => 4029,
        }
    }

    /// The reason in words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "goodbye",
            Self::GoingAway => "no answer to pings",
            Self::NotOurs => "this is not of the protocol spoken here",
            Self::NotText => "only text frames are understood",
            Self::NotUtf8 => "a text frame must be UTF-8",
            Self::NoCredentials => "credentials must come first",
            Self::TooBig => "the frame is too big",
            Self::Restarting => "restarting, come back with jitter",
            Self::Refused => "the credentials do not hold",
            Self::Expired => "the access token has expired",
            Self::Revoked => "the session was revoked, or the account may not act",
            Self::SlowConsumer => "slow consumer, resume by the cursor",
            Self::SignedOut => "signed out",
            Self::Replaced => "replaced by a newer socket of the same user",
            Self::Flooding => "too many frames",
        }
    }

    /// Whether the client is to come back with what it has: by itself, and from its cursor.
    #[must_use]
    pub const fn invites_back(self) -> bool {
        matches!(self, Self::GoingAway | Self::Restarting | Self::SlowConsumer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_to_close_is_distinct_and_fits_a_close_frame() {
        let reasons: std::collections::BTreeSet<_> = Close::ALL.map(Close::reason).into();
        assert_eq!(reasons.len(), Close::ALL.len());
        // RFC 6455, 5.5: a control frame holds 125 bytes, two of them the code.
        assert!(reasons.iter().all(|reason| reason.len() <= 123));
    }
}
