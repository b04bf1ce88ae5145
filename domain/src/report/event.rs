//! The events of a report.

use crate::{
    ConversationId, MessageId, Personal, Recipient, UserId,
    catalogue::events,
    message::{MessageContent, MessageType},
    text::{Link, Notes, Reason, RejectedReason},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

events! {
    /// An event of a report; the stream's id is the report's.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    ReportEvent of Report {
        Filed    => "report.filed"    v1 Medium Named pushed,
        Resolved => "report.resolved" v1 Medium Named pushed,
        Rejected => "report.rejected" v1 Medium Named pushed,
    }

    /// It was filed.
    Filed {
        reporter: UserId,
        target: Target,
        /// The person responsible for the target.
        accused: UserId,
        /// The version of the target's stream at that time.
        version: u64,
        /// A personal value of the reporter.
        statement: Personal<Statement>,
        /// The reported content, a personal value of the accused.
        evidence: Personal<Evidence>,
        /// A keyed digest of the evidence, in hexadecimal digits; it survives erasure.
        digest: String,
    },
    /// The report was right, and a moderator has acted.
    Resolved {
        reporter: UserId,
        by: UserId,
    },
    /// Rejected: nothing is to be done.
    Rejected {
        reporter: UserId,
        by: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<RejectedReason>>,
    },
}

/// The target of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum Target {
    /// A person.
    User { user: UserId },
    /// A message.
    Message {
        message: MessageId,
        /// Its conversation.
        conversation: ConversationId,
    },
    /// A story.
    Story { story: Uuid },
}

/// The reporter's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// A word or two.
    pub reason: Reason,
    /// Details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Notes>,
}

/// The target's content at the time of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum Evidence {
    /// A person's public profile.
    User {
        first_name: String,
        last_name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar_url: Option<Link>,
    },
    /// A message.
    Message {
        /// Its type.
        message_type: MessageType,
        content: MessageContent,
    },
    /// A story.
    Story {
        /// Its text.
        content: String,
        /// Its picture or video.
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

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match self {
            Self::User { user } => user.0,
            Self::Message { message, .. } => message.0,
            Self::Story { story } => *story,
        }
    }

    /// The conversation of a message.
    #[must_use]
    pub const fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Message { conversation, .. } => Some(*conversation),
            Self::User { .. } | Self::Story { .. } => None,
        }
    }
}

impl ReportEvent {
    /// The reporter.
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

    pub(crate) fn recipients(&self, _stream: Uuid) -> Vec<Recipient> {
        vec![Recipient::only(self.reporter())]
    }
}
