//! The state of an account's conduct and the decisions over it.

use super::{ConductCommand, ConductError, ConductEvent, FORMULA};
use crate::{Aggregate, AggregateType, handle_by_deciding};
use serde::{Deserialize, Serialize};

/// The state of an account's conduct; its id is the account's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    refused: u64,
}

impl Conduct {
    /// The number of messages were refused as spam.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

impl Aggregate for Conduct {
    const AGGREGATE: AggregateType = AggregateType::Conduct;

    /// Only spam produces an event.
    fn decide(&self, command: ConductCommand) -> Result<Vec<ConductEvent>, ConductError> {
        let ConductCommand { user, conversation, inputs } = command;
        if !inputs.is_spam() {
            return Ok(vec![]);
        }
        let points = inputs.points();
        Ok(vec![ConductEvent::Judged { user, conversation, formula: FORMULA, inputs, points }])
    }
}

impl cqrs_es::Aggregate for Conduct {
    const TYPE: &'static str = AggregateType::Conduct.as_str();
    type Command = ConductCommand;
    type Event = ConductEvent;
    type Error = ConductError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: ConductEvent) {
        match event {
            ConductEvent::Judged { .. } => self.refused += 1,
        }
    }
}
