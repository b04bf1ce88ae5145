//! Parked events: lists them, applies them again, gives them up for good (I15).

use crate::{
    Outcome,
    arguments::{DeadLetters, Letter},
    output::Output,
    place::{Place, clock},
};
use anyhow::{Context, Result};
use projections::{Error, Parked, ParkedState, discard, list_parked, requeue};
use serde_json::{Value, json};

/// Runs the sub-command.
pub(crate) async fn run(place: &Place, output: &Output, task: DeadLetters) -> Result<Outcome> {
    match task {
        DeadLetters::List => list(place, output).await,
        DeadLetters::Retry { id } => retry(place, output, id).await,
        DeadLetters::Discard { id } => {
            let through = discard(&place.store, &place.read, id, clock).await.with_context(|| id.to_string())?;
            output.document(&json!({ "id": id.to_string(), "applied": through }))?;
            output.say(format_args!("{id} given up; {through} events behind it applied"))?;
            left_over(place).await
        }
    }
}

async fn list(place: &Place, output: &Output) -> Result<Outcome> {
    let parked = list_parked(&place.read).await?;
    output.document(&parked.iter().map(document).collect::<Vec<_>>())?;
    for Parked { id, aggregate_type, aggregate_id, event_type, state, error, attempts, parked_at, retry_at } in &parked
    {
        let stream = format!("{aggregate_type}/{aggregate_id}");
        let state = match (state, retry_at) {
            (ParkedState::Waiting, Some(at)) => format!("waiting for retry at {at}"),
            (ParkedState::Waiting | ParkedState::GivenUp, _) => "given up".to_owned(),
            (ParkedState::Behind, _) => "behind".to_owned(),
        };
        output.say(format_args!(
            "{id:<24} {state:<42} {event_type:<22} {stream}  since {parked_at}  {attempts}x  {error}"
        ))?;
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
        "retryAt": parked.retry_at.map(|at| at.to_string()),
    })
}

async fn retry(place: &Place, output: &Output, which: Letter) -> Result<Outcome> {
    let ids = match which {
        Letter::One(id) => vec![id],
        Letter::All => {
            let poisonous = list_parked(&place.read).await?.into_iter();
            poisonous.filter(|parked| parked.state != ParkedState::Behind).map(|parked| parked.id).collect()
        }
    };
    let mut documents = Vec::new();
    for id in ids {
        let through = match requeue(&place.store, &place.read, id, clock).await {
            // It was listed a moment ago: a worker was quicker.
            Err(Error::NotParked) if matches!(which, Letter::All) => continue,
            through => through.with_context(|| id.to_string())?,
        };
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
