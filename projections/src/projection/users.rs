//! The projection `users`: accounts and signed-in devices.

use super::user_words;
use crate::{ApplyError, Opened};
use domain::{
    Event,
    session::SessionEvent,
    user::{ProfileChanged, UserEvent},
};
use event_store::Record;
use queries::padded;
use sql::{Transaction, Value, placeholders, query};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Registrations and sign-ins come first, in few statements. Each is the first event of its stream, and an event that
/// may overtake it writes other columns.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    register(tx, events).await?;
    start_sessions(tx, events).await?;
    let mut touched = BTreeSet::new();
    for Opened { record, event } in events {
        match event {
            Event::User(event) => {
                change(tx, record, event).await?;
                touched.insert(record.aggregate_id);
            }
            Event::Session(SessionEvent::Started { user, .. }) => {
                touched.insert(user.0);
            }
            Event::Session(SessionEvent::Ended { user, reason }) => {
                let sql = "INSERT INTO sessions (id, user_id, ended_at, end_reason) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, end_reason = excluded.end_reason";
                let ended = query(sql).bind(record.aggregate_id).bind(user.0).bind(record.recorded_at.millis());
                tx.execute(ended.bind(reason.as_str())).await?;
            }
            _ => (),
        }
    }
    user_words::apply(tx, events).await?;
    forget(tx, touched.into_iter().collect()).await
}

/// Removes the content of erased accounts again: an erasure (high) may have overtaken medium events that it covers.
async fn forget(tx: &mut Transaction, users: Vec<Uuid>) -> Result<(), ApplyError> {
    let ids = padded(&users);
    if ids.is_empty() {
        return Ok(());
    }
    let named = placeholders(1, ids.len());
    let account = format!(
        "UPDATE users SET first_name = NULL, last_name = NULL, first_name_folded = NULL, last_name_folded = NULL, \
         email = NULL, email_folded = NULL, phone = NULL, avatar_url = NULL, preferences = '{{}}' \
         WHERE erased_at IS NOT NULL AND id IN ({named})"
    );
    tx.execute(query(account).bind_all(ids.iter().copied())).await?;
    let of_erased = format!("user_id IN (SELECT id FROM users WHERE erased_at IS NOT NULL AND id IN ({named}))");
    let devices = format!("UPDATE sessions SET device_name = NULL, ip = NULL WHERE {of_erased}");
    tx.execute(query(devices).bind_all(ids.iter().copied())).await?;
    tx.execute(query(format!("DELETE FROM user_words WHERE {of_erased}")).bind_all(ids)).await?;
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
        let Event::Session(SessionEvent::Started { user, device, .. }) = event else { return None };
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
    let at = record.recorded_at.millis();
    match event {
        UserEvent::Registered { .. } | UserEvent::PasswordChanged { .. } => Ok(()),
        UserEvent::Updated { changed } => update(tx, record, changed.get()).await,
        UserEvent::Blocked => set(tx, record, "is_blocked", true.into()).await,
        UserEvent::Unblocked => set(tx, record, "is_blocked", false.into()).await,
        UserEvent::RoleChanged { role } => set(tx, record, "changed_role", role.as_str().into()).await,
        UserEvent::Deactivated => set(tx, record, "deactivated_at", at.into()).await,
        UserEvent::Reactivated => set(tx, record, "deactivated_at", None::<i64>.into()).await,
        UserEvent::Erased => {
            set(tx, record, "erased_at", at.into()).await?;
            // Their other content is removed once all projections have passed this event.
            let sql = "INSERT INTO erasures (user_id, position, erased_at) VALUES ($1, $2, $3) \
                       ON CONFLICT (user_id) DO UPDATE SET passes = 0";
            tx.execute(query(sql).bind(record.aggregate_id).bind(record.position).bind(at)).await?;
            Ok(())
        }
    }
}

/// Sets a column that only high events set.
async fn set(tx: &mut Transaction, record: &Record, column: &'static str, value: Value) -> Result<(), ApplyError> {
    let sql = format!(
        "INSERT INTO users (id, {column}) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}"
    );
    tx.execute(query(sql).bind(record.aggregate_id).bind(value)).await?;
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

/// The form in which names are searched.
fn folded(name: Option<&str>) -> Value {
    name.map(str::to_lowercase).into()
}
