//! Shorthands for the scenarios.

use domain::{
    AggregateType, ConversationId, Event, MessageId, Personal, Tier, Timestamp, UserId,
    conversation::{ConversationEvent, ConversationType, Settings as ConversationSettings},
    message::{MessageContent, MessageEvent, MessageType},
    text::MessageBody,
};
use event_store::{
    Append, AppendError, CommandKey, CommittedBatch, EventStore, Keys, NewEvent, Origin, Receipt, Retention, Secret,
    Settings, StreamId,
};
use sql::{Durability, Location};
use std::{path::PathBuf, sync::Arc};
use testkit::Home;
use tokio::sync::mpsc;
use uuid::Uuid;

pub(crate) type Batches = mpsc::Receiver<Arc<CommittedBatch>>;

pub(crate) const PARTITIONS: u16 = 4;
pub(crate) const NOW: i64 = 1_795_460_818_120;

pub(crate) fn settings(home: &Home) -> Settings {
    Settings { location: home.log(), ..base_settings() }
}

/// Settings for a location.
pub(crate) fn base_settings() -> Settings {
    Settings {
        location: Location::Sqlite { path: PathBuf::new(), durability: Durability::Full },
        connections: 4,
        partitions: PARTITIONS,
        keys: Keys { master: [7; 32] },
        clock: || Timestamp::from_millis(NOW),
    }
}

pub(crate) async fn open(home: &Home) -> (EventStore, Batches) {
    EventStore::open(settings(home)).await.unwrap()
}

/// A user; [`people`] creates their data key.
pub(crate) fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(0xA000 + n))
}

pub(crate) fn conversation(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(0xC000 + n))
}

pub(crate) fn message(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(0xE000 + n))
}

pub(crate) fn hash(request: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    request.bytes().enumerate().for_each(|(n, byte)| hash[n % 32] ^= byte.rotate_left(n as u32 / 32));
    hash
}

/// A command whose key is also its request.
pub(crate) fn append(key: &str, events: Vec<NewEvent>) -> Append {
    Append {
        origin: Origin { actor: Some(user(1).0), correlation_id: Some(Uuid::from_u128(1)), causation_id: None },
        key: CommandKey { owner: "owner".to_owned(), key: key.to_owned() },
        request_hash: hash(key),
        retention: Retention::Week,
        tier: Tier::High,
        guards: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        events,
    }
}

pub(crate) fn new(stream: StreamId, sequence: u64, event: impl Into<Event>) -> NewEvent {
    NewEvent { stream, sequence, event: event.into() }
}

pub(crate) fn in_conversation(id: ConversationId, sequence: u64, event: ConversationEvent) -> NewEvent {
    new(StreamId::new(AggregateType::Conversation, id), sequence, event)
}

pub(crate) fn created(id: ConversationId, members: &[UserId]) -> NewEvent {
    let event = ConversationEvent::Created {
        conversation_type: ConversationType::Group,
        created_by: members[0],
        members: members.to_vec(),
        settings: Personal::new(members[0], ConversationSettings::default()),
        approval: false,
        joining: None,
    };
    in_conversation(id, 1, event)
}

pub(crate) fn of_message(id: MessageId, sequence: u64, event: MessageEvent) -> NewEvent {
    new(StreamId::new(AggregateType::Message, id), sequence, event)
}

pub(crate) fn sent(id: MessageId, conversation: ConversationId, sender: UserId, text: &str) -> NewEvent {
    let content = MessageContent { body: MessageBody::parse(text).unwrap(), attachments: Vec::new() };
    let event = MessageEvent::Sent {
        conversation,
        sender,
        message_type: MessageType::Text,
        content: Personal::new(sender, content),
        reply_to: None,
        mentions: Vec::new(),
    };
    of_message(id, 1, event)
}

/// Creates the data keys of users 1 to `count`.
pub(crate) async fn people(store: &EventStore, count: u128) {
    let mut keys = append(&format!("data keys of {count} people"), Vec::new());
    keys.secrets = (1..=count).map(|n| Secret::DataKey { subject: user(n).0 }).collect();
    store.append(keys).await.unwrap();
}

/// Appends all at once, so that they share commits; returns the results in their order.
pub(crate) async fn all_at_once(store: &EventStore, commands: Vec<Append>) -> Vec<Result<Receipt, AppendError>> {
    let appends = commands.into_iter().map(|command| {
        let store = store.clone();
        tokio::spawn(async move { store.append(command).await })
    });
    let mut answers = Vec::new();
    for append in appends.collect::<Vec<_>>() {
        answers.push(append.await.unwrap());
    }
    answers
}

/// The events published so far, including all acknowledged ones, since they are published first.
pub(crate) fn drain(batches: &mut Batches) -> Vec<Arc<CommittedBatch>> {
    std::iter::from_fn(|| batches.try_recv().ok()).collect()
}
