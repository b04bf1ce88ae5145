//! The broker: notifies consumers of committed events, and carries signals (I11).
//!
//! Two engines behind one type, [`Broker`]: in-process lanes (the embedded default) and RabbitMQ. A consumer does not rely on
//! the broker alone: [`CatchUpSubscription`] combines notifications with reads of the store, so that it yields events completely and in
//! order although the broker may lose, double or reorder them.

mod broker;
mod catch_up;
mod chain;
mod faults;
mod health;
mod in_process;
mod marks;
mod order;
mod rabbitmq;
mod random;
mod retry;
mod run;
mod signal;
mod stats;
mod subscription;

pub use broker::Broker;
pub use catch_up::CatchUpSubscription;
pub use faults::Faults;
pub use health::Health;
pub use in_process::InProcess;
pub use marks::{Marks, Ordering};
pub use rabbitmq::{BrokerError, ProbeError, RabbitMq, RabbitSettings, probe};
pub use retry::{BACK_OFF, DeadLetter, Retry, RetrySubscription};
pub use run::{Interest, Run, Wake};
pub use signal::{Signal, SignalSubscription};
pub use stats::{Stats, Traffic, Waiting};
pub use subscription::Subscription;
