//! The people and rooms of a run, appended in bulk to the log of a server that starts later: no password is hashed, and
//! tokens are signed with the server's future secret.

use super::seed::{Layout, Seat, Seeded};
use crate::server::{MASTER_KEY, SECRET, unique};
use anyhow::{Context as _, Result};
use domain::{
    AggregateType, ConversationId, Event, Personal, SessionId, Tier, UserId,
    conversation::{ConversationEvent, ConversationType, Settings as Named},
    session::{Device, SessionEvent},
    text::{DisplayName, EmailAddress, Title},
    user::{Preferences, Profile, Role, UserEvent},
};
use event_store::{Append, CommandKey, EventStore, Keys, NewEvent, Origin, Retention, Secret, Settings, StreamId};
use futures_util::future::try_join_all;
use sql::Location;
use std::time::Duration;
use tokens::Tokens;
use uuid::Uuid;

/// The lifetime of the tokens.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Appends signed-in people, their rooms and an administrator to an empty log.
pub(crate) async fn seed(location: Location, layout: &Layout) -> Result<Seeded> {
    let keys = Keys { master: MASTER_KEY };
    let (store, _committed) =
        EventStore::open(Settings { location, connections: 2, partitions: 16, keys, clock: clock::now }).await?;
    let tokens = Tokens::new(SECRET.as_bytes(), &[], LIFETIME);
    let sign = |(user, session): &(UserId, SessionId)| {
        tokens.issue(*user, *session, clock::now()).context("a token is not signed")
    };
    let Layout { places, is_direct } = layout;
    // One more than there are places.
    let people: Vec<_> = (0..=places.len()).map(|_| (UserId(clock::new_id()), SessionId(clock::new_id()))).collect();
    let run = unique();
    let role = |number| if number == places.len() { Role::Admin } else { Role::User };
    let accounts = people.iter().enumerate().map(|(number, person)| account(*person, role(number), run, number));
    append_all(&store, accounts.collect::<Result<_>>()?).await?;

    let mut members: Vec<Vec<UserId>> = vec![Vec::new(); layout.rooms()];
    for ((user, _), room) in people.iter().zip(places) {
        members[*room].push(*user);
    }
    let (mut rooms, mut appends) = (Vec::new(), Vec::new());
    for (number, members) in members.into_iter().enumerate() {
        let (id, append) = if *is_direct { direct(members)? } else { group(members, number)? };
        rooms.push(id);
        appends.push(append);
    }
    append_all(&store, appends).await?;

    let seat = |(person, room): (&(UserId, SessionId), usize)| {
        anyhow::Ok(Seat { id: person.0.to_string(), token: sign(person)?, room })
    };
    let admin = people.last().map(sign).transpose()?;
    let seats = people.iter().zip(places.iter().copied()).map(seat).collect::<Result<_>>()?;
    Ok(Seeded { seats, rooms: rooms.iter().map(ToString::to_string).collect(), admin })
}

async fn append_all(store: &EventStore, appends: Vec<Append>) -> Result<()> {
    try_join_all(appends.into_iter().map(|append| store.append(append))).await?;
    Ok(())
}

fn account((user, session): (UserId, SessionId), role: Role, run: u64, number: usize) -> Result<Append> {
    let profile = Profile {
        first_name: DisplayName::parse("Load")?,
        last_name: DisplayName::parse(&format!("User {number}"))?,
        email: EmailAddress::parse(&format!("load-{run:016x}-{number}@load.example"))?,
        phone: None,
        avatar_url: None,
        preferences: Preferences::default(),
    };
    let mut append = command(user, clock::new_id());
    append.secrets.push(Secret::DataKey { subject: user.0 });
    append.events = vec![
        first(AggregateType::User, user.0, UserEvent::Registered { role, profile: Personal::new(user, profile) }),
        first(
            AggregateType::Session,
            session.0,
            SessionEvent::Started { user, device: Personal::new(user, Device::default()), sign_outs: Some(0) },
        ),
    ];
    Ok(append)
}

fn group(members: Vec<UserId>, number: usize) -> Result<(ConversationId, Append)> {
    let named = Named { title: Some(Title::parse(&format!("Room {number}"))?), avatar_url: None };
    conversation(ConversationId(clock::new_id()), ConversationType::Group, members, named)
}

fn direct(members: Vec<UserId>) -> Result<(ConversationId, Append)> {
    let [one, other] = members[..] else { anyhow::bail!("a direct conversation has two members") };
    conversation(ConversationId::direct(one, other), ConversationType::Direct, members, Named::default())
}

fn conversation(
    id: ConversationId,
    conversation_type: ConversationType,
    members: Vec<UserId>,
    named: Named,
) -> Result<(ConversationId, Append)> {
    let [lead, ..] = members[..] else { anyhow::bail!("a room without members") };
    let created = ConversationEvent::Created {
        conversation_type,
        created_by: lead,
        members,
        settings: Personal::new(lead, named),
        approval: false,
        joining: None,
    };
    let mut append = command(lead, clock::new_id());
    append.events.push(first(AggregateType::Conversation, id.0, created));
    Ok((id, append))
}

fn first(aggregate: AggregateType, id: Uuid, event: impl Into<Event>) -> NewEvent {
    NewEvent { stream: StreamId::new(aggregate, id), sequence: 1, event: event.into() }
}

/// A command of an actor without events, guards, claims or secrets.
pub(crate) fn command(actor: UserId, key: Uuid) -> Append {
    Append {
        origin: Origin { actor: Some(actor.0), correlation_id: Some(key), causation_id: None },
        key: CommandKey { owner: actor.to_string(), key: key.to_string() },
        request_hash: [1; 32],
        retention: Retention::Week,
        tier: Tier::High,
        guards: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        events: Vec::new(),
    }
}
