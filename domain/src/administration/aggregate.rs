//! The state of an act of administration and the decision over it.

use super::{AdministrationCommand, AdministrationError, AdministrationEvent};
use crate::{Aggregate, AggregateType, handle_by_deciding};
use serde::{Deserialize, Serialize};

/// The state of an act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administration {
    noted: bool,
}

impl Aggregate for Administration {
    const AGGREGATE: AggregateType = AggregateType::Administration;

    fn decide(&self, command: AdministrationCommand) -> Result<Vec<AdministrationEvent>, AdministrationError> {
        let AdministrationCommand::Note { by, act, target } = command;
        if self.noted {
            return Err(AdministrationError::AlreadyNoted);
        }
        Ok(vec![AdministrationEvent::Acted { by, act, target }])
    }
}

impl cqrs_es::Aggregate for Administration {
    const TYPE: &'static str = AggregateType::Administration.as_str();
    type Command = AdministrationCommand;
    type Event = AdministrationEvent;
    type Error = AdministrationError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, _: AdministrationEvent) {
        self.noted = true;
    }
}
