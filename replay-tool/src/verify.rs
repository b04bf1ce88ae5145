//! Rebuilds read models in a shadow, and lists each row and column that differs from the live ones.

use crate::{
    arguments::{Verify, Which},
    installation::Installation,
    outcome::Outcome,
    output::Output,
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

pub(crate) async fn run(
    installation: &Installation,
    output: &Output,
    which: &Verify,
    token: CancellationToken,
) -> Result<Outcome> {
    let found = differences(installation, &which.projection, token).await?;
    let names = which.projection.names();
    output.json(&json!({ "projections": names, "rows": found.rows, "differences": found.documents() }))?;
    for sentence in found.sentences() {
        output.text(sentence)?;
    }
    let (names, rows, count) = (names.join(", "), found.rows, found.differences.len());
    if count == 0 {
        output.text(format_args!("{names}: {rows} rows compared, no difference"))?;
        return Ok(Outcome::Clean);
    }
    output.text(format_args!("{names}: {rows} rows compared, {count} differences"))?;
    Ok(Outcome::Different)
}

/// The result of a comparison.
pub(crate) struct Found {
    /// The number of rows compared.
    pub(crate) rows: u64,
    /// A sentence and a document each.
    differences: Vec<(String, Value)>,
}

impl Found {
    pub(crate) fn documents(&self) -> Vec<&Value> {
        self.differences.iter().map(|(_, document)| document).collect()
    }

    pub(crate) fn sentences(&self) -> Vec<String> {
        self.differences.iter().map(|(sentence, _)| sentence.clone()).collect()
    }
}

/// Compares the live read models with those of a replay.
pub(crate) async fn differences(
    installation: &Installation,
    Which { projections, audit }: &Which,
    token: CancellationToken,
) -> Result<Found> {
    let read = installation.expect_read()?;
    let (mut differences, mut rows) = (Vec::new(), 0);
    if !projections.is_empty() {
        let progress = Arc::new(Progress::new("verify", installation.store.head().await?.position));
        let reported = Arc::clone(&progress);
        let options =
            RebuildOptions { report: Box::new(move |done| reported.at(done)), ..RebuildOptions::new(clock::now) };
        let mut found = |difference| differences.push((sentence(&difference), document(&difference)));
        let store = &installation.store;
        let verified =
            verify(store, &installation.read_location, projections, options, token.clone(), &mut found).await;
        progress.finish();
        rows += verified?.rows;
    }
    if *audit {
        let progress = Progress::new("verify audit", installation.store.head().await?.position);
        let report = |done| progress.at(done);
        let mut found = |difference| differences.push(of_index(&difference));
        let index = AuditIndex::new(read.clone());
        let verified = audit::verify(&index, &installation.store, &token, &report, &mut found).await;
        progress.finish();
        rows += verified?;
    }
    Ok(Found { rows, differences })
}

/// The sentence and the document for a difference of the audit index.
fn of_index(difference: &AuditDifference) -> (String, Value) {
    let row = |position: &u64| format!("position={position}");
    let (row, kind, more) = match difference {
        AuditDifference::Alien => {
            let sentence = "audit_events belongs to another log or to another version".to_owned();
            return (sentence, json!({ "projection": audit::NAME, "table": "audit_events", "kind": "alien" }));
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
