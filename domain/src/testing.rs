//! The start of every test of an aggregate: given these events.

use crate::{Aggregate, ConversationId, Timestamp, UserId};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

pub(crate) const ANA: UserId = UserId(Uuid::from_u128(1));
pub(crate) const BOB: UserId = UserId(Uuid::from_u128(2));
pub(crate) const CLEO: UserId = UserId(Uuid::from_u128(3));
pub(crate) const EVE: UserId = UserId(Uuid::from_u128(4));
pub(crate) const ROOM: ConversationId = ConversationId(Uuid::from_u128(10));

pub(crate) fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> AggregateTestExecutor<A> {
    TestFramework::with(()).given(events.into_iter().collect())
}

/// The time of a test.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000);

/// The state after these events.
pub(crate) fn state<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> A {
    events.into_iter().fold(A::default(), |mut state, event| {
        state.apply(event);
        state
    })
}
