//! What one member does to another: they make them a member, or, as a lead, anything else.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand},
};
use serde::Serialize;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
enum Act {
    Add,
    Kick,
    Promote,
    Demote,
    Approve,
    Reject,
}

#[derive(Serialize)]
struct OnMember {
    conversation: ConversationId,
    user: UserId,
    act: Act,
}

impl UseCase for OnMember {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.member";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        use ConversationCommand as Command;
        let by = facts.actor().await?;
        let Self { conversation, user, act } = *self;
        if act == Act::Add {
            // Outsiders are told of no user before they are told that they are outsiders.
            facts.conversation_of(by, conversation).await?;
            facts.may_approach(by, &[user]).await?;
        }
        let command = match act {
            Act::Add => Command::Add { by, user },
            Act::Kick => Command::Kick { by, user },
            Act::Promote => Command::Promote { by, user },
            Act::Demote => Command::Demote { by, user },
            Act::Approve => Command::Approve { by, user },
            Act::Reject => Command::Reject { by, user },
        };
        facts.decide(conversation, command).await
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident => $act:ident;)*) => {
        impl Commands {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`CommandError`].
            pub async fn $name(
                &self,
                ctx: &Context,
                conversation: ConversationId,
                user: UserId,
            ) -> Result<Done<Conversation>, CommandError> {
                self.act(ctx, &OnMember { conversation, user, act: Act::$act }).await
            }
        )*}
    };
}
acts! {
    /// Makes somebody a member of a group: any member may, or a lead alone where joining needs approval. Answers
    /// `not_found` for a person who does not exist or has blocked the actor.
    add => Add;
    /// Removes a member of a group; only a lead may.
    kick => Kick;
    /// Makes a member of a group a lead; only a lead may.
    promote => Promote;
    /// Makes a lead of a group a plain member; only a lead may, and one lead must stay.
    demote => Demote;
    /// Lets somebody in who asked to join; only a lead may.
    approve => Approve;
    /// Turns somebody down who asked to join; only a lead may.
    reject => Reject;
}
