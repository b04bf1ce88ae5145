//! The arms of the broker, and processes that share one RabbitMQ.

use broker::{Broker, RabbitSettings};
use domain::Timestamp;
use lapin::{Channel, Connection, ConnectionProperties, uri::AMQPUri};
use std::time::Duration;
use testkit::{Cable, Home, namespace, rabbitmq_url};
use uuid::Uuid;

/// What time it is.
pub(crate) const NOW: i64 = 1_000;
/// How long anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A broker of each arm that keeps `capacity` runs and signals for a listener.
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

    /// With names of the home's own.
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

    /// What a name is in this namespace.
    pub(crate) fn name(&self, rest: &str) -> String {
        format!("{}.{rest}", self.settings.namespace)
    }

    /// A connection and a channel as anybody may have them.
    pub(crate) async fn amqp(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.settings.url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// The broker of one more process.
    pub(crate) fn join(&self) -> Broker {
        Broker::rabbitmq(self.settings.clone()).unwrap()
    }

    /// The same, once it is connected.
    pub(crate) async fn join_up(&self) -> Broker {
        let broker = self.join();
        until("connected", || broker.health().is_up()).await;
        broker
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "it never was {what}");
}

/// What comes in time.
pub(crate) async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, coming).await.unwrap()
}
