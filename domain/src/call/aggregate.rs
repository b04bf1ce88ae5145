//! The state of a call and the decisions over it. A direct call is one with two people, and needs no rule of its own.

use super::{CallCommand, CallError, CallEvent, EndReason};
use crate::{Aggregate, AggregateType, ConversationId, Timestamp, UserId, handle_by_deciding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most people who can be in a call at a time: each sends to each.
pub const MAX_PARTICIPANTS: usize = 8;

/// With picture or without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallType {
    /// Sound alone.
    #[default]
    Voice,
    /// Sound and picture.
    Video,
}

impl CallType {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "VOICE",
            Self::Video => "VIDEO",
        }
    }
}

/// How a call stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallStatus {
    /// Nobody has answered yet.
    #[default]
    Ringing,
    /// At least two are in it.
    Ongoing,
    /// It was taken back, or took place and is over.
    Ended,
    /// Nobody answered in time.
    Missed,
    /// All whom it rang refused.
    Refused,
}

impl CallStatus {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "RINGING",
            Self::Ongoing => "ONGOING",
            Self::Ended => "ENDED",
            Self::Missed => "MISSED",
            Self::Refused => "REFUSED",
        }
    }
}

/// How somebody stands to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It rings them.
    Ringing,
    /// They refused.
    Refused,
    /// They are in it.
    Present,
    /// They left, or it ended without them.
    Gone,
}

/// How many whole seconds a call took from its first answer to its end; 0 for one that was not answered, or is not
/// over.
#[must_use]
pub fn duration(answered_at: Option<Timestamp>, ended_at: Option<Timestamp>) -> u64 {
    let millis = answered_at.zip(ended_at).map_or(0, |(from, until)| until.millis() - from.millis());
    u64::try_from(millis / 1_000).unwrap_or_default()
}

/// The state of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    begun: Option<Begun>,
    status: CallStatus,
    end_reason: Option<EndReason>,
    people: BTreeMap<UserId, Standing>,
}

/// What a call is from its beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Where.
    pub conversation: ConversationId,
    /// Who called.
    pub caller: UserId,
    /// With picture or without.
    pub call_type: CallType,
}

impl Call {
    /// What it is; `None` for a stream without events.
    #[must_use]
    pub const fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    /// How it stands.
    #[must_use]
    pub const fn status(&self) -> CallStatus {
        self.status
    }

    /// Why it ended; `None` until it has.
    #[must_use]
    pub const fn end_reason(&self) -> Option<EndReason> {
        self.end_reason
    }

    /// Whether it rings or is under way.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.begun.is_some() && matches!(self.status, CallStatus::Ringing | CallStatus::Ongoing)
    }

    /// Whether `user` is in it, or it rings them: they may be sent signals, and send them.
    #[must_use]
    pub fn involves(&self, user: UserId) -> bool {
        self.is_active() && matches!(self.standing(user), Some(Standing::Present | Standing::Ringing))
    }

    /// How somebody stands to it.
    #[must_use]
    pub fn standing(&self, user: UserId) -> Option<Standing> {
        self.people.get(&user).copied()
    }

    /// Those who stand to it like this, in the order of their ids.
    pub fn with_standing(&self, standing: Standing) -> impl Iterator<Item = UserId> + '_ {
        self.people.iter().filter(move |(_, other)| **other == standing).map(|(user, _)| *user)
    }

    /// Those who are in it, or whom it rings, in the order of their ids.
    pub fn involved(&self) -> impl Iterator<Item = UserId> + '_ {
        self.people.keys().copied().filter(|user| self.involves(*user))
    }

    /// How many it rings, were, or are in it.
    #[must_use]
    pub fn size(&self) -> usize {
        self.people.len()
    }

    fn count(&self, standing: Standing) -> usize {
        self.with_standing(standing).count()
    }

    /// Where it is, while it is not over.
    fn active(&self) -> Result<ConversationId, CallError> {
        let begun = self.begun.as_ref().ok_or(CallError::NotFound)?;
        if self.is_active() { Ok(begun.conversation) } else { Err(CallError::Ended) }
    }

    fn ring(&self, command: CallCommand) -> Result<Vec<CallEvent>, CallError> {
        let CallCommand::Ring { conversation, caller, call_type, mut invited } = command else { return Ok(vec![]) };
        if self.begun.is_some() {
            return Err(CallError::AlreadyBegun);
        }
        invited.retain(|user| *user != caller);
        invited.sort_unstable();
        invited.dedup();
        if invited.is_empty() {
            return Err(CallError::NobodyToCall);
        }
        Ok(vec![CallEvent::Ringing { conversation, caller, call_type, invited }])
    }

    fn answer(&self, user: UserId) -> Result<Vec<CallEvent>, CallError> {
        let conversation = self.active()?;
        if self.standing(user) == Some(Standing::Present) {
            return Ok(vec![]);
        }
        if self.count(Standing::Present) >= MAX_PARTICIPANTS {
            return Err(CallError::Full);
        }
        Ok(vec![CallEvent::Answered { conversation, user }])
    }

    fn refuse(&self, user: UserId) -> Result<Vec<CallEvent>, CallError> {
        if self.standing(user) == Some(Standing::Refused) {
            return Ok(vec![]);
        }
        let conversation = self.active()?;
        match self.standing(user) {
            Some(Standing::Ringing) => {
                let last = self.count(Standing::Ringing) == 1;
                let over = last && self.status == CallStatus::Ringing;
                Ok(vec![CallEvent::Refused { conversation, user, over }])
            }
            Some(Standing::Present) => Err(CallError::TakesPart),
            Some(Standing::Refused | Standing::Gone) | None => Err(CallError::NotInCall),
        }
    }

    /// Closing what is over is no fault: people hang up at the same time.
    fn close(&self, by: UserId) -> Result<Vec<CallEvent>, CallError> {
        let begun = self.begun.as_ref().ok_or(CallError::NotFound)?;
        match self.standing(by) {
            None => Err(CallError::NotInCall),
            Some(Standing::Ringing) => self.refuse(by),
            Some(Standing::Refused | Standing::Gone) => Ok(vec![]),
            Some(Standing::Present) if self.status == CallStatus::Ringing => Ok(vec![CallEvent::Closed {
                conversation: begun.conversation,
                by: Some(by),
                reason: EndReason::Cancelled,
                told: Vec::new(),
            }]),
            Some(Standing::Present) => Ok(self.depart(begun.conversation, by, Some(by), EndReason::HungUp)),
        }
    }

    /// Takes somebody out without their doing, and tells them: they may have left the conversation, too. A lost
    /// connection concerns only those who are in it.
    fn drop_out(&self, user: UserId, reason: EndReason) -> Vec<CallEvent> {
        let Ok(conversation) = self.active() else { return vec![] };
        match self.standing(user) {
            Some(Standing::Present) => self.depart(conversation, user, None, reason),
            Some(Standing::Ringing) if reason != EndReason::ConnectionLost => {
                let last = self.count(Standing::Ringing) == 1;
                let told = vec![user];
                if last && self.status == CallStatus::Ringing {
                    return vec![CallEvent::Closed { conversation, by: None, reason, told }];
                }
                vec![CallEvent::Left { conversation, user, reason, told }]
            }
            _ => vec![],
        }
    }

    /// Somebody who is in it goes: with fewer than two it is over.
    fn depart(
        &self,
        conversation: ConversationId,
        user: UserId,
        by: Option<UserId>,
        reason: EndReason,
    ) -> Vec<CallEvent> {
        let told = if reason == EndReason::Removed { vec![user] } else { Vec::new() };
        if self.status == CallStatus::Ongoing && self.count(Standing::Present) > 2 {
            return vec![CallEvent::Left { conversation, user, reason, told }];
        }
        vec![CallEvent::Closed { conversation, by, reason, told }]
    }

    fn end(&mut self, status: CallStatus, reason: EndReason) {
        self.status = status;
        self.end_reason = Some(reason);
        for standing in self.people.values_mut() {
            if matches!(standing, Standing::Present | Standing::Ringing) {
                *standing = Standing::Gone;
            }
        }
    }
}

impl Aggregate for Call {
    const AGGREGATE: AggregateType = AggregateType::Call;

    fn decide(&self, command: CallCommand) -> Result<Vec<CallEvent>, CallError> {
        match command {
            command @ CallCommand::Ring { .. } => self.ring(command),
            CallCommand::Answer { by } => self.answer(by),
            CallCommand::Refuse { by } => self.refuse(by),
            CallCommand::Close { by } => self.close(by),
            CallCommand::TimeOut => match self.active() {
                Ok(conversation) if self.status == CallStatus::Ringing => Ok(vec![CallEvent::Missed { conversation }]),
                _ => Ok(vec![]),
            },
            CallCommand::Drop { user, reason } => Ok(self.drop_out(user, reason)),
            CallCommand::End { reason } => match self.active() {
                Ok(conversation) => {
                    let told = self.involved().collect();
                    Ok(vec![CallEvent::Closed { conversation, by: None, reason, told }])
                }
                Err(_) => Ok(vec![]),
            },
        }
    }
}

impl cqrs_es::Aggregate for Call {
    const TYPE: &'static str = AggregateType::Call.as_str();
    type Command = CallCommand;
    type Event = CallEvent;
    type Error = CallError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: CallEvent) {
        match event {
            CallEvent::Ringing { conversation, caller, call_type, invited } => {
                self.begun = Some(Begun { conversation, caller, call_type });
                self.people.extend(invited.into_iter().map(|user| (user, Standing::Ringing)));
                self.people.insert(caller, Standing::Present);
            }
            CallEvent::Answered { user, .. } => {
                self.status = CallStatus::Ongoing;
                self.people.insert(user, Standing::Present);
            }
            CallEvent::Refused { user, over, .. } => {
                self.people.insert(user, Standing::Refused);
                if over {
                    self.end(CallStatus::Refused, EndReason::Refused);
                }
            }
            CallEvent::Missed { .. } => self.end(CallStatus::Missed, EndReason::NoAnswer),
            CallEvent::Left { user, .. } => {
                self.people.insert(user, Standing::Gone);
            }
            CallEvent::Closed { reason, .. } => self.end(CallStatus::Ended, reason),
        }
    }
}
