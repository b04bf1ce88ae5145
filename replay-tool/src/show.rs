//! The state of an aggregate, now or at an earlier moment: its stream, folded by the domain.

use crate::{arguments::Show, installation::Installation, outcome::Outcome, output::Output};
use anyhow::{Result, bail};
use event_store::{StateAt, StreamId};
use serde_json::json;

pub(crate) async fn run(installation: &Installation, output: &Output, show: &Show) -> Result<Outcome> {
    let stream = StreamId { aggregate: show.aggregate, id: show.id };
    let Some(StateAt { version, position, at, state, .. }) = installation.store.state_at(stream, show.at).await? else {
        bail!("{stream} has no events{}", if show.at.is_some() { " at or before that moment" } else { "" });
    };
    let document = json!({
        "aggregateType": show.aggregate.as_str(),
        "aggregateId": show.id,
        "version": version,
        "position": position,
        "at": at.to_string(),
        "state": state,
    });
    output.json(&document)?;
    output.text(format_args!("{document:#}"))?;
    Ok(Outcome::Clean)
}
