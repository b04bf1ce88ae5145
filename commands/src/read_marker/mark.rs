//! A member's read and delivery marks.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, Freshness, UseCase, refused},
};
use domain::{
    ConversationId, EventType, MessageId, UserId,
    id::ReadMarkerId,
    message::{Message, MessageError},
    read_marker::{Mark, ReadMarker, ReadMarkerCommand, Shown},
};
use serde::Serialize;

/// The position of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum UpTo {
    /// A `seq` of the conversation, reduced to its last one.
    Seq(u64),
    Message(MessageId),
}

#[derive(Serialize)]
struct MarkUpTo {
    conversation: ConversationId,
    up_to: UpTo,
    mark: Mark,
    /// Hides the delivery from the other members.
    #[serde(skip)]
    unseen: bool,
}

impl UseCase for MarkUpTo {
    type Aggregate = ReadMarker;
    const NAME: &'static str = "message.mark";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("receipt.read"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<ReadMarker>, CommandError> {
        let (user, account) = facts.actor_and_account().await?;
        let place = facts.conversation_of(user, self.conversation).await?.state;
        let (up_to, head) = match self.up_to {
            UpTo::Seq(seq) => (seq, facts.head_for(self.conversation, seq).await?),
            UpTo::Message(message) => {
                let seq = seq_of(facts, user, self.conversation, message).await?;
                (seq, seq)
            }
        };
        let Self { conversation, mark, .. } = *self;
        let in_private = || account.state.profile().is_some_and(|profile| !profile.preferences.read_receipts());
        let shown = match () {
            () if facts.is_blocked_either_way(user, &place).await? => Shown::Nothing,
            () if self.unseen && (mark == Mark::Delivered || in_private()) => Shown::Nothing,
            () if in_private() => Shown::AsArrived,
            () => Shown::Whole,
        };
        let command = ReadMarkerCommand { conversation, user, up_to, head, mark, shown };
        facts.decide(ReadMarkerId::of(conversation, user), command).await
    }
}

/// The `seq` of a message of `conversation`; refused if `user` has hidden it.
async fn seq_of(
    facts: &mut Facts<'_>,
    user: UserId,
    conversation: ConversationId,
    message: MessageId,
) -> Result<u64, CommandError> {
    let state = facts.peek::<Message>(message).await?.state;
    if state.posted().is_none_or(|posted| posted.conversation != conversation) || state.is_hidden_for(user) {
        return Err(refused(MessageError::NotFound));
    }
    facts.seq_of(message).await
}

impl Commands {
    /// Moves the actor's marker in a conversation forward. Of several commands without a key within 200 ms, the
    /// furthest is appended and is the result of all.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn mark(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        up_to: UpTo,
        mark: Mark,
    ) -> Result<Done<ReadMarker>, CommandError> {
        self.move_marker(ctx, conversation, up_to, mark, false).await
    }

    /// As [`mark`](Self::mark), for an invisible actor: deliveries are hidden from others, and public reading is not.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn mark_unseen(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        up_to: UpTo,
        mark: Mark,
    ) -> Result<Done<ReadMarker>, CommandError> {
        self.move_marker(ctx, conversation, up_to, mark, true).await
    }

    async fn move_marker(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        up_to: UpTo,
        mark: Mark,
        unseen: bool,
    ) -> Result<Done<ReadMarker>, CommandError> {
        let (None, Some(actor)) = (&ctx.key, ctx.actor) else {
            return self.act(ctx, &MarkUpTo { conversation, up_to, mark, unseen }).await;
        };
        let seq = match up_to {
            UpTo::Seq(seq) => Ok(seq),
            UpTo::Message(message) => {
                seq_of(&mut Facts::new(self, ctx, Freshness::Cached), actor.user, conversation, message).await
            }
        };
        // The cached state may be stale: the command itself reads fresh state before it refuses.
        let Ok(seq) = seq else { return self.act(ctx, &MarkUpTo { conversation, up_to, mark, unseen }).await };
        let paused = self.overload().pause(ctx.correlation_id);
        let permit = self.marks().acquire(ReadMarkerId::of(conversation, actor.user), mark, seq).await;
        self.overload().resume(paused);
        let done = self.act(ctx, &MarkUpTo { conversation, up_to: UpTo::Seq(permit.seq), mark, unseen }).await?;
        permit.done(match mark {
            Mark::Read => done.state.read(),
            Mark::Delivered => done.state.delivered(),
        });
        Ok(done)
    }
}
