//! The invites of a group: codes that admit people.

use crate::{Timestamp, UserId, id::InviteId, text::InviteCode};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, num::NonZeroU32};

/// The most valid invites of a group.
pub const MAX_INVITES: usize = 100;

/// An invite. When its maker leaves, it is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Invite {
    pub by: UserId,
    /// `None` once its maker is erased.
    pub code: Option<InviteCode>,
    /// Its creation.
    pub made_at: Timestamp,
    /// Its expiry; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// The most uses; `None`: unlimited.
    pub max_uses: Option<NonZeroU32>,
    /// The uses so far.
    pub uses: u32,
    order: u64,
}

impl Invite {
    /// True if it is valid at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end) && self.max_uses.is_none_or(|most| self.uses < most.get())
    }
}

/// An invite to create.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct NewInvite {
    /// Its id in the log, derived from the code with a key of the store.
    pub id: InviteId,
    pub code: InviteCode,
    /// Its expiry; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// The most uses; `None`: unlimited.
    pub max_uses: Option<NonZeroU32>,
}

/// The invites of a group. Creating one drops the void ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invites {
    all: BTreeMap<InviteId, Invite>,
    made: u64,
}

impl Invites {
    /// Their makers.
    pub fn makers(&self) -> impl Iterator<Item = UserId> + '_ {
        self.all.values().map(|invite| invite.by)
    }

    /// An invite.
    #[must_use]
    pub fn get(&self, invite: InviteId) -> Option<&Invite> {
        self.all.get(&invite)
    }

    /// The latest invite.
    #[must_use]
    pub fn newest(&self) -> Option<(InviteId, &Invite)> {
        self.all.iter().max_by_key(|(_, invite)| invite.order).map(|(id, invite)| (*id, invite))
    }

    /// The number of invites, void ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// True without invites.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn has_room(&self, now: Timestamp) -> bool {
        self.all.values().filter(|invite| invite.is_good(now)).count() < MAX_INVITES
    }

    pub(super) fn make(&mut self, id: InviteId, invite: Invite) {
        self.made += 1;
        self.all.retain(|_, other| other.is_good(invite.made_at));
        self.all.insert(id, Invite { order: self.made, ..invite });
    }

    pub(super) fn use_one(&mut self, invite: Option<InviteId>) {
        if let Some(invite) = invite.and_then(|invite| self.all.get_mut(&invite)) {
            invite.uses = invite.uses.saturating_add(1);
        }
    }

    pub(super) fn revoke(&mut self, invite: InviteId) {
        self.all.remove(&invite);
    }

    pub(super) fn revoke_all_of(&mut self, user: UserId) {
        self.all.retain(|_, invite| invite.by != user);
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
    }
}

impl Invite {
    /// An unused invite.
    pub(super) const fn new(
        by: UserId,
        code: Option<InviteCode>,
        made_at: Timestamp,
        expires_at: Option<Timestamp>,
        max_uses: Option<NonZeroU32>,
    ) -> Self {
        Self { by, code, made_at, expires_at, max_uses, uses: 0, order: 0 }
    }
}
