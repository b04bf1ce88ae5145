//! Parked events: lists them, applies them again, gives them up (I15).

use crate::{
    Outcome,
    arguments::{DeadLetters, Letter},
    output::Output,
    place::Place,
};
use anyhow::{Context, Result};
use projections::{Parked, ParkedId, ParkedState, discard, list_parked, requeue};
use serde_json::{Value, json};

/// Runs the sub-command.
pub(crate) async fn run(place: &Place, output: &Output, task: DeadLetters) -> Result<Outcome> {
    match task {
        DeadLetters::List => list(place, output).await,
        DeadLetters::Retry { id: Letter::One(id) } => retry(place, output, &[id]).await,
        DeadLetters::Retry { id: Letter::All } => {
            let poisonous = list_parked(&place.read).await?.into_iter();
            let poisonous = poisonous.filter(|parked| parked.state == ParkedState::Poison).map(|parked| parked.id);
            retry(place, output, &poisonous.collect::<Vec<_>>()).await
        }
        DeadLetters::Discard { id } => {
            let through = discard(&place.store, &place.read, id).await.with_context(|| id.to_string())?;
            output.document(&json!({ "id": id.to_string(), "applied": through }))?;
            output.say(format_args!("{id} given up; {through} events behind it applied"))?;
            left_over(place).await
        }
    }
}

async fn list(place: &Place, output: &Output) -> Result<Outcome> {
    let parked = list_parked(&place.read).await?;
    output.document(&parked.iter().map(document).collect::<Vec<_>>())?;
    for Parked { id, aggregate_type, aggregate_id, event_type, state, error, attempts, parked_at } in &parked {
        let state = state.as_str();
        let stream = format!("{aggregate_type}/{aggregate_id}");
        output.say(format_args!("{id:<24} {state:<7} {event_type:<22} {stream}  {parked_at}  {attempts}x  {error}"))?;
    }
    if parked.is_empty() {
        output.say("no events are parked")?;
    }
    Ok(Outcome::Well)
}

fn document(parked: &Parked) -> Value {
    json!({
        "id": parked.id.to_string(),
        "projection": parked.id.projection.name(),
        "position": parked.id.position,
        "aggregateType": parked.aggregate_type,
        "aggregateId": parked.aggregate_id,
        "type": parked.event_type,
        "state": parked.state.as_str(),
        "error": parked.error,
        "attempts": parked.attempts,
        "parkedAt": parked.parked_at.to_string(),
    })
}

async fn retry(place: &Place, output: &Output, ids: &[ParkedId]) -> Result<Outcome> {
    let mut documents = Vec::new();
    for id in ids {
        let through = requeue(&place.store, &place.read, *id).await.with_context(|| id.to_string())?;
        output.say(format_args!("{id}: {through} events applied"))?;
        documents.push(json!({ "id": id.to_string(), "applied": through }));
    }
    output.document(&documents)?;
    left_over(place).await
}

/// What is still parked is a difference between log and read models.
async fn left_over(place: &Place) -> Result<Outcome> {
    let is_empty = list_parked(&place.read).await?.is_empty();
    Ok(if is_empty { Outcome::Well } else { Outcome::Different })
}
