//! Recent events, kept for those who come back, and found by scope and by person.

use crate::push::Push;
use broker::Marks;
use domain::{AggregateType, AudienceChange, Event, Recipient, Tier, UserId, own_settings::OwnSettingsEvent, personal};
use event_store::{Position, RecordedEvent};
use protocol::cursor::covers;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, OnceLock},
};
use uuid::Uuid;

/// An event that the hub has handled.
pub(super) struct Entry {
    pub(super) event: Arc<RecordedEvent>,
    /// Whether everybody who receives the scope receives it.
    pub(super) scope_wide: bool,
    /// Whom it is about.
    pub(super) about: Vec<Recipient>,
    /// Who cleared the conversation with it, and up to which seq.
    pub(super) cleared: Option<(UserId, u64)>,
    /// Its push, once somebody needed it.
    pub(super) push: OnceLock<Arc<Push>>,
}

impl Entry {
    pub(super) fn new(event: Arc<RecordedEvent>, opened: &Event) -> Self {
        let about = opened.recipients(event.record.aggregate_id);
        let cleared = match opened {
            Event::OwnSettings(OwnSettingsEvent::Cleared { user, seq, .. }) => Some((*user, *seq)),
            _ => None,
        };
        Self { event, scope_wide: opened.is_scope_wide(), about, cleared, push: OnceLock::new() }
    }

    /// The same event, as if nobody had opened it yet.
    fn anew(&self) -> Self {
        let event = Arc::new(RecordedEvent::sealed(self.event.record.clone()));
        let Self { scope_wide, cleared, .. } = *self;
        Self { event, scope_wide, about: self.about.clone(), cleared, push: OnceLock::new() }
    }

    /// Whether it tells `user` how their time in a conversation ended.
    pub(super) fn ends_for(&self, user: Uuid) -> bool {
        let is_invite = self.event.record.event_type.starts_with("conversation.invite_");
        let of = [AggregateType::Conversation, AggregateType::Call].map(AggregateType::as_str);
        let is_of_conversation = of.contains(&self.event.record.aggregate_type.as_str());
        let ends = |about: &Recipient| about.user.0 == user && about.change != AudienceChange::Join;
        is_of_conversation && !is_invite && self.about.iter().any(ends)
    }

    pub(super) fn position(&self) -> Position {
        self.event.record.position
    }

    pub(super) fn tier(&self) -> Tier {
        self.event.record.lane.tier
    }

    pub(super) fn scope(&self) -> Uuid {
        self.event.record.scope
    }

    /// About how long its frame is.
    pub(super) fn frame_bytes(&self) -> usize {
        self.push.get().map_or_else(|| 512 + self.event.record.payload.len(), |push| push.bytes())
    }

    /// About what it takes up, its push in both dialects included.
    fn bytes(&self) -> usize {
        1_536 + 5 * self.event.record.payload.len()
    }
}

/// Recent events in the order the hub handled them, bounded in number and bytes.
pub(super) struct Ring {
    events: usize,
    bytes_allowed: usize,
    bytes: usize,
    all: VecDeque<Arc<Entry>>,
    scopes: HashMap<Uuid, VecDeque<Arc<Entry>>>,
    people: HashMap<Uuid, VecDeque<Arc<Entry>>>,
    /// Everything after these marks is here.
    floor: Marks,
}

impl Ring {
    pub(super) fn new(events: usize, bytes: usize, floor: Marks) -> Self {
        let (all, scopes, people) = (VecDeque::new(), HashMap::new(), HashMap::new());
        Self { events, bytes_allowed: bytes, bytes: 0, all, scopes, people, floor }
    }

    pub(super) fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.bytes();
        if entry.scope_wide {
            self.scopes.entry(entry.scope()).or_default().push_back(Arc::clone(&entry));
        }
        for about in &entry.about {
            self.people.entry(about.user.0).or_default().push_back(Arc::clone(&entry));
        }
        self.all.push_back(entry);
        while self.all.len() > self.events || self.bytes > self.bytes_allowed {
            self.forget_oldest();
        }
    }

    /// Drops the opened events that contain personal values of `subject`. They are opened again on demand, without the
    /// erased values.
    pub(super) fn forget(&mut self, subject: Uuid) {
        let sealed = format!("\"{}\":\"{subject}\"", personal::SEALED);
        let holding = self.all.iter().filter(|entry| entry.event.record.payload.contains(&sealed));
        let anew: HashMap<Position, Arc<Entry>> =
            holding.map(|entry| (entry.position(), Arc::new(entry.anew()))).collect();
        let lists = std::iter::once(&mut self.all).chain(self.scopes.values_mut()).chain(self.people.values_mut());
        for entry in lists.flatten() {
            if let Some(anew) = anew.get(&entry.position()) {
                *entry = Arc::clone(anew);
            }
        }
    }

    /// Whether everything after `known` that the hub has handled is here.
    pub(super) const fn reaches(&self, known: Marks) -> bool {
        known.high >= self.floor.high && known.medium >= self.floor.medium
    }

    /// An event is not here that somebody may want: who does not know it yet reads the store.
    pub(super) fn lack(&mut self, tier: Tier, position: Position) {
        match tier {
            Tier::Medium => self.floor.medium = self.floor.medium.max(position),
            Tier::High | Tier::Low => self.floor.high = self.floor.high.max(position),
        }
    }

    /// The events of a scope after `known`, in no order.
    pub(super) fn of_scope(&self, scope: Uuid, known: Marks) -> impl Iterator<Item = &Arc<Entry>> {
        after(self.scopes.get(&scope), known)
    }

    /// The events about somebody after `known`, in no order.
    pub(super) fn about(&self, user: Uuid, known: Marks) -> impl Iterator<Item = &Arc<Entry>> {
        after(self.people.get(&user), known)
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.all.pop_front() else { return };
        self.bytes -= oldest.bytes();
        self.lack(oldest.tier(), oldest.position());
        if oldest.scope_wide {
            forget_first(&mut self.scopes, oldest.scope());
        }
        for about in &oldest.about {
            forget_first(&mut self.people, about.user.0);
        }
    }
}

/// The oldest of all is also the oldest of its scope and of its people.
fn forget_first(index: &mut HashMap<Uuid, VecDeque<Arc<Entry>>>, key: Uuid) {
    if let Some(entries) = index.get_mut(&key) {
        entries.pop_front();
        if entries.is_empty() {
            index.remove(&key);
        }
    }
}

/// From the newest back to the first that says that all before it is known too: what was handled before a high
/// event precedes it.
fn after(entries: Option<&VecDeque<Arc<Entry>>>, known: Marks) -> impl Iterator<Item = &Arc<Entry>> {
    let both = known.high.min(known.medium);
    let newest_first = entries.into_iter().flat_map(|entries| entries.iter().rev());
    let recent = newest_first.take_while(move |entry| entry.tier() != Tier::High || entry.position() > both);
    recent.filter(move |entry| !covers(known, entry.tier(), entry.position()))
}
