//! The aggregate: `cqrs-es`'s trait with a synchronous decision in front of it.

use crate::{AggregateType, Event, Refusal};

/// A consistency boundary: a state folded from one stream, and the decisions over it.
///
/// `cqrs_es::Aggregate::apply` folds; [`Aggregate::decide`] decides. The async `handle` that `cqrs-es`
/// asks for is [`handle_by_deciding!`](crate::handle_by_deciding) in every aggregate.
pub trait Aggregate: cqrs_es::Aggregate<Services = (), Event: Into<Event> + TryFrom<Event>, Error: Refusal> {
    /// The type of this aggregate.
    const AGGREGATE: AggregateType;

    /// Decides what follows from `command` in this state: events (none when nothing changes), or a refusal.
    ///
    /// # Errors
    /// The aggregate's typed refusal.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
}

/// The body of `cqrs_es::Aggregate::handle` for an aggregate that [decides](Aggregate::decide).
#[macro_export]
macro_rules! handle_by_deciding {
    () => {
        async fn handle(
            &mut self,
            command: Self::Command,
            (): &(),
            sink: &::cqrs_es::event_sink::EventSink<Self>,
        ) -> Result<(), Self::Error> {
            for event in $crate::Aggregate::decide(self, command)? {
                sink.write(event, self).await;
            }
            Ok(())
        }
    };
}
