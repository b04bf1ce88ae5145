//! The head of the log and the lag of each projection.

use crate::{installation::Installation, outcome::Outcome, output::Output};
use anyhow::Result;
use domain::hex;
use projections::{Progress, Projection, list_parked};
use serde_json::json;
use std::collections::BTreeMap;

pub(crate) async fn run(installation: &Installation, output: &Output) -> Result<Outcome> {
    let head = installation.store.head().await?;
    let (mut lags, mut parked) = (BTreeMap::new(), Vec::new());
    if let Some(read) = installation.read() {
        lags = Progress::new(installation.store.clone(), read.clone()).lag().await?;
        parked = list_parked(read).await?;
    }
    let reactions = installation.store.count_parked_reactions().await?;
    let parked_in = |projection| parked.iter().filter(|parked| parked.id.projection == projection).count();

    let incarnation = installation.store.incarnation();
    let partitions = installation.store.partitions();
    output.text(format_args!("log          {incarnation}, {partitions} partitions"))?;
    output.text(format_args!("head         {} {}", head.position, hex::encode(&head.chain)))?;
    let mut projections = Vec::new();
    for projection in Projection::ALL {
        let lag = lags.get(&projection).copied().unwrap_or(head.position);
        let parked = parked_in(projection);
        let name = projection.name();
        let state = if lag == 0 { "up to date".to_owned() } else { format!("up to {lag} events behind") };
        output.text(format_args!("{name:<14} version {}  {state}, {parked} parked", projection.version()))?;
        let version = projection.version();
        projections.push(json!({ "name": name, "version": version, "lag": lag, "parked": parked }));
    }
    output.text(format_args!("reactions      {reactions} parked"))?;
    output.json(&json!({
        "parkedReactions": reactions,
        "incarnation": incarnation,
        "partitions": partitions,
        "head": { "position": head.position, "chain": hex::encode(&head.chain) },
        "projections": projections,
    }))?;
    Ok(Outcome::Clean)
}
