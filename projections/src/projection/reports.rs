//! The projection `reports`: reports to the moderators. All of its events are medium, so they come in order.

use crate::{ApplyError, Opened};
use domain::{
    Event, UserId,
    report::{ReportEvent, ReportStatus},
};
use event_store::Record;
use sql::{Transaction, query};

pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    for Opened { record, event } in events {
        match event {
            Event::Report(event @ ReportEvent::Filed { .. }) => file(tx, record, event).await?,
            Event::Report(ReportEvent::Resolved { by, .. }) => {
                decide(tx, record, ReportStatus::Resolved, *by, None).await?;
            }
            Event::Report(ReportEvent::Rejected { by, reason, .. }) => {
                let reason = reason.as_ref().and_then(|reason| reason.get()).map(|reason| reason.as_str());
                decide(tx, record, ReportStatus::Rejected, *by, reason).await?;
            }
            _ => (),
        }
    }
    Ok(())
}

async fn file(tx: &mut Transaction, record: &Record, event: &ReportEvent) -> Result<(), ApplyError> {
    let ReportEvent::Filed { reporter, target, accused, statement, evidence, digest, .. } = event else {
        return Ok(());
    };
    let statement = statement.get();
    let evidence = evidence.get().map(serde_json::to_string).transpose()?;
    let sql = "INSERT INTO reports (id, reporter_id, target_kind, target_id, conversation_id, accused_id, reason, notes, \
               evidence, digest, status, created_at, position) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let filed = query(sql)
        .bind(record.aggregate_id)
        .bind(reporter.0)
        .bind(target.kind())
        .bind(target.id())
        .bind(target.conversation().map(|conversation| conversation.0))
        .bind(accused.0)
        .bind(statement.map(|statement| statement.reason.as_str()))
        .bind(statement.and_then(|statement| statement.notes.as_ref()).map(|notes| notes.as_str()))
        .bind(evidence)
        .bind(digest.as_str())
        .bind(ReportStatus::Pending.as_str())
        .bind(record.recorded_at.millis())
        .bind(record.position);
    tx.execute(filed).await?;
    Ok(())
}

async fn decide(
    tx: &mut Transaction,
    record: &Record,
    status: ReportStatus,
    by: UserId,
    reason: Option<&str>,
) -> Result<(), ApplyError> {
    let sql = "UPDATE reports SET status = $2, decided_by = $3, decided_at = $4, rejected_reason = $5 WHERE id = $1";
    let decided = query(sql).bind(record.aggregate_id).bind(status.as_str()).bind(by.0);
    tx.execute(decided.bind(record.recorded_at.millis()).bind(reason)).await?;
    Ok(())
}
