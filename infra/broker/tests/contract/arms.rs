//! The engines of the broker, and processes that share one RabbitMQ.

use broker::{Broker, RabbitSettings};
use domain::Timestamp;
use lapin::{Channel, Connection, ConnectionProperties, uri::AMQPUri};
use std::time::Duration;
use testkit::{Cable, Home, namespace, rabbitmq_url};
use uuid::Uuid;

/// The time of all clocks.
pub(crate) const NOW: i64 = 1_000;
/// The longest wait.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A broker on each engine with room for `capacity` runs and signals per listener.
pub(crate) fn arms(capacity: usize) -> Vec<Broker> {
    vec![Broker::in_process(capacity), Processes::new().with_capacity(capacity).join()]
}

/// Processes that share a log and a RabbitMQ.
pub(crate) struct Processes {
    pub(crate) settings: RabbitSettings,
}

impl Processes {
    pub(crate) fn new() -> Self {
        let settings = RabbitSettings {
            url: rabbitmq_url(),
            namespace: namespace(),
            log: Uuid::from_u128(7),
            partitions: 4,
            capacity: 1_000,
            clock: || Timestamp::from_millis(NOW),
        };
        Self { settings }
    }

    /// With the namespace of a home.
    pub(crate) fn of(home: &Home) -> Self {
        let mut processes = Self::new();
        processes.settings.namespace = home.namespace().to_owned();
        processes
    }

    pub(crate) fn with_capacity(self, capacity: usize) -> Self {
        Self { settings: RabbitSettings { capacity, ..self.settings } }
    }

    /// The same RabbitMQ behind a cable of its own.
    pub(crate) async fn behind_a_cable(&self) -> (Cable, Self) {
        let mut address: AMQPUri = self.settings.url.parse().unwrap();
        let cable = Cable::to(format!("{}:{}", address.authority.host, address.authority.port)).await;
        address.authority.host = cable.address().ip().to_string();
        address.authority.port = cable.address().port();
        (cable, Self { settings: RabbitSettings { url: address.to_string(), ..self.settings.clone() } })
    }

    /// A name in this namespace.
    pub(crate) fn name(&self, rest: &str) -> String {
        format!("{}.{rest}", self.settings.namespace)
    }

    /// A plain connection and channel.
    pub(crate) async fn amqp(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.settings.url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// The broker of another process.
    pub(crate) fn join(&self) -> Broker {
        Broker::rabbitmq(self.settings.clone()).unwrap()
    }

    /// The broker of another process, once it is connected.
    pub(crate) async fn join_up(&self) -> Broker {
        let broker = self.join();
        until("connected", || broker.health().is_up()).await;
        broker
    }
}

/// Waits until the condition is met.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    testkit::until(what, async || is_so()).await;
}

/// The result, before the deadline.
pub(crate) async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, coming).await.unwrap()
}
