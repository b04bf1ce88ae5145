//! The state of an account and the decisions over it.

use super::{ProfileChange, ProfileChanged, UserCommand, UserError, UserEvent};
use crate::{
    Aggregate, AggregateType, Personal, SessionId, handle_by_deciding,
    text::{DisplayName, EmailAddress, Link, PhoneNumber},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How often the profile of an account can be changed.
pub const MAX_PROFILE_CHANGES: u32 = 50_000;

/// What somebody may do besides what everybody may; each may what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// A person.
    #[default]
    User,
    /// Handles reports.
    Moderator,
    /// Everything.
    Admin,
}

impl Role {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Moderator => "MODERATOR",
            Self::Admin => "ADMIN",
        }
    }
}

/// Name and contacts of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// First name.
    pub first_name: DisplayName,
    /// Last name.
    pub last_name: DisplayName,
    /// The address one signs in with.
    pub email: EmailAddress,
    /// A telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Link>,
    /// What the clients keep for the person.
    #[serde(default, skip_serializing_if = "Preferences::is_empty")]
    pub preferences: Preferences,
}

/// A small JSON object that clients keep for a person; its meaning is theirs, but for `readReceipts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Preferences(pub Map<String, Value>);

impl Preferences {
    /// Whether nothing was ever set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether others may learn what the person has read: unless `readReceipts` is `false`.
    #[must_use]
    pub fn read_receipts(&self) -> bool {
        self.0.get("readReceipts") != Some(&Value::Bool(false))
    }
}

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
    /// The session that the last sign-out left.
    kept: Option<SessionId>,
}

impl User {
    /// Whether the account exists: it was opened, and not erased.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.registered && !self.erased
    }

    /// Whether its owner was forgotten.
    #[must_use]
    pub const fn is_erased(&self) -> bool {
        self.erased
    }

    /// Whether its owner has hidden it.
    #[must_use]
    pub const fn is_deactivated(&self) -> bool {
        self.deactivated
    }

    /// Whether others can find it and approach its owner.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        self.exists() && !self.deactivated
    }

    /// How often its password was changed: a password that was compared before the last time tells nothing.
    #[must_use]
    pub const fn password_changes(&self) -> u64 {
        self.password_changes
    }

    /// How often its owner was signed out everywhere: by changing the password, or by deactivating the account.
    #[must_use]
    pub const fn sign_outs(&self) -> u64 {
        self.sign_outs
    }

    /// Whether a session that began after so many sign-outs goes on: it began after the last one, or was left by it.
    /// One of which that was not noted does, until it is ended by an event of its own.
    #[must_use]
    pub fn keeps(&self, session: SessionId, sign_outs: Option<u64>) -> bool {
        !self.erased && (self.kept == Some(session) || sign_outs.is_none_or(|then| then >= self.sign_outs))
    }

    /// Its role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Name and contacts, unless forgotten.
    #[must_use]
    pub const fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Whether the account may act now.
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

    /// The fields of `change` that differ from the profile.
    fn difference(&self, change: ProfileChange) -> ProfileChanged {
        let Some(now) = &self.profile else { return ProfileChanged::default() };
        ProfileChanged {
            first_name: change.first_name.filter(|name| *name != now.first_name),
            last_name: change.last_name.filter(|name| *name != now.last_name),
            avatar_url: change.avatar_url.filter(|url| *url != now.avatar_url),
            phone: change.phone.filter(|phone| *phone != now.phone),
            preferences: change.preferences.filter(|preferences| *preferences != now.preferences),
        }
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

impl Profile {
    /// Takes over the changed fields.
    pub fn update(&mut self, changed: &ProfileChanged) {
        fn take<T: Clone>(field: &mut T, changed: Option<&T>) {
            if let Some(value) = changed {
                *field = value.clone();
            }
        }
        take(&mut self.first_name, changed.first_name.as_ref());
        take(&mut self.last_name, changed.last_name.as_ref());
        take(&mut self.avatar_url, changed.avatar_url.as_ref());
        take(&mut self.phone, changed.phone.as_ref());
        take(&mut self.preferences, changed.preferences.as_ref());
    }
}
