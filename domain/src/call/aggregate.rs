//! The state of a call and the decisions over it. A direct call is a call of two people, without rules of its own.

use super::{CallCommand, CallError, CallEvent, CallType, EndReason};
use crate::{Aggregate, AggregateType, ConversationId, Timestamp, UserId, handle_by_deciding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most participants at a time: each sends to each.
pub const MAX_PARTICIPANTS: usize = 8;

/// The status of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallStatus {
    /// Not answered yet.
    #[default]
    Ringing,
    /// At least two participants.
    Ongoing,
    /// Cancelled, or over after it took place.
    Ended,
    /// Not answered in time.
    Missed,
    /// All invited people refused.
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

/// A person's relation to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// The call rings them.
    Ringing,
    /// Refused the call.
    Refused,
    /// Takes part.
    Present,
    /// Left, or the call ended without them.
    Gone,
}

/// The whole seconds from the first answer of a call to its end; 0 for a call that was not answered or is not
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

/// The constant properties of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Begun {
    pub conversation: ConversationId,
    /// The person who called.
    pub caller: UserId,
    pub call_type: CallType,
}

impl Call {
    /// The constant properties; `None` for a stream without events.
    #[must_use]
    pub const fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> CallStatus {
        self.status
    }

    /// The reason of its end; `None` before it.
    #[must_use]
    pub const fn end_reason(&self) -> Option<EndReason> {
        self.end_reason
    }

    /// True if it rings or is ongoing.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.begun.is_some() && matches!(self.status, CallStatus::Ringing | CallStatus::Ongoing)
    }

    /// True if `user` takes part or is rung: they may exchange signals.
    #[must_use]
    pub fn involves(&self, user: UserId) -> bool {
        self.is_active() && matches!(self.standing(user), Some(Standing::Present | Standing::Ringing))
    }

    /// The person's relation to it.
    #[must_use]
    pub fn standing(&self, user: UserId) -> Option<Standing> {
        self.people.get(&user).copied()
    }

    /// The people with this relation, ordered by id.
    pub fn with_standing(&self, standing: Standing) -> impl Iterator<Item = UserId> + '_ {
        self.people.iter().filter(move |(_, other)| **other == standing).map(|(user, _)| *user)
    }

    /// The people who take part or are rung, ordered by id.
    pub fn involved(&self) -> impl Iterator<Item = UserId> + '_ {
        self.people.keys().copied().filter(|user| self.involves(*user))
    }

    /// The number of people in its state.
    #[must_use]
    pub fn size(&self) -> usize {
        self.people.len()
    }

    fn count(&self, standing: Standing) -> usize {
        self.with_standing(standing).count()
    }

    /// The conversation of an active call.
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

    /// Closing an ended call changes nothing: people hang up at the same time.
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
                recipients: Vec::new(),
            }]),
            Some(Standing::Present) => Ok(self.depart(begun.conversation, by, Some(by), EndReason::HungUp)),
        }
    }

    /// Removes a person, who is a recipient of the event, as they may have left the conversation, too. A lost
    /// connection concerns participants only.
    fn drop_out(&self, user: UserId, reason: EndReason) -> Vec<CallEvent> {
        let Ok(conversation) = self.active() else { return vec![] };
        match self.standing(user) {
            Some(Standing::Present) => self.depart(conversation, user, None, reason),
            Some(Standing::Ringing) if reason != EndReason::ConnectionLost => {
                let last = self.count(Standing::Ringing) == 1;
                let recipients = vec![user];
                if last && self.status == CallStatus::Ringing {
                    return vec![CallEvent::Closed { conversation, by: None, reason, recipients }];
                }
                vec![CallEvent::Left { conversation, user, reason, recipients }]
            }
            _ => vec![],
        }
    }

    /// A participant leaves; with fewer than two the call ends.
    fn depart(
        &self,
        conversation: ConversationId,
        user: UserId,
        by: Option<UserId>,
        reason: EndReason,
    ) -> Vec<CallEvent> {
        let recipients = if reason == EndReason::Removed { vec![user] } else { Vec::new() };
        if self.status == CallStatus::Ongoing && self.count(Standing::Present) > 2 {
            return vec![CallEvent::Left { conversation, user, reason, recipients }];
        }
        vec![CallEvent::Closed { conversation, by, reason, recipients }]
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
                    let recipients = self.involved().collect();
                    Ok(vec![CallEvent::Closed { conversation, by: None, reason, recipients }])
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
