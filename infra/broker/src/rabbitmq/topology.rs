//! Exchanges, queues and bindings, and their names.
//!
//! | exchange | routing key | queues |
//! |---|---|---|
//! | `.events` | `high.3` (lane) | `.projections.high.3`: durable, shared by consumers; `.node.high.<node>.<n>`: one process's |
//! | `.signals` | `high.all`, `low.<node>` | `.signals.low.<node>.<n>`: one process's |
//! | `.retry` | `200.3` (pause, partition) | `.retry.200`: its time to live is the pause; it dead-letters to `.dead` with the same key |
//! | `.dead` | `200.3`, `letters` | `.due.3`: shared by the workers; `.dead.letters` |
//!
//! All are declared with each connection, and again from time to time, since an operator may delete them. Every queue is
//! bounded and drops its oldest message: except for dead letters they contain notifications only.

use super::link::{Link, LinkError, within};
use crate::BACK_OFF;
use domain::{Lane, Partition, Tier};
use lapin::{
    Channel, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable, LongString},
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A run older than this is useless: its consumers have read the store.
const RUN_TTL: Duration = Duration::from_secs(30);
/// RabbitMQ deletes a shared queue that was not used or declared for this long.
const UNUSED: Duration = Duration::from_secs(2 * 60 * 60);
/// The routing key of dead letters.
pub(crate) const LETTERS: &str = "letters";

/// The names in one namespace.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    namespace: String,
}

/// An exchange, queue or binding that must exist.
#[derive(Clone, Debug)]
pub(crate) enum Declaration {
    Exchange(String),
    Queue { name: String, options: QueueDeclareOptions, arguments: FieldTable },
    Binding { queue: String, exchange: String, key: String },
}

/// Warnings about declarations that differ, at most one per name.
#[derive(Debug, Default)]
pub(crate) struct RateLimitedWarnings(Mutex<BTreeSet<String>>);

impl Names {
    pub(crate) const fn new(namespace: String) -> Self {
        Self { namespace }
    }

    pub(crate) fn events(&self) -> String {
        self.name("events")
    }

    pub(crate) fn signals(&self) -> String {
        self.name("signals")
    }

    pub(crate) fn retry(&self) -> String {
        self.name("retry")
    }

    pub(crate) fn dead(&self) -> String {
        self.name("dead")
    }

    pub(crate) fn exchanges(&self) -> Vec<Declaration> {
        [self.events(), self.signals(), self.retry(), self.dead()].map(Declaration::Exchange).into()
    }

    /// The declarations of a publisher: those it uses, and queues without a consumer.
    pub(crate) fn for_publishing(&self) -> Vec<Declaration> {
        let mut all = self.exchanges();
        for pause in BACK_OFF {
            let name = self.name(&format!("retry.{}", pause.as_millis()));
            let mut arguments = bounded(100_000, 64 << 20);
            arguments.insert("x-message-ttl".into(), millis(pause));
            arguments.insert("x-dead-letter-exchange".into(), text(&self.dead()));
            arguments.insert("x-expires".into(), millis(UNUSED));
            all.push(shared(&name, arguments));
            all.push(binding(&name, self.retry(), format!("{}.*", pause.as_millis())));
        }
        let letters = self.name("dead.letters");
        all.push(shared(&letters, bounded(100_000, 256 << 20)));
        all.push(binding(&letters, self.dead(), LETTERS.to_owned()));
        all
    }

    /// The queue of a lane that all subscribers with the same name share.
    pub(crate) fn lane(&self, consumer: &str, lane: Lane) -> (String, Vec<Declaration>) {
        let key = lane_key(lane);
        let name = self.name(&format!("{consumer}.{key}"));
        let mut arguments = bounded(10_000, 64 << 20);
        arguments.insert("x-message-ttl".into(), millis(RUN_TTL));
        arguments.insert("x-expires".into(), millis(UNUSED));
        let declarations = vec![shared(&name, arguments), binding(&name, self.events(), key)];
        (name, declarations)
    }

    /// The queue of a tier for one process. `owner` is unique and never used again.
    pub(crate) fn tier(&self, tier: Tier, owner: &str) -> (String, Vec<Declaration>) {
        let name = self.name(&format!("node.{}.{owner}", tier.as_str()));
        let mut arguments = bounded(10_000, 64 << 20);
        arguments.insert("x-message-ttl".into(), millis(RUN_TTL));
        let key = format!("{}.*", tier.as_str());
        let declarations = vec![owned(&name, arguments), binding(&name, self.events(), key)];
        (name, declarations)
    }

    /// The queue of the due retries of a partition.
    pub(crate) fn due(&self, partition: Partition) -> (String, Vec<Declaration>) {
        let name = self.name(&format!("due.{}", partition.0));
        let mut arguments = bounded(10_000, 16 << 20);
        arguments.insert("x-expires".into(), millis(UNUSED));
        let key = format!("*.{}", partition.0);
        let declarations = vec![shared(&name, arguments), binding(&name, self.dead(), key)];
        (name, declarations)
    }

    /// The queue of the signals to one process. `owner` as for [`Names::tier`].
    pub(crate) fn signals_to(&self, urgent: bool, node: &str, owner: &str) -> (String, Vec<Declaration>) {
        let tier = if urgent { Tier::High } else { Tier::Low };
        let name = self.name(&format!("signals.{}.{owner}", tier.as_str()));
        let arguments = if urgent { bounded(100_000, 64 << 20) } else { bounded(10_000, 16 << 20) };
        let mut declarations = vec![owned(&name, arguments)];
        for to in [None, Some(node)] {
            declarations.push(binding(&name, self.signals(), signal_key(urgent, to)));
        }
        (name, declarations)
    }

    fn name(&self, rest: &str) -> String {
        format!("{}.{rest}", self.namespace)
    }
}

pub(crate) fn lane_key(lane: Lane) -> String {
    format!("{}.{}", lane.tier.as_str(), lane.partition.0)
}

/// The routing key of signals to one process, or to all.
pub(crate) fn signal_key(urgent: bool, to: Option<&str>) -> String {
    let tier = if urgent { Tier::High } else { Tier::Low };
    format!("{}.{}", tier.as_str(), to.unwrap_or("all"))
}

/// The routing key of a retry. A pause that is none of [`BACK_OFF`] becomes the next longer one.
pub(crate) fn retry_key(pause: Duration, partition: Partition) -> String {
    let [.., longest] = BACK_OFF;
    let pause = BACK_OFF.into_iter().find(|fixed| *fixed >= pause).unwrap_or(longest);
    format!("{}.{}", pause.as_millis(), partition.0)
}

/// Declares all of `what`. An existing object with other properties is used as it is, since it works and an older version may
/// use it; the operator is warned once.
pub(crate) async fn ensure(link: &Link, what: &[Declaration], warnings: &RateLimitedWarnings) -> Result<(), LinkError> {
    let mut channel = link.channel().await?;
    for declaration in what {
        match within("declare", declaration.declare(&channel)).await {
            Err(LinkError::Lapin(error)) if is_declared_differently(&error) => {
                warnings.warn(declaration.name(), &error);
                channel = link.channel().await?;
            }
            declared => declared?,
        }
    }
    Ok(())
}

impl Declaration {
    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        match self.clone() {
            Self::Exchange(name) => {
                let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
                channel.exchange_declare(name.into(), ExchangeKind::Topic, options, FieldTable::default()).await
            }
            Self::Queue { name, options, arguments } => {
                channel.queue_declare(name.into(), options, arguments).await.map(drop)
            }
            Self::Binding { queue, exchange, key } => {
                let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
                channel.queue_bind(queue.into(), exchange.into(), key.into(), options, arguments).await
            }
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Exchange(name) | Self::Queue { name, .. } | Self::Binding { queue: name, .. } => name,
        }
    }
}

impl RateLimitedWarnings {
    fn warn(&self, name: &str, error: &lapin::Error) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
            let advice = "it is used as it is; delete it in RabbitMQ to have it declared again";
            tracing::warn!(name, %error, "A RabbitMQ object has other properties than this version declares; {advice}");
        }
    }
}

fn is_declared_differently(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error)
        if *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED))
}

fn shared(name: &str, arguments: FieldTable) -> Declaration {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    Declaration::Queue { name: name.to_owned(), options, arguments }
}

/// A queue that is deleted with its consumer.
fn owned(name: &str, arguments: FieldTable) -> Declaration {
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    Declaration::Queue { name: name.to_owned(), options, arguments }
}

fn binding(queue: &str, exchange: String, key: String) -> Declaration {
    Declaration::Binding { queue: queue.to_owned(), exchange, key }
}

fn bounded(messages: i64, bytes: i64) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("classic"));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(messages));
    arguments.insert("x-max-length-bytes".into(), AMQPValue::LongLongInt(bytes));
    arguments.insert("x-overflow".into(), text("drop-head"));
    arguments
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}

fn millis(time: Duration) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
