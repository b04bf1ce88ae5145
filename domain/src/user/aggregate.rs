//! The state of an account and the decisions over it.

use super::{Profile, ProfileChange, ProfileChanged, Role, UserCommand, UserError, UserEvent};
use crate::{Aggregate, AggregateType, Personal, SessionId, handle_by_deciding};
use serde::{Deserialize, Serialize};

/// The most changes of a profile.
pub const MAX_PROFILE_CHANGES: u32 = 50_000;

/// The state of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    registered: bool,
    blocked: bool,
    role: Role,
    profile: Option<Profile>,
    deactivated: bool,
    erased: bool,
    password_changes: u64,
    profile_changes: u32,
    sign_outs: u64,
    /// The session that the last sign-out everywhere kept.
    kept: Option<SessionId>,
}

impl User {
    /// True if it was registered and not erased.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.registered && !self.erased
    }

    /// True if its owner was erased.
    #[must_use]
    pub const fn is_erased(&self) -> bool {
        self.erased
    }

    /// True if its owner deactivated it.
    #[must_use]
    pub const fn is_deactivated(&self) -> bool {
        self.deactivated
    }

    /// True if others can find it and approach its owner.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        self.exists() && !self.deactivated
    }

    /// The number of password changes: a comparison from before the last one is void.
    #[must_use]
    pub const fn password_changes(&self) -> u64 {
        self.password_changes
    }

    /// The number of sign-outs everywhere, by password changes and deactivations.
    #[must_use]
    pub const fn sign_outs(&self) -> u64 {
        self.sign_outs
    }

    /// True if a session that began after this many sign-outs goes on: it began after the last one, or was kept by it.
    /// An older session without that number goes on until it ends by an event of its own.
    #[must_use]
    pub fn keeps(&self, session: SessionId, sign_outs: Option<u64>) -> bool {
        !self.erased && (self.kept == Some(session) || sign_outs.is_none_or(|then| then >= self.sign_outs))
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Name and contacts; `None` once its owner is erased.
    #[must_use]
    pub const fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Refuses unless the account may act now.
    ///
    /// # Errors
    /// [`UserError::NotFound`], [`UserError::Blocked`] or [`UserError::Deactivated`].
    pub const fn may_act(&self) -> Result<(), UserError> {
        match (self.exists(), self.blocked, self.deactivated) {
            (false, ..) => Err(UserError::NotFound),
            (_, true, _) => Err(UserError::Blocked),
            (.., true) => Err(UserError::Deactivated),
            _ => Ok(()),
        }
    }

    fn difference(&self, change: ProfileChange) -> ProfileChanged {
        self.profile.as_ref().map(|profile| profile.difference(change)).unwrap_or_default()
    }
}

impl Aggregate for User {
    const AGGREGATE: AggregateType = AggregateType::User;

    fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, UserError> {
        match command {
            UserCommand::Register { .. } if self.registered => Err(UserError::AlreadyRegistered),
            UserCommand::Register { user, role, profile } => {
                Ok(vec![UserEvent::Registered { role, profile: Personal::new(user, profile) }])
            }
            UserCommand::Update { user, change } => {
                self.may_act()?;
                let changed = self.difference(change);
                if changed == ProfileChanged::default() {
                    return Ok(vec![]);
                }
                if self.profile_changes >= MAX_PROFILE_CHANGES {
                    return Err(UserError::TooManyChanges);
                }
                Ok(vec![UserEvent::Updated { changed: Personal::new(user, changed) }])
            }
            UserCommand::Erase if self.erased => Ok(vec![]),
            UserCommand::Block
            | UserCommand::Unblock
            | UserCommand::SetRole { .. }
            | UserCommand::Reactivate
            | UserCommand::Erase
                if !self.exists() =>
            {
                Err(UserError::NotFound)
            }
            UserCommand::Block if self.blocked => Ok(vec![]),
            UserCommand::Block => Ok(vec![UserEvent::Blocked]),
            UserCommand::Unblock if !self.blocked => Ok(vec![]),
            UserCommand::Unblock => Ok(vec![UserEvent::Unblocked]),
            UserCommand::ChangePassword { kept } => {
                self.may_act()?;
                Ok(vec![UserEvent::PasswordChanged { kept }])
            }
            UserCommand::Deactivate => {
                self.may_act()?;
                Ok(vec![UserEvent::Deactivated])
            }
            UserCommand::Reactivate if self.blocked => Err(UserError::Blocked),
            UserCommand::Reactivate if !self.deactivated => Ok(vec![]),
            UserCommand::Reactivate => Ok(vec![UserEvent::Reactivated]),
            UserCommand::Erase => Ok(vec![UserEvent::Erased]),
            UserCommand::SetRole { role } if role == self.role => Ok(vec![]),
            UserCommand::SetRole { role } => Ok(vec![UserEvent::RoleChanged { role }]),
        }
    }
}

impl cqrs_es::Aggregate for User {
    const TYPE: &'static str = AggregateType::User.as_str();
    type Command = UserCommand;
    type Event = UserEvent;
    type Error = UserError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: UserEvent) {
        match event {
            UserEvent::Registered { role, profile } => {
                self.registered = true;
                self.role = role;
                self.profile = profile.get().cloned();
            }
            UserEvent::Updated { changed } => {
                self.profile_changes = self.profile_changes.saturating_add(1);
                let (Some(profile), Some(changed)) = (&mut self.profile, changed.get()) else { return };
                profile.update(changed);
            }
            UserEvent::Blocked => self.blocked = true,
            UserEvent::Unblocked => self.blocked = false,
            UserEvent::PasswordChanged { kept } => {
                self.password_changes += 1;
                self.sign_outs += 1;
                self.kept = kept;
            }
            UserEvent::Deactivated => {
                self.deactivated = true;
                self.sign_outs += 1;
                self.kept = None;
            }
            UserEvent::Reactivated => self.deactivated = false,
            UserEvent::Erased => {
                self.erased = true;
                self.profile = None;
            }
            UserEvent::RoleChanged { role } => self.role = role,
        }
    }
}
