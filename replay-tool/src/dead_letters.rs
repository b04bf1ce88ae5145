//! Parked events and reactions: lists them, has them tried again, gives them up for good (I15).

use crate::{
    Outcome,
    arguments::{DeadLetters, Letter, Named},
    output::Output,
    place::{Place, clock},
};
use anyhow::{Context, Result, ensure};
use event_store::{EventStore, ParkedReaction};
use projections::{Error, Parked, ParkedState, discard, list_parked, requeue};
use serde_json::{Value, json};
use sql::Database;

/// Reactions of one page.
const PAGE: u32 = 1_000;

/// Runs the sub-command.
pub(crate) async fn run(place: &Place, output: &Output, task: DeadLetters) -> Result<Outcome> {
    match task {
        DeadLetters::List => list(place, output).await,
        DeadLetters::Retry { id: Letter::One(Named::Reaction(id)) } => {
            ensure!(place.store.retry_reaction(&id).await?, "{id}: there is no such parked reaction");
            output.document(&[json!({ "id": id.to_string(), "applied": 0 })])?;
            output.say(format_args!("{id}: the server tries it again within seconds"))?;
            Ok(Outcome::Well)
        }
        DeadLetters::Retry { id } => retry(place, output, id).await,
        DeadLetters::Discard { id: Named::Reaction(id) } => {
            ensure!(place.store.discard_reaction(&id).await?, "{id}: there is no such parked reaction");
            output.document(&json!({ "id": id.to_string(), "applied": 0 }))?;
            output.say(format_args!("{id} given up"))?;
            Ok(Outcome::Well)
        }
        DeadLetters::Discard { id: Named::Event(id) } => {
            let read = place.expect_read()?;
            let through = discard(&place.store, read, id, clock).await.with_context(|| id.to_string())?;
            output.document(&json!({ "id": id.to_string(), "applied": through }))?;
            output.say(format_args!("{id} given up; {through} events behind it applied"))?;
            left_over(read).await
        }
    }
}

async fn list(place: &Place, output: &Output) -> Result<Outcome> {
    let parked = match place.read() {
        Some(read) => list_parked(read).await?,
        None => Vec::new(),
    };
    let reactions = reactions(&place.store).await?;
    let documents = parked.iter().map(document).chain(reactions.iter().map(reaction));
    output.document(&documents.collect::<Vec<_>>())?;
    for Parked { id, aggregate_type, aggregate_id, event_type, state, error, attempts, parked_at, retry_at } in &parked
    {
        let state = match (state, retry_at) {
            (ParkedState::Waiting, Some(at)) => format!("waiting for retry at {at}"),
            (ParkedState::Waiting | ParkedState::GivenUp, _) => "given up".to_owned(),
            (ParkedState::Unreadable, _) => UNREADABLE.to_owned(),
            (ParkedState::Behind, _) => "behind".to_owned(),
        };
        output.say(format_args!(
            "{id:<24} {state:<42} {event_type:<22} {aggregate_type}/{aggregate_id}  since {parked_at}  {attempts}x  {error}"
        ))?;
    }
    for ParkedReaction { id, aggregate_type, aggregate_id, event_type, error, attempts, parked_at, retry_at } in
        &reactions
    {
        let state = retry_at.map_or_else(|| UNREADABLE.to_owned(), |at| format!("waiting for retry at {at}"));
        let id = id.to_string();
        output.say(format_args!(
            "{id:<24} {state:<42} {event_type:<22} {aggregate_type}/{aggregate_id}  since {parked_at}  {attempts}x  {error}"
        ))?;
    }
    if parked.is_empty() && reactions.is_empty() {
        output.say("no events are parked")?;
    }
    Ok(Outcome::Well)
}

const UNREADABLE: &str = "waiting for a build that can read it";

async fn reactions(store: &EventStore) -> Result<Vec<ParkedReaction>> {
    let mut all: Vec<ParkedReaction> = Vec::new();
    loop {
        let last = all.last().map(|last| (last.id.position, format!("reactor.{}", last.id.reactor)));
        let after = last.as_ref().map(|(position, name)| (*position, name.as_str()));
        let page = store.parked_reactions(after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn reaction(parked: &ParkedReaction) -> Value {
    json!({
        "id": parked.id.to_string(),
        "projection": format!("reactor.{}", parked.id.reactor),
        "position": parked.id.position,
        "aggregateType": parked.aggregate_type,
        "aggregateId": parked.aggregate_id,
        "type": parked.event_type,
        "state": parked.state(),
        "error": parked.error,
        "attempts": parked.attempts,
        "parkedAt": parked.parked_at.to_string(),
        "retryAt": parked.retry_at.map(|at| at.to_string()),
    })
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
    let read = place.expect_read()?;
    let (ids, all) = match which {
        Letter::One(Named::Event(id)) => (vec![id], false),
        _ => {
            let poisonous = list_parked(read).await?.into_iter();
            let poisonous = poisonous.filter(|parked| parked.state != ParkedState::Behind).map(|parked| parked.id);
            (poisonous.collect(), true)
        }
    };
    let mut documents = Vec::new();
    for id in ids {
        let through = match requeue(&place.store, read, id, clock).await {
            // It was listed a moment ago: a worker was quicker.
            Err(Error::NotParked) if all => continue,
            through => through.with_context(|| id.to_string())?,
        };
        output.say(format_args!("{id}: {through} events applied"))?;
        documents.push(json!({ "id": id.to_string(), "applied": through }));
    }
    output.document(&documents)?;
    left_over(read).await
}

/// What is still parked is a difference between log and read models.
async fn left_over(read: &Database) -> Result<Outcome> {
    let is_empty = list_parked(read).await?.is_empty();
    Ok(if is_empty { Outcome::Well } else { Outcome::Different })
}
