//! Following the log.

use super::{Hub, revisions::revises, ring::Entry};
use crate::{
    outbox::Outbox,
    push::{Push, is_newer, open},
};
use broker::{Broker, CatchUpSubscription, Interest, Ordering, Wake};
use domain::{
    Event, Partition, Tier,
    session::{EndReason, SessionEvent},
    user::UserEvent,
};
use event_store::{Position, ReadError, RecordedEvent};
use protocol::Close;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Events handled before the sockets' writers are woken.
const BATCH: usize = 64;
/// Between attempts while the store is away.
const PAUSE: Duration = Duration::from_millis(250);

impl Hub {
    /// Follows the log until `stop`. `observe` receives each event before the sockets do, so that its sessions and
    /// memberships are never older than what a socket received.
    pub async fn follow(
        &self,
        broker: &Broker,
        observe: impl Fn(&RecordedEvent, Option<&Event>) + Send,
        stop: CancellationToken,
    ) {
        let hints = broker.subscribe(Interest::Tiers { tiers: Tier::DURABLE.to_vec(), wake: Wake::Always });
        let marks = self.marks();
        let from: BTreeMap<_, _> = (0..self.0.store.partitions()).map(|n| (Partition(n), marks)).collect();
        let mut follower = CatchUpSubscription::new(self.0.reserved.clone(), hints, Ordering::Global, from);
        let following = async {
            loop {
                match follower.next(BATCH).await {
                    Ok(events) => {
                        self.handle_all(&events, &observe).await;
                        let reached = follower.marks().values().next().copied();
                        self.state().reach(reached.unwrap_or_default());
                    }
                    Err(error) => pause(&error).await,
                }
            }
        };
        tokio::select! {
            () = following => (),
            () = stop.cancelled() => (),
        }
    }

    async fn handle_all(&self, events: &[Arc<RecordedEvent>], observe: &impl Fn(&RecordedEvent, Option<&Event>)) {
        // The high ones come first, and are on their way before a statement is spent on the others.
        let (high, others) = events.split_at(events.partition_point(|event| event.record.lane.tier == Tier::High));
        self.handle_each(high, &HashMap::new(), observe).await;
        let pushes = self.render_ahead(others).await;
        self.handle_each(others, &pushes, observe).await;
    }

    async fn handle_each(
        &self,
        events: &[Arc<RecordedEvent>],
        pushes: &HashMap<Position, Arc<Push>>,
        observe: &impl Fn(&RecordedEvent, Option<&Event>),
    ) {
        let mut wake = Vec::new();
        for event in events {
            let push = pushes.get(&event.record.position);
            let span = traces::child(event.trace(), || {
                traces::span!("push", event_type = event.record.event_type, event.position = event.record.position)
            });
            while let Err(error) = self.handle(event, push, observe, &mut wake).instrument(span.clone()).await {
                wake.drain(..).for_each(|outbox: Arc<Outbox>| outbox.wake());
                pause(&error).await;
            }
        }
        wake.into_iter().for_each(|outbox| outbox.wake());
    }

    /// The pushes for which somebody is connected now, with one statement for all of their streams. What is wanting
    /// is rendered later, one by one.
    async fn render_ahead(&self, events: &[Arc<RecordedEvent>]) -> HashMap<Position, Arc<Push>> {
        let mut wanted = Vec::new();
        for event in events {
            let opened =
                open(&self.0.reserved, event).await.ok().flatten().filter(|opened| opened.event_type().push.is_some());
            if opened.is_some_and(|opened| self.state().has_audience(&Entry::new(Arc::clone(event), opened))) {
                wanted.push(Arc::clone(event));
            }
        }
        let pushes = if wanted.len() > 1 { self.0.live.render_all(&wanted).await } else { Ok(Vec::new()) };
        pushes.unwrap_or_default().into_iter().flatten().map(|push| (push.position, push)).collect()
    }

    async fn handle(
        &self,
        event: &Arc<RecordedEvent>,
        push: Option<&Arc<Push>>,
        observe: &impl Fn(&RecordedEvent, Option<&Event>),
        wake: &mut Vec<Arc<Outbox>>,
    ) -> Result<(), ReadError> {
        let opened = open(&self.0.reserved, event).await?;
        if opened.is_none() && is_newer(&self.0.reserved, event).await {
            self.meet_newer(event).await?;
        }
        observe(event, opened);
        if let (Some(stream), Some(opened)) = (event.stream(), opened.filter(|opened| revises(opened))) {
            self.state().revisions.observe(stream, event.record.position, opened);
        }
        let may_part = |opened: &&Event| matches!(opened, Event::Friendship(_) | Event::Conversation(_));
        if opened.filter(may_part).is_some_and(|opened| self.state().part(opened, event.record.scope)) {
            self.0.doubted.notify_waiters();
        }
        if let Some(opened) = opened.filter(|opened| opened.event_type().push.is_some()) {
            self.0.pushes.observe(event, opened);
            let entry = Arc::new(Entry::new(Arc::clone(event), opened));
            if let Some(push) = push {
                entry.push.get_or_init(|| Arc::clone(push));
            }
            loop {
                let dispatched = self.state().dispatch(&entry, wake);
                if let Some(sockets) = dispatched {
                    self.0.meters.pushed(&event.record, sockets, self.0.store.now());
                    break;
                }
                let Some(push) = self.0.live.render(event).await? else { break };
                entry.push.get_or_init(|| push);
            }
        }
        if let Some(opened) = opened {
            self.end_sockets(event, opened);
        }
        self.state().handled(&event.record);
        self.0.meters.handled(&event.record);
        Ok(())
    }

    /// Closes the sockets of a session that ended or an account that was blocked, hidden or erased, and forgets what it
    /// holds of somebody who was erased. What somebody reads by an office ends with the office.
    fn end_sockets(&self, event: &RecordedEvent, opened: &Event) {
        match opened {
            Event::Session(SessionEvent::Ended { user, reason }) => {
                let why = match reason {
                    EndReason::Logout => Close::SignedOut,
                    EndReason::Expired => Close::Expired,
                    EndReason::Revoked
                    | EndReason::Superseded
                    | EndReason::TokenReuse
                    | EndReason::PasswordChanged
                    | EndReason::Deactivated
                    | EndReason::Erased => Close::Revoked,
                };
                self.state().end(*user, event.record.aggregate_id.into(), why);
            }
            Event::User(UserEvent::Blocked | UserEvent::Deactivated) => {
                self.state().close(event.record.aggregate_id, None, Close::Revoked);
            }
            Event::User(UserEvent::RoleChanged { .. }) => {
                self.state().lifelines.end_office(event.record.aggregate_id);
            }
            Event::User(UserEvent::Erased) => {
                let user = event.record.aggregate_id;
                self.0.pushes.forget(user.into());
                let mut state = self.state();
                state.close(user, None, Close::Revoked);
                state.forget(user);
            }
            _ => (),
        }
    }
}

async fn pause(error: &ReadError) {
    tracing::warn!(error.cause = %error, "the hub waits for the event store");
    tokio::time::sleep(PAUSE).await;
}
