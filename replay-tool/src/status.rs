//! How far the log and each projection have come.

use crate::{
    Outcome,
    output::{Output, hex},
    place::Place,
};
use anyhow::Result;
use projections::{Progress, Projection, list_parked};
use serde_json::json;
use std::collections::BTreeMap;

/// Prints it.
pub(crate) async fn run(place: &Place, output: &Output) -> Result<Outcome> {
    let head = place.store.head().await?;
    let (mut lags, mut parked) = (BTreeMap::new(), Vec::new());
    if let Some(read) = place.read() {
        lags = Progress::new(place.store.clone(), read.clone()).lag().await?;
        parked = list_parked(read).await?;
    }
    let reactions = place.store.count_parked_reactions().await?;
    let parked_in = |projection| parked.iter().filter(|parked| parked.id.projection == projection).count();

    let incarnation = place.store.incarnation();
    let partitions = place.store.partitions();
    output.say(format_args!("log          {incarnation}, {partitions} partitions"))?;
    output.say(format_args!("head         {} {}", head.position, hex(&head.chain)))?;
    let mut projections = Vec::new();
    for projection in Projection::ALL {
        let lag = lags.get(&projection).copied().unwrap_or(head.position);
        let parked = parked_in(projection);
        let name = projection.name();
        let state = if lag == 0 { "up to date".to_owned() } else { format!("up to {lag} events behind") };
        output.say(format_args!("{name:<14} version {}  {state}, {parked} parked", projection.version()))?;
        let version = projection.version();
        projections.push(json!({ "name": name, "version": version, "lag": lag, "parked": parked }));
    }
    output.say(format_args!("reactions      {reactions} parked"))?;
    output.document(&json!({
        "parkedReactions": reactions,
        "incarnation": incarnation,
        "partitions": partitions,
        "head": { "position": head.position, "chain": hex(&head.chain) },
        "projections": projections,
    }))?;
    Ok(Outcome::Well)
}
