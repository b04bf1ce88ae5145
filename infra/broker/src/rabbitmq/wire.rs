//! Messages as JSON; their properties name the sender and the type.

use super::topology::{LETTERS, Names, lane_key, retry_key, signal_key};
use crate::{DeadLetter, Retry, Run, Signal};
use domain::{Lane, Tier, Timestamp};
use event_store::{Link, Linked, Record, RecordedEvent};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};
use traces::TraceContext;
use uuid::Uuid;

/// The header with the id of the process that sent a message.
const NODE: &str = "node";
/// The header with the incarnation of its log.
const LOG: &str = "log";
/// The header with the reason why a message could not be read.
const WHY: &str = "why";
/// The header with a trace, by W3C Trace Context.
const TRACE: &str = "traceparent";

/// The values of the property `type`.
pub(crate) mod kind {
    pub(crate) const RUN: &str = "run.v1";
    pub(crate) const SIGNAL: &str = "signal.v1";
    pub(crate) const RETRY: &str = "retry.v1";
    pub(crate) const LETTER: &str = "letter.v1";
    pub(crate) const UNREADABLE: &str = "unreadable.v1";
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub(crate) enum Parcel {
    /// A run, to all subscribers of its lane.
    Run(Arc<Run>),
    /// A signal, to one process or to all.
    Signal(Arc<Signal>, Option<Uuid>),
    /// A retry, after a pause.
    Retry(Duration, Retry),
    /// A dead letter.
    Letter(Box<DeadLetter>),
    /// A message that could not be read, and the reason.
    Unreadable(Vec<u8>, String),
}

/// An encoded message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) exchange: String,
    pub(crate) key: String,
    /// Whether RabbitMQ returns it when no queue wants it.
    pub(crate) mandatory: bool,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

/// The sender of a message, by its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// This process.
    Own,
    /// Another process on the same log.
    Peer,
    /// A process on another log.
    Foreign,
    /// A sender without headers.
    Unknown,
}

/// Encodes and decodes the messages of this process.
#[derive(Debug)]
pub(crate) struct Wire {
    names: Names,
    node: String,
    log: String,
    partitions: u16,
    clock: fn() -> Timestamp,
}

#[derive(Serialize)]
struct RunOut<'a> {
    lane: Lane,
    events: Vec<EventOut<'a>>,
}

#[derive(Serialize)]
struct EventOut<'a> {
    record: &'a Record,
    link: Link,
    /// A `traceparent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

#[derive(Deserialize)]
struct RunIn {
    lane: Lane,
    events: Vec<EventIn>,
}

#[derive(Deserialize)]
struct EventIn {
    record: Record,
    link: Link,
    trace: Option<String>,
}

impl Wire {
    pub(crate) fn new(names: Names, node: Uuid, log: Uuid, partitions: u16, clock: fn() -> Timestamp) -> Self {
        Self { names, node: node.to_string(), log: log.to_string(), partitions, clock }
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// The encoded message; `None` for an expired signal.
    pub(crate) fn message(&self, parcel: &Parcel) -> Result<Option<Message>, serde_json::Error> {
        let (names, properties) = (&self.names, self.properties());
        let message = match parcel {
            Parcel::Run(run) => Message {
                exchange: names.events(),
                key: lane_key(run.lane),
                mandatory: true,
                properties: self.of_run(run).with_type(kind::RUN.into()).with_priority(priority(run.lane.tier)),
                body: encode_run(run)?,
            },
            Parcel::Signal(signal, to) => {
                let left = signal.expires_at.saturating_sub((self.clock)().millis());
                if left < 0 {
                    return Ok(None);
                }
                let tier = if signal.is_urgent() { Tier::High } else { Tier::Low };
                // 0 would mean: only if a consumer is waiting.
                let left = left.clamp(1, i64::from(u32::MAX)).to_string();
                Message {
                    exchange: names.signals(),
                    key: signal_key(signal.is_urgent(), to.map(|node| node.to_string()).as_deref()),
                    mandatory: false,
                    properties: properties
                        .with_type(kind::SIGNAL.into())
                        .with_priority(priority(tier))
                        .with_expiration(left.into()),
                    body: serde_json::to_vec(signal)?,
                }
            }
            Parcel::Retry(pause, retry) => Message {
                exchange: names.retry(),
                key: retry_key(*pause, retry.partition),
                mandatory: true,
                properties: properties.with_type(kind::RETRY.into()),
                body: serde_json::to_vec(retry)?,
            },
            Parcel::Letter(letter) => {
                let properties = properties.with_type(kind::LETTER.into());
                self.letter(properties, serde_json::to_vec(letter)?)
            }
            Parcel::Unreadable(body, why) => {
                let mut headers = self.headers();
                headers.insert(WHY.into(), AMQPValue::LongString(LongString::from(why.as_str())));
                let properties = properties.with_headers(headers).with_type(kind::UNREADABLE.into());
                self.letter(properties.with_content_type("application/octet-stream".into()), body.clone())
            }
        };
        Ok(Some(message))
    }

    /// Dead letters survive a restart of RabbitMQ; other messages do not have to.
    fn letter(&self, properties: BasicProperties, body: Vec<u8>) -> Message {
        let properties = properties.with_delivery_mode(2);
        Message { exchange: self.names.dead(), key: LETTERS.to_owned(), mandatory: true, properties, body }
    }

    fn properties(&self) -> BasicProperties {
        BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(1)
            .with_headers(self.headers())
    }

    /// Names the first trace of a run, for tools that look at messages; each event has its own in the body.
    fn of_run(&self, run: &Run) -> BasicProperties {
        let properties = self.properties();
        let Some(trace) = run.events.iter().find_map(|linked| linked.event.trace()) else { return properties };
        let mut headers = self.headers();
        headers.insert(TRACE.into(), AMQPValue::LongString(LongString::from(trace.to_string())));
        properties.with_headers(headers)
    }

    fn headers(&self) -> FieldTable {
        let mut headers = FieldTable::default();
        headers.insert(NODE.into(), AMQPValue::LongString(LongString::from(self.node.as_str())));
        headers.insert(LOG.into(), AMQPValue::LongString(LongString::from(self.log.as_str())));
        headers
    }

    /// The sender of a message with these properties.
    pub(crate) fn sender(&self, properties: &BasicProperties) -> Sender {
        match (header(properties, NODE), header(properties, LOG)) {
            (Some(node), _) if node == self.node.as_bytes() => Sender::Own,
            (Some(_), Some(log)) if log == self.log.as_bytes() => Sender::Peer,
            (_, Some(log)) if log != self.log.as_bytes() => Sender::Foreign,
            _ => Sender::Unknown,
        }
    }

    /// Decodes a signal of another process, which has another clock: its remaining time is that of the message's expiration,
    /// which RabbitMQ reduces by the time in the queue.
    pub(crate) fn signal(&self, properties: &BasicProperties, body: &[u8]) -> Result<Signal, String> {
        let signal: Signal = read(body)?;
        let left = properties.expiration().as_ref().and_then(|left| left.as_str().parse::<i64>().ok());
        let expires_at = left.map(|left| (self.clock)().millis().saturating_add(left));
        Ok(Signal { expires_at: expires_at.unwrap_or(signal.expires_at), ..signal })
    }

    /// Decodes a run; the error describes the fault of the body.
    pub(crate) fn run(&self, body: &[u8]) -> Result<Run, String> {
        let run: RunIn = read(body)?;
        if run.lane.partition.0 >= self.partitions || run.lane.tier == Tier::Low {
            return Err("the log has no such lane".to_owned());
        }
        if run.events.iter().any(|event| event.record.lane != run.lane) {
            return Err("an event is of another lane than its run".to_owned());
        }
        let linked = |EventIn { record, link, trace }: EventIn| {
            let trace = trace.as_deref().and_then(TraceContext::parse);
            Linked { event: Arc::new(RecordedEvent::sealed(record).traced(trace)), link }
        };
        Ok(Run { lane: run.lane, events: run.events.into_iter().map(linked).collect() })
    }
}

/// Decodes a body. The error contains the place of the fault, but no content.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        format!(
            "the body is not of its type: {:?} at line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        )
    })
}

fn encode_run(run: &Run) -> Result<Vec<u8>, serde_json::Error> {
    let events = run.events.iter().map(|Linked { event, link }| EventOut {
        record: &event.record,
        link: *link,
        trace: event.trace().map(|trace| trace.to_string()),
    });
    let events = events.collect();
    serde_json::to_vec(&RunOut { lane: run.lane, events })
}

/// The AMQP priority of a tier.
const fn priority(tier: Tier) -> u8 {
    match tier {
        Tier::High => 10,
        Tier::Medium => 5,
        Tier::Low => 1,
    }
}

fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a [u8]> {
    match properties.headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(value) => Some(value.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
