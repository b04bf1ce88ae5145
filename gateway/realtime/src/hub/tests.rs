//! The audience of events, without store and sockets.

use super::{
    ring::Entry,
    state::{Next, State},
};
use crate::{
    outbox::{Dialect, Outbox},
    push::Push,
};
use broker::{Marks, Signal};
use config::SocketSettings;
use domain::{
    ConversationId, Event, Lane, Partition, Personal, SessionId, Tier, Timestamp, UserId,
    conversation::{ConversationEvent, ConversationType, Settings},
    message::MessageEvent,
    text::Emoji,
};
use event_store::{Authenticator, Interval, Origin, Position, Record, RecordedEvent};
use protocol::cursor::{Cursors, Place, marks_in};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

const ANA: UserId = UserId(Uuid::from_u128(1));
const BEN: UserId = UserId(Uuid::from_u128(2));
const ROOM: ConversationId = ConversationId(Uuid::from_u128(9));

struct Scene {
    state: State,
    wake: Vec<Arc<Outbox>>,
}

/// A socket of a test.
struct Listener {
    user: UserId,
    seat: u64,
    outbox: Arc<Outbox>,
    missed: Vec<Position>,
}

impl Scene {
    fn new(settings: &SocketSettings) -> Self {
        Self {
            state: State::new(Cursors::new(Uuid::nil(), Authenticator::new(&[7; 32])), Place::default(), settings),
            wake: Vec::new(),
        }
    }

    fn happens(&mut self, position: Position, event: impl Into<Event>) {
        let event = event.into();
        let stream = if let Event::Conversation(_) = event { ROOM.0 } else { Uuid::from_u128(77) };
        let record = Record {
            position,
            aggregate_type: event.aggregate_type().as_str().to_owned(),
            aggregate_id: stream,
            sequence: 1,
            event_type: event.event_type().name.to_owned(),
            event_version: 1,
            payload: "{}".to_owned(),
            metadata: "{}".to_owned(),
            scope: event.scope(stream),
            scope_seq: 0,
            lane: Lane { tier: event.event_type().tier, partition: Partition(0) },
            origin: Origin::default(),
            command_key: String::new(),
            recorded_at: Timestamp::default(),
            digest: [0; 32],
        };
        let entry = Arc::new(Entry::new(Arc::new(RecordedEvent::known(record, event.clone())), &event));
        if self.state.dispatch(&entry, &mut self.wake).is_none() {
            let push = Push::for_test(position, event.event_type().tier);
            entry.push.get_or_init(|| Arc::new(push));
            assert!(self.state.dispatch(&entry, &mut self.wake).is_some());
        }
    }

    fn connects(&mut self, user: UserId, known: Marks, intervals: &[Interval]) -> Listener {
        let outbox = Arc::new(Outbox::new(1 << 20, Dialect::Plain));
        let seat = self.state.seat(user.0, SessionId::default(), Arc::clone(&outbox), 10);
        self.state.know(user.0, intervals);
        let mut listener = Listener { user, seat, outbox, missed: Vec::new() };
        match self.state.next(user.0, seat, at(known), 1_000, usize::MAX) {
            Some(Next::Joined(entries, _)) => listener.missed = entries.iter().map(|entry| entry.position()).collect(),
            _ => panic!("the ring reaches everything here"),
        }
        listener
    }
}

impl Listener {
    async fn received(&self) -> Vec<(Position, Marks)> {
        self.outbox.push("end".into());
        let frames = self.outbox.next(usize::MAX).await.frames;
        let parsed = frames.iter().filter_map(|frame| serde_json::from_str::<Value>(frame).ok());
        parsed
            .map(|frame| {
                let marks = marks_in(frame["cursor"].as_str().unwrap()).unwrap();
                (frame["position"].as_u64().unwrap(), marks)
            })
            .collect()
    }

    async fn positions(&self) -> Vec<Position> {
        self.received().await.into_iter().map(|(position, _)| position).collect()
    }
}

fn created(members: &[UserId]) -> ConversationEvent {
    ConversationEvent::Created {
        conversation_type: ConversationType::Group,
        created_by: ANA,
        members: members.to_vec(),
        settings: Personal::new(ANA, Settings::default()),
        approval: false,
        joining: None,
    }
}

fn reacted() -> MessageEvent {
    MessageEvent::Reacted { conversation: ROOM, user: ANA, emoji: Personal::new(ANA, Emoji::parse("👍").unwrap()) }
}

fn at(marks: Marks) -> Place {
    Place { marks, ..Place::default() }
}

fn marks(high: Position, medium: Position) -> Marks {
    Marks { high, medium }
}

#[tokio::test]
async fn a_medium_event_reaches_those_who_were_there_at_its_position() {
    let mut scene = Scene::new(&SocketSettings::default());
    let ana = scene.connects(ANA, Marks::default(), &[]);
    let ben = scene.connects(BEN, Marks::default(), &[]);
    scene.happens(1, created(&[ANA]));
    scene.happens(2, ConversationEvent::MemberAdded { user: BEN, by: ANA, at: None });
    // The kick (5) and the return (7) overtake the reactions at 3, 4, 6 and 8.
    scene.happens(5, ConversationEvent::MemberKicked { user: BEN, by: ANA });
    scene.happens(7, ConversationEvent::MemberAdded { user: BEN, by: ANA, at: None });
    for position in [3, 4, 6, 8] {
        scene.happens(position, reacted());
    }
    assert_eq!(ana.positions().await, [1, 2, 5, 7, 3, 4, 6, 8]);
    assert_eq!(ben.positions().await, [2, 5, 7, 3, 4, 8]);
}

#[tokio::test]
async fn a_member_who_leaves_receives_that_and_nothing_after() {
    let mut scene = Scene::new(&SocketSettings::default());
    scene.happens(1, created(&[ANA, BEN]));
    let ben = scene.connects(BEN, marks(1, 1), &[Interval { scope: ROOM.0, from: 1, until: None }]);
    scene.happens(2, ConversationEvent::MemberLeft { user: BEN });
    scene.happens(3, reacted());
    scene.happens(4, ConversationEvent::MemberPromoted { user: ANA, by: ANA, at: None });
    assert_eq!(ben.positions().await, [2]);
}

#[tokio::test]
async fn recipients_outside_the_audience_receive_only_their_events() {
    let mut scene = Scene::new(&SocketSettings::default());
    scene.happens(1, created(&[ANA]));
    let ben = scene.connects(BEN, marks(1, 1), &[]);
    scene.happens(2, ConversationEvent::MemberRequested { user: BEN, invite: None, at: None });
    scene.happens(3, reacted());
    scene.happens(4, MessageEvent::Hidden { conversation: ROOM, user: BEN });
    scene.happens(5, ConversationEvent::MemberRejected { user: BEN, by: ANA });
    scene.happens(6, ConversationEvent::MemberRequested { user: BEN, invite: None, at: None });
    scene.happens(7, ConversationEvent::MemberLeft { user: BEN });
    assert_eq!(ben.positions().await, [2, 4, 5, 6, 7]);
    let again = scene.connects(BEN, marks(1, 1), &[]);
    assert_eq!(again.missed, [2, 4, 5, 6, 7]);
}

#[tokio::test]
async fn what_was_missed_comes_in_position_order_and_only_once() {
    let mut scene = Scene::new(&SocketSettings::default());
    scene.happens(1, created(&[ANA, BEN]));
    scene.happens(2, reacted());
    scene.happens(5, ConversationEvent::MemberKicked { user: BEN, by: ANA });
    scene.happens(3, reacted());
    scene.happens(6, ConversationEvent::MemberPromoted { user: ANA, by: ANA, at: None });
    let times = [Interval { scope: ROOM.0, from: 1, until: Some(5) }];
    for (known, missed) in [
        (marks(0, 0), vec![1, 2, 3, 5, 6]),
        (marks(1, 0), vec![2, 3, 5, 6]),
        (marks(5, 2), vec![3, 6]),
        (marks(2, 2), vec![3, 5, 6]),
        (marks(6, 3), vec![]),
    ] {
        let ana = scene.connects(ANA, known, &[Interval { scope: ROOM.0, from: 1, until: None }]);
        assert_eq!(ana.missed, missed, "{known:?}");
        scene.state.unseat(ana.user.0, ana.seat);
    }
    // A kicked member receives that event, and no message of the group.
    for (known, missed) in
        [(marks(0, 0), vec![5]), (marks(1, 0), vec![5]), (marks(5, 2), vec![]), (marks(6, 3), vec![])]
    {
        let ben = scene.connects(BEN, known, &times);
        assert_eq!(ben.missed, missed, "{known:?}");
        scene.state.unseat(ben.user.0, ben.seat);
    }
}

#[tokio::test]
async fn a_move_that_the_store_and_the_hub_both_tell_counts_once() {
    let mut scene = Scene::new(&SocketSettings::default());
    let outbox = Arc::new(Outbox::new(1 << 20, Dialect::Plain));
    let seat = scene.state.seat(BEN.0, SessionId::default(), Arc::clone(&outbox), 10);
    scene.happens(1, created(&[ANA, BEN]));
    scene.happens(2, ConversationEvent::MemberLeft { user: BEN });
    scene.happens(3, ConversationEvent::MemberAdded { user: BEN, by: ANA, at: None });
    // The store was read between 2 and 3, and again after the hub received 4.
    let times = [Interval { scope: ROOM.0, from: 1, until: Some(2) }];
    scene.state.know(BEN.0, &times);
    scene.happens(4, ConversationEvent::MemberKicked { user: BEN, by: ANA });
    scene.happens(5, reacted());
    let Some(Next::Joined(entries, _)) = scene.state.next(BEN.0, seat, Place::default(), 100, usize::MAX) else {
        panic!()
    };
    assert_eq!(entries.iter().map(|entry| entry.position()).collect::<Vec<_>>(), [2, 4], "they are no longer there");
}

#[tokio::test]
async fn the_ring_says_how_far_it_reaches() {
    let mut scene = Scene::new(&SocketSettings { ring_events: 2, ..SocketSettings::default() });
    scene.happens(1, created(&[ANA]));
    for position in 2..=4 {
        scene.happens(position, reacted());
    }
    let outbox = Arc::new(Outbox::new(1 << 20, Dialect::Plain));
    let seat = scene.state.seat(ANA.0, SessionId::default(), outbox, 10);
    scene.state.know(ANA.0, &[Interval { scope: ROOM.0, from: 1, until: None }]);
    assert!(
        matches!(scene.state.next(ANA.0, seat, at(marks(1, 1)), 10, usize::MAX), Some(Next::Store(_, place)) if place.end() == 4)
    );
    let Some(Next::Joined(entries, _)) = scene.state.next(ANA.0, seat, at(marks(2, 2)), 10, usize::MAX) else {
        panic!()
    };
    assert_eq!(entries.len(), 2);
}

#[tokio::test]
async fn a_client_from_a_gateway_ahead_receives_nothing_twice_and_its_cursor_never_turns_back() {
    let mut scene = Scene::new(&SocketSettings::default());
    scene.happens(1, created(&[ANA]));
    let ana = scene.connects(ANA, marks(4, 3), &[Interval { scope: ROOM.0, from: 1, until: None }]);
    scene.happens(4, ConversationEvent::MemberPromoted { user: ANA, by: ANA, at: None });
    for position in [2, 3, 5] {
        scene.happens(position, reacted());
    }
    scene.happens(6, ConversationEvent::MemberPromoted { user: ANA, by: ANA, at: None });
    assert_eq!(ana.received().await, [(5, marks(5, 5)), (6, marks(6, 5))]);
}

#[tokio::test]
async fn the_cursor_of_a_high_event_does_not_vouch_for_the_medium_ones_it_overtook() {
    let mut scene = Scene::new(&SocketSettings::default());
    scene.happens(1, created(&[ANA]));
    let ana = scene.connects(ANA, marks(1, 1), &[Interval { scope: ROOM.0, from: 1, until: None }]);
    scene.happens(3, ConversationEvent::MemberPromoted { user: ANA, by: ANA, at: None });
    scene.happens(2, reacted());
    assert_eq!(ana.received().await, [(3, marks(3, 1)), (2, marks(3, 2))]);
}

#[test]
fn a_signal_spares_whom_it_comes_from_and_reaches_who_watches_whom_it_is_about() {
    let mut scene = Scene::new(&SocketSettings::default());
    scene.happens(1, created(&[ANA, BEN]));
    let times = [Interval { scope: ROOM.0, from: 1, until: None }];
    // Ana on two devices, Ben on one, and Cleo, who is not in the room, watches Ana.
    let [phone, laptop] = [1, 2].map(|n| SessionId(Uuid::from_u128(n)));
    let cleo = UserId(Uuid::from_u128(3));
    let mut outboxes = Vec::new();
    for (user, session) in [(ANA, phone), (ANA, laptop), (BEN, SessionId::default()), (cleo, SessionId::default())] {
        let outbox = Arc::new(Outbox::new(1 << 20, Dialect::Plain));
        let seat = scene.state.seat(user.0, session, Arc::clone(&outbox), 10);
        scene.state.know(user.0, if user == cleo { &[] } else { &times });
        assert!(matches!(scene.state.next(user.0, seat, at(marks(1, 1)), 10, usize::MAX), Some(Next::Joined(..))));
        if user == cleo {
            scene.state.watches.set((user.0, seat), vec![ANA.0]).unwrap();
        }
        outboxes.push(outbox);
    }
    let signal = |name: &str| Signal { scope: Some(ROOM.0), from: Some(ANA.0), ..Signal::new(name, Value::Null, 0) };
    let from = |session: SessionId| Some(session.0);
    let socket = outboxes[0].socket();
    for (signal, want) in [
        (signal("typing"), [false, false, true, false]),
        (signal("presence"), [false, false, true, true]),
        (Signal { from_session: from(phone), ..signal("custom") }, [false, true, true, false]),
        (
            Signal { from_socket: Some(socket), from_session: from(phone), ..signal("custom") },
            [false, true, true, false],
        ),
        (
            Signal { from_socket: Some(Uuid::nil()), from_session: from(phone), ..signal("custom") },
            [true, true, true, false],
        ),
        (Signal { from: None, ..signal("custom") }, [true, true, true, false]),
        (Signal { from: None, to_session: from(laptop), ..signal("call.signal") }, [false, true, false, false]),
        (Signal { except: vec![BEN.0], ..signal("typing") }, [false; 4]),
        (
            Signal { scope: None, users: vec![BEN.0, cleo.0], within: Some(ROOM.0), ..signal("call.signal") },
            [false, false, true, false],
        ),
    ] {
        let concerned = scene.state.concerned(&signal);
        let reached = outboxes.iter().map(|outbox| concerned.iter().any(|one| Arc::ptr_eq(one, outbox)));
        assert_eq!(reached.collect::<Vec<_>>(), want, "{signal:?}");
    }
}

#[test]
fn the_eleventh_socket_closes_the_oldest() {
    let mut scene = Scene::new(&SocketSettings::default());
    let outboxes: Vec<_> = (0..12).map(|_| Arc::new(Outbox::new(100, Dialect::Plain))).collect();
    for outbox in &outboxes {
        scene.state.seat(ANA.0, SessionId::default(), Arc::clone(outbox), 10);
    }
    let closed = outboxes.iter().map(|outbox| outbox.closing().is_some());
    assert_eq!(closed.collect::<Vec<_>>(), [vec![true; 2], vec![false; 10]].concat());
    assert_eq!(Tier::DURABLE.len(), 2, "a cursor has a mark for each");
}

#[test]
fn the_end_of_a_tie_doubts_the_watches_that_it_stood_behind() {
    use domain::friendship::FriendshipEvent;
    let mut scene = Scene::new(&SocketSettings::default());
    let cleo = UserId(Uuid::from_u128(3));
    scene.happens(1, created(&[ANA, BEN]));
    let times = [Interval { scope: ROOM.0, from: 1, until: None }];
    for user in [ANA, BEN, cleo] {
        let outbox = Arc::new(Outbox::new(1 << 20, Dialect::Plain));
        let seat = scene.state.seat(user.0, SessionId::default(), outbox, 10);
        scene.state.know(user.0, if user == cleo { &[] } else { &times });
        assert!(matches!(scene.state.next(user.0, seat, at(marks(1, 1)), 10, usize::MAX), Some(Next::Joined(..))));
        let others = [ANA, BEN, cleo].into_iter().filter(|other| *other != user).map(|other| other.0);
        scene.state.watches.set((user.0, seat), others.collect()).unwrap();
    }
    let watchers = |state: &State, of: UserId| {
        let mut users: Vec<_> = state.watches.of(of.0).map(|(user, _)| UserId(user)).collect();
        users.sort_unstable();
        users
    };
    let happens = |state: &mut State, event: Event| state.part(&event, ROOM.0);
    // A member who leaves a room doubts all whom they watch; of those who watch them, only those in the room.
    assert!(happens(&mut scene.state, ConversationEvent::MemberKicked { user: BEN, by: ANA }.into()));
    assert_eq!((watchers(&scene.state, BEN), watchers(&scene.state, ANA)), (vec![cleo], vec![cleo]));
    assert_eq!(watchers(&scene.state, cleo), [ANA]);
    assert_eq!([ANA, BEN, cleo].map(|user| scene.state.partings(user.0)), [1, 1, 0]);
    // A friendship concerns two.
    assert!(happens(&mut scene.state, FriendshipEvent::Unfriended { by: cleo, with: ANA }.into()));
    assert_eq!((watchers(&scene.state, cleo), watchers(&scene.state, BEN)), (vec![], vec![cleo]));
    // A block leaves nothing to be asked.
    assert!(!happens(&mut scene.state, FriendshipEvent::Blocked { by: BEN, with: cleo }.into()));
    assert_eq!(watchers(&scene.state, BEN), []);
    let doubts: usize = scene.state.watches.take_doubts(10).iter().map(|(_, subjects)| subjects.len()).sum();
    assert_eq!(doubts, 5, "Ana of Ben, Ben of both, Ana and Cleo of each other");
    assert!(!happens(&mut scene.state, ConversationEvent::MemberPromoted { user: ANA, by: ANA, at: None }.into()));
}
