//! The projection `conversations`: conversations and their members.

use super::invites;
use crate::{ApplyError, Opened};
use domain::{
    Event, UserId,
    conversation::{ConversationEvent, ConversationType, Joining, Settings},
};
use event_store::Record;
use sql::{Query, Transaction, query};
use std::collections::BTreeSet;
use uuid::Uuid;

pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut moved = BTreeSet::new();
    for opened in events {
        let Opened { record, event } = opened;
        let Event::Conversation(event) = event else { continue };
        write(tx, record, event).await?;
        invites::apply(tx, opened).await?;
        let stays = matches!(
            event,
            ConversationEvent::Updated { .. }
                | ConversationEvent::InviteCreated { .. }
                | ConversationEvent::InviteRevoked { .. }
        );
        if !stays {
            moved.insert(record.aggregate_id);
        }
    }
    for conversation in moved {
        count_members(tx, conversation).await?;
    }
    Ok(())
}

async fn write(tx: &mut Transaction, record: &Record, event: &ConversationEvent) -> Result<(), ApplyError> {
    use ConversationEvent as Changed;
    match event {
        Changed::Created { .. } => return create(tx, record, event).await,
        Changed::Updated { settings, approval, joining, .. } => {
            let (title, avatar_url) = settings.get().map_or((None, None), shown);
            let sql = "UPDATE conversations SET title = $2, avatar_url = $3, approval = $4, settings_by = $5, \
                       is_open = $6 WHERE id = $1";
            let updated = query(sql).bind(record.aggregate_id).bind(title).bind(avatar_url).bind(*approval);
            tx.execute(updated.bind(settings.subject().0).bind(*joining == Some(Joining::Open))).await?;
        }
        Changed::Deleted { .. } => {
            let sql = "UPDATE conversations SET deleted_at = $2 WHERE id = $1";
            tx.execute(query(sql).bind(record.aggregate_id).bind(record.recorded_at.millis())).await?;
            let sql = "UPDATE members SET status = 'left' WHERE conversation_id = $1";
            tx.execute(query(sql).bind(record.aggregate_id)).await?;
        }
        Changed::MemberJoined { user, .. }
        | Changed::MemberAdded { user, .. }
        | Changed::MemberApproved { user, .. } => {
            tx.execute(arrival(record, *user, "active")).await?;
        }
        Changed::MemberRequested { user, .. } => {
            tx.execute(arrival(record, *user, "pending")).await?;
        }
        Changed::MemberInvited { user, .. } => {
            tx.execute(arrival(record, *user, "invited")).await?;
        }
        Changed::MemberLeft { user } | Changed::MemberKicked { user, .. } | Changed::MemberRejected { user, .. } => {
            let sql = "UPDATE members SET status = 'left' WHERE conversation_id = $1 AND user_id = $2";
            tx.execute(query(sql).bind(record.aggregate_id).bind(user.0)).await?;
        }
        Changed::MemberPromoted { user, .. } => set_role(tx, record, *user, "lead").await?,
        Changed::MemberDemoted { user, .. } => set_role(tx, record, *user, "member").await?,
        Changed::InviteCreated { .. } | Changed::InviteRevoked { .. } => (),
    }
    Ok(())
}

async fn create(tx: &mut Transaction, record: &Record, event: &ConversationEvent) -> Result<(), ApplyError> {
    let ConversationEvent::Created { conversation_type, created_by, members, settings, approval, joining } = event
    else {
        return Ok(());
    };
    let (title, avatar_url) = settings.get().map_or((None, None), shown);
    let at = record.recorded_at.millis();
    let sql = "INSERT INTO conversations (id, type, title, avatar_url, approval, created_by, created_at, position, \
               settings_by, is_open) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let created = query(sql).bind(record.aggregate_id).bind(conversation_type.as_str()).bind(title).bind(avatar_url);
    let created = created.bind(*approval).bind(created_by.0).bind(at).bind(record.position);
    tx.execute(created.bind(settings.subject().0).bind(*joining == Some(Joining::Open))).await?;

    let rows = members.iter().map(|user| {
        let leads = *conversation_type == ConversationType::Group && user == created_by;
        vec![
            record.aggregate_id.into(),
            user.0.into(),
            if leads { "lead" } else { "member" }.into(),
            "active".into(),
            at.into(),
            record.scope_seq.into(),
            record.position.into(),
        ]
    });
    Ok(tx.insert(MEMBER, rows.collect(), "").await?)
}

const MEMBER: &str =
    "INSERT INTO members (conversation_id, user_id, role, status, joined_at, join_seq, joined_position) VALUES";

/// A user joins or rejoins as a plain member.
fn arrival(record: &Record, user: UserId, status: &'static str) -> Query {
    let sql = format!(
        "{MEMBER} ($1, $2, 'member', $3, $4, $5, $6) ON CONFLICT (conversation_id, user_id) DO UPDATE SET \
         role = excluded.role, status = excluded.status, joined_at = excluded.joined_at, \
         join_seq = excluded.join_seq, joined_position = excluded.joined_position"
    );
    let arrived = query(sql).bind(record.aggregate_id).bind(user.0).bind(status);
    arrived.bind(record.recorded_at.millis()).bind(record.scope_seq).bind(record.position)
}

async fn set_role(tx: &mut Transaction, record: &Record, user: UserId, role: &'static str) -> Result<(), ApplyError> {
    let sql = "UPDATE members SET role = $3 WHERE conversation_id = $1 AND user_id = $2";
    tx.execute(query(sql).bind(record.aggregate_id).bind(user.0).bind(role)).await?;
    Ok(())
}

/// Recounted rather than incremented, once per conversation and batch.
async fn count_members(tx: &mut Transaction, conversation: Uuid) -> Result<(), ApplyError> {
    let sql = "UPDATE conversations SET member_count = \
               (SELECT COUNT(*) FROM members WHERE conversation_id = $1 AND status = 'active') WHERE id = $1";
    tx.execute(query(sql).bind(conversation)).await?;
    Ok(())
}

fn shown(settings: &Settings) -> (Option<&str>, Option<&str>) {
    (settings.title.as_ref().map(|title| title.as_str()), settings.avatar_url.as_ref().map(|url| url.as_str()))
}
