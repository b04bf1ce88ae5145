//! Parked events and reactions: lists, retries and discards them (I15).

use crate::{
    arguments::{DeadLetters, Letter, Named},
    installation::Installation,
    outcome::Outcome,
    output::Output,
};
use anyhow::{Context, Result, ensure};
use event_store::{EventStore, ParkedReaction};
use projections::{Error, Parked, ParkedState, discard, list_parked, requeue};
use serde_json::{Value, json};
use sql::Database;

/// Reactions read per page.
const PAGE: u32 = 1_000;

pub(crate) async fn run(installation: &Installation, output: &Output, task: DeadLetters) -> Result<Outcome> {
    match task {
        DeadLetters::List => list(installation, output).await,
        DeadLetters::Retry { id: Letter::One(Named::Reaction(id)) } => {
            ensure!(installation.store.retry_reaction(&id).await?, "{id}: there is no such parked reaction");
            output.json(&[json!({ "id": id.to_string(), "applied": 0 })])?;
            output.text(format_args!("{id}: the server retries it within seconds"))?;
            Ok(Outcome::Clean)
        }
        DeadLetters::Retry { id } => retry(installation, output, id).await,
        DeadLetters::Discard { id: Named::Reaction(id) } => {
            ensure!(installation.store.discard_reaction(&id).await?, "{id}: there is no such parked reaction");
            output.json(&json!({ "id": id.to_string(), "applied": 0 }))?;
            output.text(format_args!("{id} discarded"))?;
            Ok(Outcome::Clean)
        }
        DeadLetters::Discard { id: Named::Event(id) } => {
            let read = installation.expect_read()?;
            let through = discard(&installation.store, read, id, clock::now).await.with_context(|| id.to_string())?;
            output.json(&json!({ "id": id.to_string(), "applied": through }))?;
            output.text(format_args!("{id} discarded; {through} events behind it applied"))?;
            remaining(read).await
        }
    }
}

async fn list(installation: &Installation, output: &Output) -> Result<Outcome> {
    let parked = match installation.read() {
        Some(read) => list_parked(read).await?,
        None => Vec::new(),
    };
    let reactions = reactions(&installation.store).await?;
    let documents = parked.iter().map(document).chain(reactions.iter().map(reaction));
    output.json(&documents.collect::<Vec<_>>())?;
    for Parked { id, aggregate_type, aggregate_id, event_type, state, error, attempts, parked_at, retry_at } in &parked
    {
        let state = match (state, retry_at) {
            (ParkedState::Waiting, Some(at)) => format!("waiting for retry at {at}"),
            (ParkedState::Waiting | ParkedState::GivenUp, _) => "given up".to_owned(),
            (ParkedState::Unreadable, _) => UNREADABLE.to_owned(),
            (ParkedState::Behind, _) => "behind".to_owned(),
        };
        output.text(format_args!(
            "{id:<24} {state:<42} {event_type:<22} {aggregate_type}/{aggregate_id}  since {parked_at}  {attempts}x  {error}"
        ))?;
    }
    for ParkedReaction { id, aggregate_type, aggregate_id, event_type, error, attempts, parked_at, retry_at } in
        &reactions
    {
        let state = retry_at.map_or_else(|| UNREADABLE.to_owned(), |at| format!("waiting for retry at {at}"));
        let id = id.to_string();
        output.text(format_args!(
            "{id:<24} {state:<42} {event_type:<22} {aggregate_type}/{aggregate_id}  since {parked_at}  {attempts}x  {error}"
        ))?;
    }
    if parked.is_empty() && reactions.is_empty() {
        output.text("no events are parked")?;
    }
    Ok(Outcome::Clean)
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

async fn retry(installation: &Installation, output: &Output, which: Letter) -> Result<Outcome> {
    let read = installation.expect_read()?;
    let (ids, all) = match which {
        Letter::One(Named::Event(id)) => (vec![id], false),
        _ => {
            let failed = list_parked(read).await?.into_iter();
            let failed = failed.filter(|parked| parked.state != ParkedState::Behind).map(|parked| parked.id);
            (failed.collect(), true)
        }
    };
    let mut documents = Vec::new();
    for id in ids {
        let through = match requeue(&installation.store, read, id, clock::now).await {
            // A worker released it after it was listed.
            Err(Error::NotParked) if all => continue,
            through => through.with_context(|| id.to_string())?,
        };
        output.text(format_args!("{id}: {through} events applied"))?;
        documents.push(json!({ "id": id.to_string(), "applied": through }));
    }
    output.json(&documents)?;
    remaining(read).await
}

/// An event that is still parked is a difference between log and read models.
async fn remaining(read: &Database) -> Result<Outcome> {
    let is_empty = list_parked(read).await?.is_empty();
    Ok(if is_empty { Outcome::Clean } else { Outcome::Different })
}
