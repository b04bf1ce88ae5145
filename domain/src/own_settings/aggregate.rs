//! The state of one person's settings of a conversation and the decisions over it.

use super::{OwnSettingsAct, OwnSettingsCommand, OwnSettingsError, OwnSettingsEvent};
use crate::{Aggregate, AggregateType, Timestamp, handle_by_deciding};
use serde::{Deserialize, Serialize};

/// The most changes by one person of their settings of one conversation.
pub const MAX_CHANGES: u32 = 20_000;

/// The state of one person's settings of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSettings {
    muted: Option<Muted>,
    archived: Option<u64>,
    cleared: u64,
    changes: u32,
}

/// A conversation is muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// `None`: until it is unmuted.
    pub until: Option<Timestamp>,
}

impl OwnSettings {
    /// The last mute; its end may have passed.
    #[must_use]
    pub const fn muted(&self) -> Option<Muted> {
        self.muted
    }

    /// The conversation's last seq when it was archived; `None` when it is not. A later message brings it back,
    /// unless it is muted.
    #[must_use]
    pub const fn archived(&self) -> Option<u64> {
        self.archived
    }

    /// The last cleared seq; 0 if none is.
    #[must_use]
    pub const fn cleared(&self) -> u64 {
        self.cleared
    }
}

impl Aggregate for OwnSettings {
    const AGGREGATE: AggregateType = AggregateType::OwnSettings;

    fn decide(&self, command: OwnSettingsCommand) -> Result<Vec<OwnSettingsEvent>, OwnSettingsError> {
        use OwnSettingsAct as Act;
        use OwnSettingsEvent as Event;
        let OwnSettingsCommand { conversation, user, head, act } = command;
        let events = match act {
            Act::Mute { until } if self.muted != Some(Muted { until }) => {
                vec![Event::Muted { conversation, user, until }]
            }
            Act::Unmute if self.muted.is_some() => vec![Event::Unmuted { conversation, user }],
            Act::Archive if self.archived.is_none_or(|seq| seq < head) => {
                vec![Event::Archived { conversation, user, seq: head }]
            }
            Act::Unarchive if self.archived.is_some() => vec![Event::Unarchived { conversation, user }],
            Act::Clear if self.cleared < head => vec![Event::Cleared { conversation, user, seq: head }],
            Act::Mute { .. } | Act::Unmute | Act::Archive | Act::Unarchive | Act::Clear => vec![],
        };
        if self.changes >= MAX_CHANGES && !events.is_empty() {
            return Err(OwnSettingsError::TooManyChanges);
        }
        Ok(events)
    }
}

impl cqrs_es::Aggregate for OwnSettings {
    const TYPE: &'static str = AggregateType::OwnSettings.as_str();
    type Command = OwnSettingsCommand;
    type Event = OwnSettingsEvent;
    type Error = OwnSettingsError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: OwnSettingsEvent) {
        self.changes = self.changes.saturating_add(1);
        match event {
            OwnSettingsEvent::Muted { until, .. } => self.muted = Some(Muted { until }),
            OwnSettingsEvent::Unmuted { .. } => self.muted = None,
            OwnSettingsEvent::Archived { seq, .. } => self.archived = Some(seq),
            OwnSettingsEvent::Unarchived { .. } => self.archived = None,
            OwnSettingsEvent::Cleared { seq, .. } => self.cleared = self.cleared.max(seq),
        }
    }
}
