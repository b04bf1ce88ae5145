//! The people and rooms of a run, appended in bulk to the log of a server that is about to start: no password is
//! hashed, and their tokens are signed with the secret the server will have.

use super::seed::{Seat, Seeded};
use crate::{
    append::{clock, command, new_id},
    server::{MASTER_KEY, SECRET, unique},
};
use anyhow::{Result, anyhow};
use domain::{
    AggregateType, ConversationId, Event, Personal, SessionId, UserId,
    conversation::{ConversationEvent, ConversationType, Settings as Named},
    session::{Device, SessionEvent},
    text::{DisplayName, EmailAddress, Title},
    user::{Preferences, Profile, Role, UserEvent},
};
use event_store::{Append, EventStore, Keys, NewEvent, Secret, Settings, StreamId};
use futures_util::future::try_join_all;
use gateway::auth::Tokens;
use sql::Location;
use std::time::Duration;
use uuid::Uuid;

/// How long the tokens are good.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Appends `users` signed-in people and a group for each `room` of them to the empty log at `location`.
pub(crate) async fn seed(location: Location, users: usize, room: usize) -> Result<Seeded> {
    let keys = Keys { master: MASTER_KEY };
    let (store, _committed) =
        EventStore::open(Settings { location, connections: 2, partitions: 16, keys, clock }).await?;
    let tokens = Tokens::new(SECRET.as_bytes(), &[], LIFETIME);
    let people: Vec<_> = (0..users).map(|_| (UserId(new_id()), SessionId(new_id()))).collect();
    let run = unique();
    let accounts = people.iter().enumerate().map(|(number, (user, session))| account(*user, *session, run, number));
    append_all(&store, accounts.collect::<Result<_>>()?).await?;

    let rooms: Vec<_> = people.chunks(room).map(|_| ConversationId(new_id())).collect();
    let groups = people.chunks(room).zip(&rooms).enumerate();
    let groups =
        groups.map(|(number, (members, id))| group(*id, members.iter().map(|(user, _)| *user).collect(), number));
    append_all(&store, groups.collect::<Result<_>>()?).await?;

    let seat = |(number, (user, session)): (usize, &(UserId, SessionId))| {
        let token = tokens.issue(*user, *session, clock()).map_err(|problem| anyhow!("{problem:?}"))?;
        Ok(Seat { id: user.to_string(), token, room: number / room })
    };
    let seats = people.iter().enumerate().map(seat).collect::<Result<_>>()?;
    Ok(Seeded { seats, rooms: rooms.iter().map(ToString::to_string).collect() })
}

async fn append_all(store: &EventStore, appends: Vec<Append>) -> Result<()> {
    try_join_all(appends.into_iter().map(|append| store.append(append))).await?;
    Ok(())
}

fn account(user: UserId, session: SessionId, run: u64, number: usize) -> Result<Append> {
    let profile = Profile {
        first_name: DisplayName::parse("Load")?,
        last_name: DisplayName::parse(&format!("User {number}"))?,
        email: EmailAddress::parse(&format!("load-{run:016x}-{number}@load.example"))?,
        phone: None,
        avatar_url: None,
        preferences: Preferences::default(),
    };
    let mut append = command(user, new_id());
    append.secrets.push(Secret::DataKey { subject: user.0 });
    append.events = vec![
        first(
            AggregateType::User,
            user.0,
            UserEvent::Registered { role: Role::User, profile: Personal::new(user, profile) },
        ),
        first(
            AggregateType::Session,
            session.0,
            SessionEvent::Started { user, device: Personal::new(user, Device::default()) },
        ),
    ];
    Ok(append)
}

fn group(id: ConversationId, members: Vec<UserId>, number: usize) -> Result<Append> {
    let [lead, ..] = members[..] else { anyhow::bail!("a room without members") };
    let named = Named { title: Some(Title::parse(&format!("Room {number}"))?), avatar_url: None };
    let created = ConversationEvent::Created {
        conversation_type: ConversationType::Group,
        created_by: lead,
        members,
        settings: Personal::new(lead, named),
        approval: false,
    };
    let mut append = command(lead, new_id());
    append.events.push(first(AggregateType::Conversation, id.0, created));
    Ok(append)
}

fn first(aggregate: AggregateType, id: Uuid, event: impl Into<Event>) -> NewEvent {
    NewEvent { stream: StreamId::new(aggregate, id), sequence: 1, event: event.into() }
}
