//! Messages through one queue of RabbitMQ: durable, confirmed to the publisher, and acknowledged by the consumer.

use crate::{board::Board, pace::Pace};
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable, LongString},
};
use serde_json::Value;
use std::{cell::RefCell, rc::Rc};
use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_local},
};

/// The most messages that the consumer has not acknowledged.
const PREFETCH: u16 = 256;
/// A message that outlives RabbitMQ.
const PERSISTENT: u8 = 2;

/// RabbitMQ alone.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rabbitmq {
    /// RabbitMQ.
    #[arg(long)]
    url: String,
    /// The type of the queue.
    #[arg(long, value_enum, default_value = "classic")]
    queue: Kind,
    /// The most messages outstanding in a closed load.
    #[arg(long, default_value_t = 200)]
    outstanding: usize,
    /// Bytes of each message.
    #[arg(long, default_value_t = 200)]
    content: usize,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Classic,
    Quorum,
}

impl Rabbitmq {
    pub(crate) async fn measure(self) -> Result<Value> {
        let Self { url, queue, outstanding, content, pace } = self;
        let name = format!("chatchit-limits-{}", std::process::id());
        // Two connections: one that publishes may be blocked.
        let [publishing, consuming] = [connect(&url).await?, connect(&url).await?];
        let (publisher, consumer) = (publishing.create_channel().await?, consuming.create_channel().await?);
        publisher.confirm_select(ConfirmSelectOptions::default()).await?;
        consumer.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        declare(&publisher, &name, queue).await?;
        let options = BasicConsumeOptions::default();
        let messages = consumer.basic_consume(name.as_str().into(), "".into(), options, FieldTable::default()).await?;
        let board = Rc::new(RefCell::new(Board::new(1)));
        let (order, ordered) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let again = pace.is_closed().then(|| order.clone());
        tasks.spawn_local(consume(messages, Rc::clone(&board), again));
        tasks.spawn_local(publish(publisher.clone(), name.clone(), content, Rc::clone(&board), ordered));
        let post = |sender: usize| {
            // An error: the publisher has ended, which is noticed below.
            let _ = order.send(sender);
        };
        let seconds = tokio::select! {
            seconds = pace.run(&board, outstanding, post) => seconds,
            Some(ended) = tasks.join_next() => return Err(ended?.err().context("a connection ended")?),
        };
        tasks.shutdown().await;
        publisher.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await?;
        let mode = if pace.is_closed() { "closed" } else { "open" };
        let report = board.replace(Board::new(1));
        Ok(report.report(&format!("RabbitMQ: one {queue:?} queue, {content} bytes, {mode}"), seconds))
    }
}

async fn connect(url: &str) -> Result<Connection> {
    Ok(Connection::connect(url, ConnectionProperties::default()).await?)
}

async fn declare(channel: &Channel, name: &str, kind: Kind) -> Result<()> {
    let mut arguments = FieldTable::default();
    let value = match kind {
        Kind::Classic => "classic",
        Kind::Quorum => "quorum",
    };
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from(value)));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, arguments).await?;
    Ok(())
}

/// Publishes on order, without waiting for confirmations. It never ends by itself.
async fn publish(
    channel: Channel,
    queue: String,
    content: usize,
    board: Rc<RefCell<Board>>,
    mut ordered: mpsc::UnboundedReceiver<usize>,
) -> Result<()> {
    let filler = "x".repeat(content.saturating_sub(9));
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    while let Some(sender) = ordered.recv().await {
        let number = board.borrow_mut().send(sender);
        let body = format!("{number:08} {filler}");
        let (exchange, options) = ("".into(), BasicPublishOptions::default());
        let published =
            channel.basic_publish(exchange, queue.as_str().into(), options, body.as_bytes(), properties.clone());
        let confirmation = published.await?;
        let board = Rc::clone(&board);
        spawn_local(async move {
            if confirmation.await.is_ok_and(|confirmation| confirmation.is_ack()) {
                board.borrow_mut().acknowledge(number);
            }
        });
    }
    Ok(())
}

/// Consumes and acknowledges. In a closed load the next message is ordered when one has arrived.
async fn consume(
    mut messages: Consumer,
    board: Rc<RefCell<Board>>,
    again: Option<mpsc::UnboundedSender<usize>>,
) -> Result<()> {
    while let Some(message) = messages.next().await {
        let message = message?;
        let digits = message.data.get(..8).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = digits.and_then(|digits| digits.parse::<usize>().ok()).context("a message without its number")?;
        let sender = board.borrow_mut().deliver(number);
        ensure!(message.ack(BasicAckOptions::default()).await?, "a message was acknowledged before");
        if let (Some(order), Some(sender)) = (&again, sender) {
            let _ = order.send(sender);
        }
    }
    Ok(())
}
