//! Exchanges, queues and bindings, and their names.
//!
//! | exchange | routing key | queues |
//! |---|---|---|
//! | `.events` | `high.3` (lane) | `.projections.high.3`: durable, shared by consumers; `.gateway.high.<node>.<n>`: one subscriber's |
//! | `.signals` | `high.all`, `low.<node>` | `.signals.low.<node>.<n>`: one process's |
//! | `.retry` | `200.3` (pause, partition) | `.retry.200`: whose time-to-live is the pause, then to `.dead` with the same key |
//! | `.dead` | `200.3`, `letters` | `.due.3`: shared by those who try again; `.dead.letters` |
//!
//! All are declared anew with each connection, and now and then, for somebody may delete them. Every queue is bounded and drops its oldest message: but for
//! dead letters they hold hints only.

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

/// A run older than this is worth nothing: whoever wanted it has read the store.
const RUN_TTL: Duration = Duration::from_secs(30);
/// A shared queue that nobody has used or declared for so long is deleted.
const UNUSED: Duration = Duration::from_secs(2 * 60 * 60);
/// The routing key of dead letters.
pub(crate) const LETTERS: &str = "letters";

/// The names in one namespace.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    namespace: String,
}

/// Something that must stand.
#[derive(Clone, Debug)]
pub(crate) enum Declaration {
    Exchange(String),
    Queue { name: String, options: QueueDeclareOptions, arguments: FieldTable },
    Binding { queue: String, exchange: String, key: String },
}

/// What was found declared otherwise, so that it is told once.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<BTreeSet<String>>);

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

    /// What a publisher needs, and what must stand though nobody consumes it.
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

    /// The queue of a lane that all who give the same name share.
    pub(crate) fn lane(&self, consumer: &str, lane: Lane) -> (String, Vec<Declaration>) {
        let key = lane_key(lane);
        let name = self.name(&format!("{consumer}.{key}"));
        let mut arguments = bounded(10_000, 64 << 20);
        arguments.insert("x-message-ttl".into(), millis(RUN_TTL));
        arguments.insert("x-expires".into(), millis(UNUSED));
        let declarations = vec![shared(&name, arguments), binding(&name, self.events(), key)];
        (name, declarations)
    }

    /// The queue of a tier for one subscriber. `owner` is a name that nobody else has and had.
    pub(crate) fn tier(&self, consumer: &str, tier: Tier, owner: &str) -> (String, Vec<Declaration>) {
        let name = self.name(&format!("{consumer}.{}.{owner}", tier.as_str()));
        let mut arguments = bounded(10_000, 64 << 20);
        arguments.insert("x-message-ttl".into(), millis(RUN_TTL));
        let key = format!("{}.*", tier.as_str());
        let declarations = vec![owned(&name, arguments), binding(&name, self.events(), key)];
        (name, declarations)
    }

    /// The queue of the retries of a partition that are due.
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

/// `to` one process, or to all.
pub(crate) fn signal_key(urgent: bool, to: Option<&str>) -> String {
    let tier = if urgent { Tier::High } else { Tier::Low };
    format!("{}.{}", tier.as_str(), to.unwrap_or("all"))
}

/// The pause is one of [`BACK_OFF`], or else the next longer one.
pub(crate) fn retry_key(pause: Duration, partition: Partition) -> String {
    let [.., longest] = BACK_OFF;
    let pause = BACK_OFF.into_iter().find(|fixed| *fixed >= pause).unwrap_or(longest);
    format!("{}.{}", pause.as_millis(), partition.0)
}

/// Makes sure that all of this stands. What stands otherwise than this version would declare it is used as it is, for
/// it works and may be in use by an older version; the operator is told once.
pub(crate) async fn ensure(link: &Link, what: &[Declaration], complaints: &Complaints) -> Result<(), LinkError> {
    let mut channel = link.channel().await?;
    for declaration in what {
        match within("declare", declaration.declare(&channel)).await {
            Err(LinkError::Lapin(error)) if stands_otherwise(&error) => {
                complaints.tell(declaration.name(), &error);
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

impl Complaints {
    fn tell(&self, name: &str, error: &lapin::Error) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
            let advice = "used as it is; delete it in RabbitMQ to have it declared anew";
            tracing::warn!(name, %error, "RabbitMQ has it declared otherwise: {advice}");
        }
    }
}

fn stands_otherwise(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error)
        if *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED))
}

fn shared(name: &str, arguments: FieldTable) -> Declaration {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    Declaration::Queue { name: name.to_owned(), options, arguments }
}

/// Gone with its consumer.
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
