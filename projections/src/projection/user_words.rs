//! The words of names, in the projection `users`: people are found by the beginnings of words.

use crate::{ApplyError, Opened};
use domain::{Event, user::UserEvent};
use sql::{Transaction, Value, query};
use std::collections::BTreeSet;
use uuid::Uuid;
use words::{Kind, VERSION, each_word};

const HEAD: &str = "INSERT INTO user_words (user_id, field, word) VALUES";

/// Applies events. A registration is the first event of its stream.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut rows = Vec::new();
    for Opened { record, event } in events {
        if let Event::User(UserEvent::Registered { profile, .. }) = event
            && let Some(profile) = profile.get()
        {
            rows.extend(of_name(record.aggregate_id, "first", profile.first_name.as_str()));
            rows.extend(of_name(record.aggregate_id, "last", profile.last_name.as_str()));
        }
    }
    tx.insert(HEAD, rows, "").await?;
    for Opened { record, event } in events {
        let Event::User(UserEvent::Updated { changed }) = event else { continue };
        let Some(changed) = changed.get() else { continue };
        for (field, name) in [("first", &changed.first_name), ("last", &changed.last_name)] {
            let Some(name) = name else { continue };
            replace(tx, record.aggregate_id, field, name.as_str()).await?;
        }
    }
    Ok(())
}

/// Replaces the words of a name. field: `first` or `last`.
pub(crate) async fn replace(
    tx: &mut Transaction,
    user: Uuid,
    field: &'static str,
    name: &str,
) -> Result<(), sql::Error> {
    let sql = "DELETE FROM user_words WHERE user_id = $1 AND field = $2";
    tx.execute(query(sql).bind(user).bind(field)).await?;
    tx.insert(HEAD, of_name(user, field, name).collect(), "").await
}

/// The rows of a name; one of them has the version of the words.
fn of_name(user: Uuid, field: &'static str, name: &str) -> impl Iterator<Item = Vec<Value>> + use<> {
    let mut distinct = BTreeSet::from([VERSION.to_owned()]);
    each_word(name, |word| {
        if !matches!(word.kind, Kind::Signs { .. }) && !distinct.contains(word.folded) {
            distinct.insert(word.folded.to_owned());
        }
    });
    distinct.into_iter().map(move |word| vec![user.into(), field.into(), word.into()])
}
