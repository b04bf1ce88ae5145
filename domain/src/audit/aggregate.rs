//! The state of a reading and the decision over it.

use super::{AuditError, AuditEvent, ReadAudit};
use crate::{Aggregate, AggregateType, UserId, handle_by_deciding, user::Role};
use serde::{Deserialize, Serialize};

/// One reading of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReading {
    by: Option<UserId>,
}

impl AuditReading {
    /// The reader; `None` before the reading is recorded.
    #[must_use]
    pub const fn by(&self) -> Option<UserId> {
        self.by
    }
}

impl Aggregate for AuditReading {
    const AGGREGATE: AggregateType = AggregateType::Audit;

    fn decide(&self, command: ReadAudit) -> Result<Vec<AuditEvent>, AuditError> {
        let ReadAudit { by, role, what, filters } = command;
        if role != Role::Admin {
            return Err(AuditError::AdminOnly);
        }
        if self.by.is_some() {
            return Err(AuditError::AlreadyRecorded);
        }
        Ok(vec![AuditEvent::Read { by, what, filters }])
    }
}

impl cqrs_es::Aggregate for AuditReading {
    const TYPE: &'static str = AggregateType::Audit.as_str();
    type Command = ReadAudit;
    type Event = AuditEvent;
    type Error = AuditError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: AuditEvent) {
        let AuditEvent::Read { by, .. } = event;
        self.by = Some(by);
    }
}
