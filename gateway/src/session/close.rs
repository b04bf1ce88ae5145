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
    /// The credentials are expired or revoked, or the account is blocked: do not come back with them.
    Revoked,
    /// The client reads more slowly than events come: resume.
    SlowConsumer,
    /// This device signed out, or the user opened one socket too many and this one was the oldest.
    Replaced,
    /// Too many frames.
    Flooding,
}

impl Close {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::GoingAway,
        Self::NotOurs,
        Self::NotText,
        Self::NotUtf8,
        Self::NoCredentials,
        Self::TooBig,
        Self::Restarting,
        Self::Revoked,
        Self::SlowConsumer,
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
            Self::Revoked => 4001,
            Self::SlowConsumer => 4008,
            Self::Replaced => 4009,
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
            Self::Revoked => "the credentials are expired or revoked",
            Self::SlowConsumer => "slow consumer, resume by the cursor",
            Self::Replaced => "signed out, or replaced by a newer socket",
            Self::Flooding => "too many frames",
        }
    }

    /// Whether the client is to come back with what it has: by itself, and from its cursor.
    #[must_use]
    pub const fn invites_back(self) -> bool {
        matches!(self, Self::GoingAway | Self::Restarting | Self::SlowConsumer)
    }
}
