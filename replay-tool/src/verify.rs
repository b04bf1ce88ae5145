//! Builds read models anew, aside, and names each row and column in which the live ones differ.

use crate::{
    Outcome,
    arguments::{Verify, Which},
    output::Output,
    place::{Place, clock},
    progress::Progress,
};
use anyhow::Result;
use projections::{
    audit::{self, AuditDifference, AuditIndex},
    rebuild::{Difference, DifferenceKind, RebuildOptions, verify},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Verifies.
pub(crate) async fn run(place: &Place, output: &Output, which: &Verify, token: CancellationToken) -> Result<Outcome> {
    let Which { projections, audit } = &which.projection;
    let read = place.expect_read()?;
    let (mut differences, mut rows) = (Vec::new(), 0);
    if !projections.is_empty() {
        let progress = Arc::new(Progress::new("verify", place.store.head().await?.position));
        let told = Arc::clone(&progress);
        let options = RebuildOptions { report: Box::new(move |done| told.at(done)), ..RebuildOptions::new(clock) };
        let mut found = |difference| differences.push((sentence(&difference), document(&difference)));
        let store = &place.store;
        let verified = verify(store, &place.read_location, projections, options, token.clone(), &mut found).await;
        progress.finish();
        rows += verified?.rows;
    }
    if *audit {
        let progress = Progress::new("verify audit", place.store.head().await?.position);
        let report = |done| progress.at(done);
        let mut found = |difference| differences.push(of_index(&difference));
        let index = AuditIndex::new(read.clone());
        let verified = audit::verify(&index, &place.store, &token, &report, &mut found).await;
        progress.finish();
        rows += verified?;
    }

    let names = which.projection.names();
    output.document(&json!({
        "projections": names,
        "rows": rows,
        "differences": differences.iter().map(|(_, document)| document).collect::<Vec<_>>(),
    }))?;
    for (sentence, _) in &differences {
        output.say(sentence)?;
    }
    let names = names.join(", ");
    if differences.is_empty() {
        output.say(format_args!("{names}: {rows} rows compared, no difference"))?;
        return Ok(Outcome::Well);
    }
    output.say(format_args!("{names}: {rows} rows compared, {} differences", differences.len()))?;
    Ok(Outcome::Different)
}

/// A sentence and a document about a row of the audit index.
fn of_index(difference: &AuditDifference) -> (String, Value) {
    let row = |position: &u64| format!("position={position}");
    let (row, kind, more) = match difference {
        AuditDifference::Alien => {
            let told = "audit_events is of another log, or of another version".to_owned();
            return (told, json!({ "projection": audit::NAME, "table": "audit_events", "kind": "alien" }));
        }
        AuditDifference::Missing(position) => (row(position), "missing", "is missing".to_owned()),
        AuditDifference::Surplus(position) => (row(position), "surplus", "should not be there".to_owned()),
        AuditDifference::Column { position, name, wanted, found } => {
            (row(position), "column", format!("{name} is {found} and should be {wanted}"))
        }
    };
    let mut document = json!({ "projection": audit::NAME, "table": "audit_events", "row": row, "kind": kind });
    if let AuditDifference::Column { name, wanted, found, .. } = difference {
        (document["column"], document["wanted"], document["found"]) =
            ((*name).into(), wanted.as_str().into(), found.as_str().into());
    }
    (format!("audit_events ({row}) {more}"), document)
}

fn sentence(Difference { table, row, kind, .. }: &Difference) -> String {
    match kind {
        DifferenceKind::Missing => format!("{table} ({row}) is missing"),
        DifferenceKind::Surplus => format!("{table} ({row}) should not be there"),
        DifferenceKind::Column { name, wanted, found } => {
            format!("{table} ({row}): {name} is {found} and should be {wanted}")
        }
    }
}

fn document(Difference { projection, table, row, kind }: &Difference) -> Value {
    let mut document = json!({ "projection": projection.name(), "table": table, "row": row });
    let (word, more) = match kind {
        DifferenceKind::Missing => ("missing", json!({})),
        DifferenceKind::Surplus => ("surplus", json!({})),
        DifferenceKind::Column { name, wanted, found } => {
            ("column", json!({ "column": name, "wanted": wanted, "found": found }))
        }
    };
    document["kind"] = word.into();
    for (name, value) in more.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
    document
}
