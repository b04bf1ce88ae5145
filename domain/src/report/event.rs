//! What happened to a report.

use crate::{
    About, ConversationId, MessageId, Personal, Tier, UserId,
    event::{Kind, kind},
    message::{MessageContent, MessageType},
    text::{Link, Notes, Reason},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a report; the stream's id is the report's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum ReportEvent {
    /// It was made.
    #[serde(rename = "report.filed")]
    Filed {
        /// By whom.
        reporter: UserId,
        /// What is reported.
        target: Target,
        /// Whose doing it is.
        accused: UserId,
        /// The version of the target's stream that the evidence was taken from.
        version: u64,
        /// What the reporter says: theirs.
        statement: Personal<Statement>,
        /// What there was to be seen: the accused's, and forgotten with them.
        evidence: Personal<Evidence>,
        /// A keyed digest of the evidence, in hexadecimal digits: it stays.
        digest: String,
    },
    /// It was right; whatever had to be done is done.
    #[serde(rename = "report.resolved")]
    Resolved {
        /// Who made it.
        reporter: UserId,
        /// Which moderator says so.
        by: UserId,
    },
    /// Nothing is to be done.
    #[serde(rename = "report.rejected")]
    Rejected {
        /// Who made it.
        reporter: UserId,
        /// Which moderator says so.
        by: UserId,
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<Notes>>,
    },
}

/// What is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// A person.
    User {
        /// Who.
        user: UserId,
    },
    /// A message.
    Message {
        /// Which.
        message: MessageId,
        /// Where it was posted.
        conversation: ConversationId,
    },
    /// A story.
    Story {
        /// Which.
        story: Uuid,
    },
}

/// What a reporter says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What is wrong, in a word or two.
    pub reason: Reason,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Notes>,
}

/// What there was to be seen when it was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Evidence {
    /// A person's profile, as everybody sees it.
    User {
        /// First name.
        first_name: String,
        /// Last name.
        last_name: String,
        /// Picture.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar_url: Option<Link>,
    },
    /// A message.
    Message {
        /// What it was.
        message_type: MessageType,
        /// Text and attachments.
        content: MessageContent,
    },
    /// A story.
    Story {
        /// Its text.
        content: String,
        /// Its picture or film.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media_url: Option<Link>,
    },
}

impl Target {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Message { .. } => "message",
            Self::Story { .. } => "story",
        }
    }

    /// Which of its kind.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match self {
            Self::User { user } => user.0,
            Self::Message { message, .. } => message.0,
            Self::Story { story } => *story,
        }
    }

    /// Where a message was posted.
    #[must_use]
    pub const fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Message { conversation, .. } => Some(*conversation),
            Self::User { .. } | Self::Story { .. } => None,
        }
    }
}

impl ReportEvent {
    /// Name, version and tier.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Filed { .. } => kind("report.filed", 1, Tier::Medium),
            Self::Resolved { .. } => kind("report.resolved", 1, Tier::Medium),
            Self::Rejected { .. } => kind("report.rejected", 1, Tier::Medium),
        }
    }

    /// Who made the report.
    #[must_use]
    pub const fn reporter(&self) -> UserId {
        match self {
            Self::Filed { reporter, .. } | Self::Resolved { reporter, .. } | Self::Rejected { reporter, .. } => {
                *reporter
            }
        }
    }

    pub(crate) const fn scope(&self, _stream: Uuid) -> Uuid {
        self.reporter().0
    }

    pub(crate) const fn is_scope_wide(&self) -> bool {
        false
    }

    pub(crate) fn about(&self, _stream: Uuid) -> Vec<About> {
        vec![About::told(self.reporter())]
    }
}
