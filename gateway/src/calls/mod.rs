//! What calls need beside commands: who is there to hear one ring, servers that help media through, a bound on
//! signalling, and duties that end what nobody else ends.

mod duties;
mod ice;
mod rates;
mod settings;
mod signal;
mod somebody;

pub(crate) use duties::CallDuties;
pub use ice::{IceServer, IceServers};
pub use rates::SignalRates;
pub use settings::CallSettings;
pub use signal::{CallSignal, MAX_PAYLOAD, SignalKind};
