//! The invites in the projection `conversations`. All their events are high, and so are the joins that use them.

use crate::{ApplyError, Opened};
use domain::{Event, UserId, conversation::ConversationEvent, id::InviteId};
use event_store::Record;
use sql::{Transaction, query};

pub(crate) async fn apply(tx: &mut Transaction, Opened { record, event }: &Opened<'_>) -> Result<(), ApplyError> {
    use ConversationEvent as Happened;
    let Event::Conversation(event) = event else { return Ok(()) };
    match event {
        Happened::InviteCreated { .. } => create(tx, record, event).await,
        Happened::InviteRevoked { invite, .. } => {
            tx.execute(query("DELETE FROM invites WHERE id = $1").bind(invite.0)).await?;
            Ok(())
        }
        Happened::MemberJoined { invite: Some(invite), .. }
        | Happened::MemberRequested { invite: Some(invite), .. } => use_one(tx, *invite).await,
        Happened::MemberLeft { user } | Happened::MemberKicked { user, .. } => revoke_all_of(tx, record, *user).await,
        Happened::Deleted { .. } => {
            tx.execute(query("DELETE FROM invites WHERE conversation_id = $1").bind(record.aggregate_id)).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn create(tx: &mut Transaction, record: &Record, event: &ConversationEvent) -> Result<(), ApplyError> {
    let ConversationEvent::InviteCreated { invite, by, code, made_at, expires_at, max_uses } = event else {
        return Ok(());
    };
    let sql = "INSERT INTO invites (id, conversation_id, made_by, code, created_at, expires_at, max_uses, position) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let made = query(sql).bind(invite.0).bind(record.aggregate_id).bind(by.0);
    let made = made.bind(code.get().map(|code| code.as_str())).bind(made_at.millis());
    let made = made.bind(expires_at.map(|end| end.millis())).bind(max_uses.map(|most| i64::from(most.get())));
    tx.execute(made.bind(record.position)).await?;
    Ok(())
}

/// Incremented, the one exception to ADR 6: no row tells of a use that could be counted. An event is applied once, and a
/// rebuild begins without a row. A use that was discarded as a dead letter is missing until a rebuild; only the list of
/// invites shows that, for the aggregate decides whether an invite is used up.
async fn use_one(tx: &mut Transaction, invite: InviteId) -> Result<(), ApplyError> {
    tx.execute(query("UPDATE invites SET uses = uses + 1 WHERE id = $1").bind(invite.0)).await?;
    Ok(())
}

/// The invites of a member end with their membership.
async fn revoke_all_of(tx: &mut Transaction, record: &Record, user: UserId) -> Result<(), ApplyError> {
    let sql = "DELETE FROM invites WHERE conversation_id = $1 AND made_by = $2";
    tx.execute(query(sql).bind(record.aggregate_id).bind(user.0)).await?;
    Ok(())
}
