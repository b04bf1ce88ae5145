//! The caller of a request.

use domain::{SessionId, UserId};
use std::net::IpAddr;
use uuid::Uuid;

/// The caller of a request.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The device they are signed in with.
    pub session: SessionId,
    /// The name of the socket through which they ask; `None` over REST.
    pub socket: Option<Uuid>,
    /// Names this request in the log and the audit trail.
    pub correlation_id: Uuid,
    /// Their address, if it is known.
    pub ip: Option<IpAddr>,
}
