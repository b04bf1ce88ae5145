//! The state of a session and the decisions over it.

use super::{SessionCommand, SessionError, SessionEvent};
use crate::{Aggregate, AggregateType, Personal, UserId, handle_by_deciding};
use serde::{Deserialize, Serialize};

/// The state of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    user: Option<UserId>,
    ended: bool,
    sign_outs: Option<u64>,
}

impl Session {
    /// Its user; `None` for a stream without events.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        self.user
    }

    /// The owner's number of sign-outs everywhere when it began; `None` in older events.
    #[must_use]
    pub const fn sign_outs(&self) -> Option<u64> {
        self.sign_outs
    }

    /// True if the session of `user` has not ended on its own. The account may have ended it together with others
    /// ([`User::keeps`](crate::user::User::keeps)).
    #[must_use]
    pub fn is_live(&self, user: UserId) -> bool {
        self.user == Some(user) && !self.ended
    }
}

impl Aggregate for Session {
    const AGGREGATE: AggregateType = AggregateType::Session;

    fn decide(&self, command: SessionCommand) -> Result<Vec<SessionEvent>, SessionError> {
        match command {
            SessionCommand::Start { .. } if self.user.is_some() => Err(SessionError::AlreadyStarted),
            SessionCommand::Start { user, device, sign_outs } => {
                let device = Personal::new(user, device);
                Ok(vec![SessionEvent::Started { user, device, sign_outs: Some(sign_outs) }])
            }
            SessionCommand::End { user, .. } if self.user != Some(user) => Err(SessionError::NotFound),
            SessionCommand::End { .. } if self.ended => Ok(vec![]),
            SessionCommand::End { user, reason } => Ok(vec![SessionEvent::Ended { user, reason }]),
        }
    }
}

impl cqrs_es::Aggregate for Session {
    const TYPE: &'static str = AggregateType::Session.as_str();
    type Command = SessionCommand;
    type Event = SessionEvent;
    type Error = SessionError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Started { user, sign_outs, .. } => {
                self.user = Some(user);
                self.sign_outs = sign_outs;
            }
            SessionEvent::Ended { .. } => self.ended = true,
        }
    }
}
