//! The aggregates whose states are cached: the weight of a state, and the fingerprint of its folding code.

use super::{States, Versioned};
use domain::{
    Aggregate, administration::Administration, audit::AuditReading, call::Call, conduct::Conduct,
    conversation::Conversation, file::File, fold, friendship::Friendship, message::Message, own_settings::OwnSettings,
    read_marker::ReadMarker, report::Report, session::Session, story::Story, user::User,
};
use quick_cache::{Weighter, sync::Cache};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use uuid::Uuid;

/// The most memory of the states of each aggregate, in bytes (roughly).
const BUDGET: u64 = 32 * 1024 * 1024;
/// The expected number of states of each aggregate.
pub(super) const EXPECTED: usize = 20_000;

/// An aggregate whose states are cached.
pub(crate) trait Cached: Aggregate + Clone + 'static {
    fn cache(states: &States) -> &Kept<Self>;
    /// The memory of the state, in bytes (roughly).
    fn weight(&self) -> u64;
    /// The fingerprint of the folding code, for snapshots; `None` for streams that are never long.
    const FOLD: Option<i64>;
    /// The subjects of personal values in the state.
    fn people(&self, id: Uuid) -> Vec<Uuid>;
}

pub(super) type Kept<A> = Cache<Uuid, Slot<A>, Bytes>;

/// A cached state.
pub(crate) struct Slot<A> {
    pub(super) known: Versioned<A>,
    pub(super) marks: Arc<Marks>,
    /// When the log was last read for it, by [`States::tick`].
    pub(super) read_at: u64,
}

/// Observations of a stream besides its state.
#[derive(Default)]
pub(super) struct Marks {
    /// The last sequence observed.
    pub(super) observed: AtomicU64,
    /// The version of its last snapshot.
    pub(super) snapshot: AtomicU64,
}

impl<A> Clone for Slot<A> {
    fn clone(&self) -> Self {
        Self { known: self.known.clone(), marks: Arc::clone(&self.marks), read_at: self.read_at }
    }
}

impl<A> Slot<A> {
    pub(super) fn is_current(&self) -> bool {
        self.marks.observed.load(Relaxed) <= self.known.version
    }
}

/// Weighs a state by its memory.
#[derive(Clone)]
pub(crate) struct Bytes;

impl<A: Cached> Weighter<Uuid, Slot<A>> for Bytes {
    fn weight(&self, _id: &Uuid, slot: &Slot<A>) -> u64 {
        slot.known.state.weight()
    }
}

pub(super) fn kept<A: Cached>() -> Kept<A> {
    Cache::with_weighter(EXPECTED, BUDGET, Bytes)
}

macro_rules! cached {
    ($($aggregate:ident in $field:ident weighs |$state:ident| $weight:expr, folded $fold:expr, of |$id:ident| $people:expr;)*) => {$(
        impl Cached for $aggregate {
            fn cache(states: &States) -> &Kept<Self> {
                &states.$field
            }
            fn weight(&self) -> u64 {
                let $state = self;
                $weight
            }
            const FOLD: Option<i64> = $fold;
            fn people(&self, $id: Uuid) -> Vec<Uuid> {
                let $state = self;
                let _ = $state;
                $people
            }
        }
    )*};
}

cached! {
    User in users weighs |_user| 1_024, folded Some(fold::USER), of |id| vec![id];
    Session in sessions weighs |_session| 256, folded None, of |_id| vec![];
    Friendship in friendships weighs |_pair| 256, folded Some(fold::FRIENDSHIP), of |_id| vec![];
    Conversation in conversations weighs |conversation|
        512 + 96 * conversation.size() as u64 + 192 * conversation.invites().len() as u64
            + 64 * conversation.remembered() as u64,
        folded Some(fold::CONVERSATION), of |_id| {
            let people = conversation.invites().makers().chain([conversation.settings_by()]);
            people.map(|user| user.0).collect()
        };
    Message in messages weighs |message| 512 + 64 * message.people() as u64 + 2 * message.posted().map_or(0, |posted| {
        posted.content.as_ref().map_or(0, |content| content.body.as_str().len() + 256 * content.attachments.len()) as u64
    }), folded Some(fold::MESSAGE), of |_id| {
        let reacted = message.reactions().values().flatten();
        reacted.chain(message.posted().map(|posted| &posted.sender)).map(|user| user.0).collect()
    };
    ReadMarker in read_markers weighs |_marker| 256, folded Some(fold::READ_MARKER), of |_id| vec![];
    Conduct in conducts weighs |_conduct| 256, folded Some(fold::CONDUCT), of |_id| vec![];
    AuditReading in readings weighs |_reading| 128, folded None, of |_id| vec![];
    Call in calls weighs |call| 256 + 48 * call.size() as u64, folded Some(fold::CALL), of |_id| vec![];
    OwnSettings in own_settings weighs |_settings| 256, folded Some(fold::OWN_SETTINGS), of |_id| vec![];
    File in files weighs |_file| 256, folded None, of |_id| vec![];
    Story in stories weighs |story| 512 + 48 * story.people() as u64
        + story.content().map_or(0, |content| content.text.as_str().len() as u64),
        folded Some(fold::STORY), of |_id| story.shown().map(|shown| shown.author.0).into_iter().collect();
    Report in reports weighs |_report| 16 * 1_024, folded None, of |_id| vec![];
    Administration in administrations weighs |_act| 64, folded None, of |_id| vec![];
}
