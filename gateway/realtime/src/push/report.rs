//! A report folded up to one of its events, as rendered for its maker.

use super::opened::take;
use domain::{
    ReportId, Timestamp, UserId,
    report::{Report, ReportEvent},
};
use event_store::Record;
use protocol::resource;

/// A report folded up to one of its events.
#[derive(Clone, Debug, Default)]
pub(super) struct ReportFold {
    state: Report,
    created_at: Timestamp,
}

impl ReportFold {
    /// Whether it holds something of `user`'s.
    pub(super) fn concerns(&self, user: UserId) -> bool {
        self.state.filed().is_some_and(|filed| filed.reporter == user || filed.accused == user)
    }

    pub(super) fn apply(&mut self, record: &Record, event: &ReportEvent) {
        if matches!(event, ReportEvent::Filed { .. }) {
            self.created_at = record.recorded_at;
        }
        take(&mut self.state, event);
    }

    /// The resource; `None` for a stream without events.
    pub(super) fn resource(&self, id: ReportId) -> Option<resource::Report> {
        let filed = self.state.filed()?;
        let statement = filed.statement.as_ref();
        Some(resource::Report {
            id,
            reporter_id: filed.reporter,
            target: resource::ReportTarget::of(filed.target.kind(), filed.target.id(), filed.target.conversation()),
            accused_id: filed.accused,
            reason: statement.map(|statement| statement.reason.to_string()),
            notes: statement.and_then(|statement| statement.notes.as_ref()).map(ToString::to_string),
            status: self.state.status().as_str().to_owned(),
            rejected_reason: self.state.rejected_reason().map(ToString::to_string),
            created_at: self.created_at,
        })
    }
}
