//! Append and replay of stock cqrs-es with postgres-es, as their documentation uses them: an aggregate per message, one event
//! each, and a view per aggregate.

use crate::quantiles::Times;
use anyhow::Result;
use clap::Args;
use cqrs_es::{
    Aggregate, DomainEvent, EventEnvelope, View,
    event_sink::EventSink,
    persist::{GenericQuery, QueryReplay},
};
use futures_util::future::try_join_all;
use postgres_es::{PostgresCqrs, PostgresEventRepository, PostgresViewRepository, postgres_cqrs};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{Pool, Postgres, postgres::PgPoolOptions};
use std::{
    cell::Cell,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

const VIEW: &str = "message_view";
/// The tables that postgres-es has in its own `db/init.sql`.
const TABLES: &str = "
    CREATE TABLE events (
        aggregate_type text NOT NULL,
        aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL,
        event_type text NOT NULL,
        event_version text NOT NULL,
        payload json NOT NULL,
        metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    );
    CREATE TABLE message_view (
        view_id text NOT NULL,
        version bigint CHECK (version >= 0) NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (view_id)
    );";
/// The connections of postgres-es' own pool.
const CONNECTIONS: u32 = 10;

/// Stock cqrs-es.
#[derive(Args, Clone, Debug)]
pub(crate) struct CqrsEs {
    /// An empty database of Postgres.
    #[arg(long)]
    database_url: String,
    /// Commands in flight; may be given several times.
    #[arg(long, default_values_t = [1, 64, 1_000])]
    in_flight: Vec<usize>,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Bytes of each message's content.
    #[arg(long, default_value_t = 200)]
    content: usize,
}

/// A message that can only be sent.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Message {
    is_sent: bool,
}

struct SendMessage {
    conversation: String,
    body: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum MessageEvent {
    Sent { conversation: String, body: String },
}

/// A message as clients see it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct MessageView {
    conversation: String,
    body: String,
}

impl DomainEvent for MessageEvent {
    fn event_type(&self) -> String {
        "message.sent".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Message {
    const TYPE: &'static str = "message";
    type Command = SendMessage;
    type Event = MessageEvent;
    type Error = Infallible;
    type Services = ();

    async fn handle(
        &mut self,
        SendMessage { conversation, body }: SendMessage,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Infallible> {
        sink.write(MessageEvent::Sent { conversation, body }, self).await;
        Ok(())
    }

    fn apply(&mut self, MessageEvent::Sent { .. }: MessageEvent) {
        self.is_sent = true;
    }
}

impl View<Message> for MessageView {
    fn update(&mut self, event: &EventEnvelope<Message>) {
        let MessageEvent::Sent { conversation, body } = &event.payload;
        (self.conversation, self.body) = (conversation.clone(), body.clone());
    }
}

impl CqrsEs {
    pub(crate) async fn measure(self) -> Result<Value> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&self.database_url).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        let cqrs = postgres_cqrs::<Message>(pool.clone(), Vec::new(), ());
        let (mut turns, sent) = (Vec::new(), Cell::new(0));
        for in_flight in &self.in_flight {
            eprintln!("{in_flight} in flight");
            turns.push(self.append(&cqrs, *in_flight, &sent).await?);
        }
        eprintln!("replaying");
        let (begun, events) = (Instant::now(), sent.get());
        replay(&pool).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let replay = json!({"seconds": seconds, "events": events, "eventsPerSecond": f64::from(events) / seconds});
        Ok(json!({"scenario": "stock cqrs-es and postgres-es", "turns": turns, "replay": replay, "clean": true}))
    }

    /// Keeps so many commands in flight for a time.
    async fn append(&self, cqrs: &PostgresCqrs<Message>, in_flight: usize, sent: &Cell<u32>) -> Result<Value> {
        let (lasts, body) = (Duration::from_secs(self.seconds), "x".repeat(self.content));
        let begun = Instant::now();
        let one = async || {
            let mut times = Vec::new();
            while begun.elapsed() < lasts {
                sent.set(sent.get() + 1);
                let (id, conversation) = (format!("message-{:012}", sent.get()), format!("room-{}", sent.get() % 20));
                let since = Instant::now();
                cqrs.execute(&id, SendMessage { conversation, body: body.clone() }).await?;
                times.push(since.elapsed());
            }
            anyhow::Ok(times)
        };
        let all = try_join_all((0..in_flight).map(|_| one())).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let mut times = Times::default();
        all.into_iter().flatten().for_each(|time| times.add(time));
        let rate = times.count() as f64 / seconds;
        Ok(json!({"inFlight": in_flight, "appendsPerSecond": rate, "append": times.quantiles()}))
    }
}

/// Fills all views from the events.
async fn replay(pool: &Pool<Postgres>) -> Result<()> {
    let views = PostgresViewRepository::<MessageView, Message>::new(VIEW, pool.clone());
    let query = GenericQuery::new(Arc::new(views));
    let replay = QueryReplay::new(PostgresEventRepository::new(pool.clone()), query);
    Ok(replay.replay_all().await?)
}
