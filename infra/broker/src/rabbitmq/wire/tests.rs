//! Encoded messages decode to the same value, and their properties name the sender.

use super::*;
use domain::Partition;
use event_store::Origin;
use proptest::prelude::*;

const PARTITIONS: u16 = 16;

fn wire(node: u128, log: u128) -> Wire {
    let names = Names::new("chatchit".to_owned());
    Wire::new(names, Uuid::from_u128(node), Uuid::from_u128(log), PARTITIONS, || Timestamp::from_millis(1_000))
}

/// Any text, including control characters and characters that JSON escapes.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter)
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn record(lane: Lane) -> impl Strategy<Value = Record> {
    let origin = (prop::option::of(id()), prop::option::of(id()), prop::option::of(any::<u64>()))
        .prop_map(|(actor, correlation_id, causation_id)| Origin { actor, correlation_id, causation_id });
    let names = (text(), text(), text(), text(), text());
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u16>(), any::<i64>());
    (names, numbers, (id(), id()), origin, any::<[u8; 32]>()).prop_map(
        move |(names, numbers, (aggregate_id, scope), origin, digest)| Record {
            position: numbers.0,
            aggregate_type: names.0,
            aggregate_id,
            sequence: numbers.1,
            event_type: names.1,
            event_version: numbers.3,
            payload: names.2,
            metadata: names.3,
            scope,
            scope_seq: numbers.2,
            lane,
            origin,
            command_key: names.4,
            recorded_at: Timestamp::from_millis(numbers.4),
            digest,
        },
    )
}

fn run() -> impl Strategy<Value = Run> {
    let lane = (any::<bool>(), 0..PARTITIONS).prop_map(|(high, partition)| Lane {
        tier: if high { Tier::High } else { Tier::Medium },
        partition: Partition(partition),
    });
    lane.prop_flat_map(|lane| {
        let link = any::<[u64; 3]>().prop_map(|[lane, tier, high]| Link { lane, tier, high });
        let linked = (record(lane), link)
            .prop_map(|(record, link)| Linked { event: Arc::new(RecordedEvent::sealed(record)), link });
        prop::collection::vec(linked, 0..5).prop_map(move |events| Run { lane, events })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_is_read_as_it_was_written(run in run()) {
        let read = wire(1, 2).run(&encode_run(&run).unwrap()).unwrap();
        prop_assert_eq!(read.lane, run.lane);
        prop_assert_eq!(read.events.len(), run.events.len());
        for (read, written) in read.events.iter().zip(&run.events) {
            prop_assert_eq!(&read.event.record, &written.event.record);
            prop_assert_eq!(read.link, written.link);
        }
    }

    #[test]
    fn a_malformed_run_is_refused_without_quoting_it(body in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(wire(1, 2).run(&body).is_err());
        let why = wire(1, 2).run(br#"{"lane":{"tier":"secret","partition":0},"events":[]}"#).unwrap_err();
        prop_assert!(!why.contains("secret"), "{}", why);
    }
}

#[test]
fn a_run_of_no_lane_of_the_log_is_refused() {
    let beyond = Run { lane: Lane { tier: Tier::High, partition: Partition(PARTITIONS) }, events: vec![] };
    let low = Run { lane: Lane { tier: Tier::Low, partition: Partition(0) }, events: vec![] };
    for run in [beyond, low] {
        assert!(wire(1, 2).run(&encode_run(&run).unwrap()).is_err());
    }
}

#[test]
fn the_sender_is_known_by_the_properties() {
    let own = wire(1, 2);
    let properties = |node, log| wire(node, log).properties();
    assert_eq!(own.sender(&properties(1, 2)), Sender::Own);
    assert_eq!(own.sender(&properties(3, 2)), Sender::Peer);
    assert_eq!(own.sender(&properties(3, 4)), Sender::Foreign);
    assert_eq!(own.sender(&BasicProperties::default()), Sender::Unknown);
}

#[test]
fn messages_carry_their_priority_and_signals_the_time_they_have_left() {
    let signal = |name: &str, expires_at| {
        let signal = Signal {
            name: name.to_owned(),
            scope: None,
            users: vec![],
            from: None,
            from_session: None,
            from_socket: None,
            to_session: None,
            within: None,
            except: Vec::new(),
            sent_at: None,
            data: true.into(),
            expires_at,
        };
        wire(1, 2).message(&Parcel::Signal(Arc::new(signal), None)).unwrap()
    };
    let sent_with = |message: &Message| (*message.properties.priority(), message.properties.expiration().clone());
    let typing = signal("typing", 3_500).unwrap();
    assert_eq!((typing.key.as_str(), sent_with(&typing)), ("low.all", (Some(1), Some("2500".into()))));
    let call = signal("call.signal", 1_000).unwrap();
    assert_eq!((call.key.as_str(), sent_with(&call)), ("high.all", (Some(10), Some("1".into()))));
    assert!(signal("typing", 999).is_none());
    assert_eq!(sent_with(&signal("typing", i64::MAX).unwrap()).1, Some("4294967295".into()));
    for (tier, priority) in [(Tier::High, 10), (Tier::Medium, 5)] {
        let run = Run { lane: Lane { tier, partition: Partition(3) }, events: vec![] };
        let message = wire(1, 2).message(&Parcel::Run(Arc::new(run))).unwrap().unwrap();
        assert_eq!(sent_with(&message), (Some(priority), None));
        assert_eq!(message.key, format!("{}.3", tier.as_str()));
        assert!(message.mandatory);
    }
}

#[test]
fn the_remaining_time_of_a_signal_counts_by_the_clock_of_its_receiver() {
    let signal = Signal {
        name: "typing".to_owned(),
        scope: None,
        users: vec![],
        from: None,
        from_session: None,
        from_socket: None,
        to_session: None,
        within: None,
        except: Vec::new(),
        data: true.into(),
        sent_at: None,
        // By a clock that is a minute behind.
        expires_at: 1_000 - 60_000 + 2_000,
    };
    let body = serde_json::to_vec(&signal).unwrap();
    let received = |properties: BasicProperties| wire(1, 2).signal(&properties, &body).unwrap().expires_at;
    assert_eq!(received(BasicProperties::default().with_expiration("2000".into())), 1_000 + 2_000);
    assert_eq!(received(BasicProperties::default()), signal.expires_at, "of a sender without an expiration");
}
