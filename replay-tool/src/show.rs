//! Shows an aggregate's state, now or as it was: its stream, folded by the domain's own code.

use crate::{Outcome, arguments::Show, output::Output, place::Place};
use anyhow::{Result, bail};
use event_store::{StateAt, StreamId};
use serde_json::json;

/// Prints the state.
pub(crate) async fn run(place: &Place, output: &Output, show: &Show) -> Result<Outcome> {
    let stream = StreamId { aggregate: show.aggregate, id: show.id };
    let Some(StateAt { version, position, at, state, .. }) = place.store.state_at(stream, show.at).await? else {
        bail!("{stream} has no event{}", if show.at.is_some() { " at or before that moment" } else { "" });
    };
    let document = json!({
        "aggregateType": show.aggregate.as_str(),
        "aggregateId": show.id,
        "version": version,
        "position": position,
        "at": at.to_string(),
        "state": state,
    });
    output.document(&document)?;
    output.say(format_args!("{document:#}"))?;
    Ok(Outcome::Well)
}
