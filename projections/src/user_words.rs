//! The words of names, of the projection `users`: people are found by how a word of their name begins.

use crate::{ApplyError, Opened, words::words};
use domain::{Event, text::DisplayName, user::UserEvent};
use sql::{Transaction, Value, query};
use std::collections::BTreeSet;
use uuid::Uuid;

const HEAD: &str = "INSERT INTO user_words (user_id, field, word) VALUES";

/// Writes what follows from events. A registration is the first of its stream.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut rows = Vec::new();
    for Opened { record, event } in events {
        if let Event::User(UserEvent::Registered { profile, .. }) = event
            && let Some(profile) = profile.get()
        {
            rows.extend(of_name(record.aggregate_id, "first", &profile.first_name));
            rows.extend(of_name(record.aggregate_id, "last", &profile.last_name));
        }
    }
    tx.insert(HEAD, rows, "").await?;
    for Opened { record, event } in events {
        let Event::User(UserEvent::Updated { changed }) = event else { continue };
        let Some(changed) = changed.get() else { continue };
        for (field, name) in [("first", &changed.first_name), ("last", &changed.last_name)] {
            let Some(name) = name else { continue };
            let sql = "DELETE FROM user_words WHERE user_id = $1 AND field = $2";
            tx.execute(query(sql).bind(record.aggregate_id).bind(field)).await?;
            tx.insert(HEAD, of_name(record.aggregate_id, field, name).collect(), "").await?;
        }
    }
    Ok(())
}

fn of_name(user: Uuid, field: &'static str, name: &DisplayName) -> impl Iterator<Item = Vec<Value>> + use<> {
    let distinct: BTreeSet<_> = words(name.as_str()).into_iter().map(|word| word.folded).collect();
    distinct.into_iter().map(move |word| vec![user.into(), field.into(), word.into()])
}
