//! Events as comma-separated values (RFC 4180): every cell quoted, and none that a spreadsheet takes for a formula.

use audit::AuditEvent;

/// The first line.
pub(super) const HEAD: &str = "position,at,aggregateType,aggregateId,sequence,type,version,scope,scopeSeq,tier,partition,\
    actorId,commandKey,correlationId,causationId,payload,metadata,digest\r\n";

/// The line of an event.
pub(super) fn line(event: &AuditEvent) -> String {
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let cells = [
        event.position.to_string(),
        event.at.to_string(),
        event.aggregate_type.clone(),
        event.aggregate_id.to_string(),
        event.sequence.to_string(),
        event.event_type.clone(),
        event.version.to_string(),
        event.scope.to_string(),
        event.scope_seq.to_string(),
        event.tier.to_owned(),
        event.partition.0.to_string(),
        id(event.actor_id),
        event.command_key.clone(),
        id(event.correlation_id),
        event.causation_id.map(|position| position.to_string()).unwrap_or_default(),
        event.payload.to_string(),
        event.metadata.to_string(),
        event.digest.clone(),
    ];
    let mut line = cells.map(|cell| quoted(&cell)).join(",");
    line.push_str("\r\n");
    line
}

/// What begins like a formula gets an apostrophe in front, which spreadsheets take for "this is text".
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_cell_is_quoted_and_no_formula() {
        for (cell, expected) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a,b\r\n\"c\"", "\"a,b\r\n\"\"c\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
        ] {
            assert_eq!(quoted(cell), expected);
        }
    }
}
