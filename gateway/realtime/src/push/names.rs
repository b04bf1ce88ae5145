//! The pushes that this crate treats in a way of their own, by name. A name that no event has does not compile (ADR 35).

use domain::EventType;

pub(super) const CALL_ANSWERED: &str = named("call.answered");
pub(super) const CALL_CLOSED: &str = named("call.closed");
pub(super) const CALL_LEFT: &str = named("call.left");
pub(super) const CALL_MISSED: &str = named("call.missed");
pub(super) const CALL_REFUSED: &str = named("call.refused");
pub(super) const CALL_RINGING: &str = named("call.ringing");
pub(super) const MEMBER_ADDED: &str = named("member.added");
pub(super) const MEMBER_APPROVED: &str = named("member.approved");
pub(super) const MEMBER_JOINED: &str = named("member.joined");
pub(super) const MESSAGE_DELETED: &str = named("message.deleted");
pub(crate) const MESSAGE_HIDDEN: &str = named("message.hidden");
pub(super) const MESSAGE_SENT: &str = named("message.sent");
pub(super) const RECEIPT_READ: &str = named("receipt.read");

/// The name of an event type, and of its push.
const fn named(name: &str) -> &'static str {
    let known = EventType::named(name);
    assert!(known.push.is_some(), "it is pushed");
    known.name
}
