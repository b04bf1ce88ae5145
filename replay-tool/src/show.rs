//! Shows an aggregate's state, now or as it was: its stream, folded by the domain's own code.

use crate::{Outcome, arguments::Show, output::Output, place::Place};
use anyhow::{Result, anyhow, bail};
use domain::{
    Aggregate, AggregateType, Event, administration::Administration, call::Call, conduct::Conduct,
    conversation::Conversation, file::File, friendship::Friendship, message::Message, own_settings::OwnSettings,
    read_marker::ReadMarker, report::Report, session::Session, story::Story, user::User,
};
use event_store::StreamId;
use serde::Serialize;
use serde_json::{Value, json};

/// Prints the state.
pub(crate) async fn run(place: &Place, output: &Output, show: &Show) -> Result<Outcome> {
    let stream = StreamId { aggregate: show.aggregate, id: show.id };
    let mut events = Vec::new();
    let mut last = None;
    for event in place.store.load(stream, 0).await? {
        if show.at.is_some_and(|at| !at.is_at_or_after(&event.record)) {
            break;
        }
        events.push(place.store.open_event(&event).await?.clone());
        last = Some(event);
    }
    let Some(last) = last else {
        bail!("{stream} has no event{}", if show.at.is_some() { " at or before that moment" } else { "" });
    };
    let state = match show.aggregate {
        AggregateType::User => fold::<User>(events),
        AggregateType::Session => fold::<Session>(events),
        AggregateType::Friendship => fold::<Friendship>(events),
        AggregateType::Conversation => fold::<Conversation>(events),
        AggregateType::Message => fold::<Message>(events),
        AggregateType::ReadMarker => fold::<ReadMarker>(events),
        AggregateType::Call => fold::<Call>(events),
        AggregateType::OwnSettings => fold::<OwnSettings>(events),
        AggregateType::File => fold::<File>(events),
        AggregateType::Conduct => fold::<Conduct>(events),
        AggregateType::Story => fold::<Story>(events),
        AggregateType::Report => fold::<Report>(events),
        AggregateType::Administration => fold::<Administration>(events),
    }?;
    let document = json!({
        "aggregateType": show.aggregate.as_str(),
        "aggregateId": show.id,
        "version": last.record.sequence,
        "position": last.record.position,
        "at": last.record.recorded_at.to_string(),
        "state": state,
    });
    output.document(&document)?;
    output.say(format_args!("{document:#}"))?;
    Ok(Outcome::Well)
}

fn fold<A: Aggregate + Serialize>(events: Vec<Event>) -> Result<Value> {
    let mut state = A::default();
    for event in events {
        let name = event.kind().name;
        let event = <A as cqrs_es::Aggregate>::Event::try_from(event);
        state.apply(event.map_err(|_| anyhow!("the stream contains {name}, which is of another aggregate"))?);
    }
    Ok(serde_json::to_value(state)?)
}
