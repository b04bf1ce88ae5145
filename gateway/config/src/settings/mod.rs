//! Settings that belong together, for the parts of the server that take them.

mod calls;
mod files;
mod monitoring;
mod password;
mod sockets;
mod traces;

pub use calls::CallSettings;
pub use files::{Bucket, FileSettings};
pub use monitoring::{AlertThreshold, AlertWebhook, MonitoringSettings};
pub use password::PasswordCost;
pub use sockets::SocketSettings;
pub use traces::TraceSettings;
