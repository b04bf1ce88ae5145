//! Builds read models anew, aside, and names each row and column in which the live ones differ.

use crate::{
    Outcome,
    arguments::Verify,
    output::Output,
    place::{Place, clock},
    progress::Progress,
};
use anyhow::Result;
use projections::{
    Projection,
    rebuild::{Difference, DifferenceKind, RebuildOptions, verify},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Verifies.
pub(crate) async fn run(place: &Place, output: &Output, which: &Verify, token: CancellationToken) -> Result<Outcome> {
    let projections = &which.projection.0;
    let progress = Arc::new(Progress::new("verify", place.store.head().await?.position));
    let told = Arc::clone(&progress);
    let options = RebuildOptions { report: Box::new(move |done| told.at(done)), ..RebuildOptions::new(clock) };
    let mut differences = Vec::new();
    let mut found = |difference| differences.push(difference);
    let verified = verify(&place.store, &place.read_location, projections, options, token, &mut found).await;
    progress.finish();
    let verified = verified?;

    let names = projections.iter().copied().map(Projection::name).collect::<Vec<_>>();
    output.document(&json!({
        "projections": names,
        "rows": verified.rows,
        "differences": differences.iter().map(document).collect::<Vec<_>>(),
    }))?;
    for difference in &differences {
        output.say(sentence(difference))?;
    }
    let names = names.join(", ");
    if differences.is_empty() {
        output.say(format_args!("{names}: {} rows compared, no difference", verified.rows))?;
        return Ok(Outcome::Well);
    }
    output.say(format_args!("{names}: {} rows compared, {} differences", verified.rows, differences.len()))?;
    Ok(Outcome::Different)
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
