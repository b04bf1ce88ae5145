//! The events of an account.

use super::{Profile, ProfileChanged, Role};
use crate::{Personal, Recipient, SessionId, catalogue::events};
use uuid::Uuid;

events! {
    /// An event of an account; the stream's id is the user's.
    #[derive(Clone, Debug, PartialEq)]
    #[expect(missing_docs, reason = "the names of the other fields say what they hold")]
    UserEvent of User {
        Registered      => "account.registered"       v1 Medium Named,
        Updated         => "account.updated"          v1 Medium Named pushed,
        Blocked         => "account.blocked"          v1 High   Named pushed,
        Unblocked       => "account.unblocked"        v1 High   Named,
        // Only the owner's sessions are concerned; others receive the consequences, such as departures from groups.
        PasswordChanged => "account.password_changed" v1 High   Named,
        Deactivated     => "account.deactivated"      v1 High   Named,
        Reactivated     => "account.reactivated"      v1 High   Named,
        Erased          => "account.erased"           v1 High   Named,
        RoleChanged     => "account.role_changed"     v1 High   Named pushed,
    }

    /// It was registered.
    Registered {
        role: Role,
        profile: Personal<Profile>,
    },
    /// The profile was changed.
    Updated {
        /// The changed fields.
        changed: Personal<ProfileChanged>,
    },
    /// It was blocked.
    Blocked,
    /// It was unblocked.
    Unblocked,
    /// The password was changed, which ends sessions of the old one.
    PasswordChanged {
        /// The session that changed it, which is kept.
        kept: Option<SessionId>,
    },
    /// Its owner deactivated it until the next sign-in.
    Deactivated,
    /// Its owner signed in again.
    Reactivated,
    /// Its owner was erased: their personal values are unreadable.
    Erased,
    /// An administrator changed the role.
    RoleChanged {
        role: Role,
    },
}

impl UserEvent {
    pub(crate) const fn scope(&self, stream: Uuid) -> Uuid {
        stream
    }

    pub(crate) fn recipients(&self, stream: Uuid) -> Vec<Recipient> {
        vec![Recipient::only(stream.into())]
    }
}
