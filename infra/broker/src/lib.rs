//! The broker: a fast hint of what was committed, and the carrier of signals (I11).
//!
//! Two engines behind one type, [`Broker`]: in-process lanes (the embedded default) and RabbitMQ. A
//! consumer never trusts the broker alone: [`Follower`] joins its hints with the store, so that what it yields is
//! complete and in order whatever the broker loses, doubles or shuffles.

mod broker;
mod chain;
mod faults;
mod follower;
mod health;
mod in_process;
mod order;
mod rabbitmq;
mod random;
mod retry;
mod signal;
mod stats;
mod subscription;

pub use broker::{Broker, Interest, Run};
pub use faults::Faults;
pub use follower::{Follower, Marks, Ordering};
pub use health::Health;
pub use in_process::InProcess;
pub use rabbitmq::{BrokerError, RabbitMq, RabbitSettings};
pub use retry::{BACK_OFF, DeadLetter, Retry, RetrySubscription};
pub use signal::{Signal, SignalSubscription};
pub use stats::{Stats, Traffic};
pub use subscription::Subscription;
