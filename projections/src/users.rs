//! The projection `users`: accounts and signed-in devices.

use crate::{ApplyError, Opened};
use domain::{
    Event,
    session::{EndReason, SessionEvent},
    user::{ProfileChanged, UserEvent},
};
use event_store::Record;
use sql::{Transaction, Value, query};

/// Registrations and sign-ins come first, in few statements: each is the first event of its stream, and what
/// may overtake it writes other columns.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    register(tx, events).await?;
    start_sessions(tx, events).await?;
    for Opened { record, event } in events {
        match event {
            Event::User(event) => change(tx, record, event).await?,
            Event::Session(SessionEvent::Ended { user, reason }) => {
                let sql = "INSERT INTO sessions (id, user_id, ended_at, end_reason) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, end_reason = excluded.end_reason";
                let ended = query(sql).bind(record.aggregate_id).bind(user.0).bind(record.recorded_at.millis());
                tx.execute(ended.bind(word(*reason))).await?;
            }
            _ => (),
        }
    }
    Ok(())
}

async fn register(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut rows = Vec::new();
    for Opened { record, event } in events {
        let Event::User(UserEvent::Registered { role, profile }) = event else { continue };
        let profile = profile.get();
        let first = profile.map(|profile| profile.first_name.as_str());
        let last = profile.map(|profile| profile.last_name.as_str());
        let preferences = profile.map(|profile| serde_json::to_string(&profile.preferences)).transpose()?;
        rows.push(vec![
            record.aggregate_id.into(),
            first.into(),
            last.into(),
            folded(first),
            folded(last),
            profile.map(|profile| profile.email.as_str()).into(),
            profile.map(|profile| profile.email.canonical()).into(),
            profile.and_then(|profile| profile.phone.as_ref()).map(|phone| phone.as_str()).into(),
            profile.and_then(|profile| profile.avatar_url.as_ref()).map(|url| url.as_str()).into(),
            preferences.unwrap_or_else(|| "{}".to_owned()).into(),
            role.as_str().into(),
            record.recorded_at.millis().into(),
        ]);
    }
    let head = "INSERT INTO users (id, first_name, last_name, first_name_folded, last_name_folded, email, email_folded, \
                phone, avatar_url, preferences, role, created_at) VALUES";
    let tail = "ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name, \
                first_name_folded = excluded.first_name_folded, last_name_folded = excluded.last_name_folded, \
                email = excluded.email, email_folded = excluded.email_folded, phone = excluded.phone, \
                avatar_url = excluded.avatar_url, preferences = excluded.preferences, role = excluded.role, \
                created_at = excluded.created_at";
    Ok(tx.insert(head, rows, tail).await?)
}

async fn start_sessions(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let started = events.iter().filter_map(|Opened { record, event }| {
        let Event::Session(SessionEvent::Started { user, device }) = event else { return None };
        let device = device.get();
        Some(vec![
            record.aggregate_id.into(),
            user.0.into(),
            device.and_then(|device| device.name.as_ref()).map(|name| name.as_str()).into(),
            device.and_then(|device| device.ip.as_deref()).into(),
            record.recorded_at.millis().into(),
        ])
    });
    let head = "INSERT INTO sessions (id, user_id, device_name, ip, started_at) VALUES";
    let tail = "ON CONFLICT (id) DO UPDATE SET device_name = excluded.device_name, ip = excluded.ip, \
                started_at = excluded.started_at";
    Ok(tx.insert(head, started.collect(), tail).await?)
}

async fn change(tx: &mut Transaction, record: &Record, event: &UserEvent) -> Result<(), ApplyError> {
    let blocked = match event {
        UserEvent::Registered { .. } => return Ok(()),
        UserEvent::Updated { changed } => return update(tx, record, changed.get()).await,
        UserEvent::Blocked => true,
        UserEvent::Unblocked => false,
        UserEvent::RoleChanged { role } => {
            let sql = "INSERT INTO users (id, changed_role) VALUES ($1, $2) \
                       ON CONFLICT (id) DO UPDATE SET changed_role = excluded.changed_role";
            tx.execute(query(sql).bind(record.aggregate_id).bind(role.as_str())).await?;
            return Ok(());
        }
    };
    let sql = "INSERT INTO users (id, is_blocked) VALUES ($1, $2) \
               ON CONFLICT (id) DO UPDATE SET is_blocked = excluded.is_blocked";
    tx.execute(query(sql).bind(record.aggregate_id).bind(blocked)).await?;
    Ok(())
}

async fn update(tx: &mut Transaction, record: &Record, changed: Option<&ProfileChanged>) -> Result<(), ApplyError> {
    let Some(changed) = changed else { return Ok(()) };
    let mut set: Vec<(&str, Value)> = Vec::new();
    if let Some(name) = &changed.first_name {
        set.push(("first_name", name.as_str().into()));
        set.push(("first_name_folded", folded(Some(name.as_str()))));
    }
    if let Some(name) = &changed.last_name {
        set.push(("last_name", name.as_str().into()));
        set.push(("last_name_folded", folded(Some(name.as_str()))));
    }
    if let Some(url) = &changed.avatar_url {
        set.push(("avatar_url", url.as_ref().map(|url| url.as_str()).into()));
    }
    if let Some(phone) = &changed.phone {
        set.push(("phone", phone.as_ref().map(|phone| phone.as_str()).into()));
    }
    if let Some(preferences) = &changed.preferences {
        set.push(("preferences", serde_json::to_string(preferences)?.into()));
    }
    if set.is_empty() {
        return Ok(());
    }
    let (columns, values): (Vec<_>, Vec<_>) = set.into_iter().unzip();
    let columns: Vec<_> = columns.iter().enumerate().map(|(n, column)| format!("{column} = ${}", n + 2)).collect();
    let sql = format!("UPDATE users SET {} WHERE id = $1", columns.join(", "));
    tx.execute(query(sql).bind(record.aggregate_id).bind_all(values)).await?;
    Ok(())
}

const fn word(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "logout",
        EndReason::Revoked => "revoked",
        EndReason::TokenReuse => "token_reuse",
    }
}

/// The form in which names are searched.
fn folded(name: Option<&str>) -> Value {
    name.map(str::to_lowercase).into()
}
