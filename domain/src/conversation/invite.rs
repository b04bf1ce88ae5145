//! The invites of a group: codes by which people who are not in it come in.

use crate::{Timestamp, UserId, id::InviteId, text::InviteCode};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, num::NonZeroU32};

/// The most invites that are good at the same time.
pub const MAX_INVITES: usize = 100;

/// An invite. It goes with its maker: whoever leaves takes back the own ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Who made it.
    pub by: UserId,
    /// The code; `None` once its maker is forgotten.
    pub code: Option<InviteCode>,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when on it is good for nothing.
    pub expires_at: Option<Timestamp>,
    /// How many may come by it.
    pub max_uses: Option<NonZeroU32>,
    /// How many have.
    pub uses: u32,
    order: u64,
}

impl Invite {
    /// Whether somebody may come by it at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end) && self.max_uses.is_none_or(|most| self.uses < most.get())
    }
}

/// An invite to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvite {
    /// What it is called in the log; derived from the code by a key of the store.
    pub id: InviteId,
    /// The code.
    pub code: InviteCode,
    /// From when on it is to be good for nothing.
    pub expires_at: Option<Timestamp>,
    /// How many may come by it.
    pub max_uses: Option<NonZeroU32>,
}

/// The invites of a group. Those that are good for nothing any more are forgotten when the next one is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invites {
    all: BTreeMap<InviteId, Invite>,
    made: u64,
}

impl Invites {
    /// Who made them.
    pub fn makers(&self) -> impl Iterator<Item = UserId> + '_ {
        self.all.values().map(|invite| invite.by)
    }

    /// An invite.
    #[must_use]
    pub fn get(&self, invite: InviteId) -> Option<&Invite> {
        self.all.get(&invite)
    }

    /// The one that was made last.
    #[must_use]
    pub fn newest(&self) -> Option<(InviteId, &Invite)> {
        self.all.iter().max_by_key(|(_, invite)| invite.order).map(|(id, invite)| (*id, invite))
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether none is remembered.
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
    /// One that nobody has come by.
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
