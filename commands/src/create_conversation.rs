//! Somebody opens a direct conversation or a group.

use crate::{
    CommandError, Commands, Context, Done,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationError, ConversationType, Joining, MAX_MEMBERS},
    text::{Link, Title},
};
use serde::{Serialize, Serializer};

/// A conversation as its creator wants it.
#[derive(Clone, Debug, Serialize)]
pub struct CreateConversation {
    /// Direct or group.
    pub conversation_type: ConversationType,
    /// A group's title.
    pub title: Option<Title>,
    /// A group's picture.
    pub avatar_url: Option<Link>,
    /// How people come into a group by themselves.
    #[serde(rename = "approval", serialize_with = "as_approval")]
    pub joining: Joining,
    /// The others; the creator may be among them.
    pub members: Vec<UserId>,
}

/// As the same request was written before there was more to say, so that a key is good across an upgrade.
fn as_approval<S: Serializer>(joining: &Joining, serializer: S) -> Result<S::Ok, S::Error> {
    match joining {
        Joining::Open => serializer.serialize_str(joining.as_str()),
        Joining::Approval | Joining::Invite => serializer.serialize_bool(*joining == Joining::Approval),
    }
}

/// A conversation that was opened, or was there.
#[derive(Clone, Debug)]
pub struct Created {
    /// The conversation.
    pub done: Done<Conversation>,
    /// Whether this direct conversation was there before.
    pub existed: bool,
}

impl UseCase for CreateConversation {
    type Aggregate = Conversation;
    const NAME: &'static str = "conversation.create";

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conversation>, CommandError> {
        let by = facts.actor().await?;
        let mut others: Vec<UserId> = self.members.iter().copied().filter(|user| *user != by).collect();
        others.sort_unstable();
        others.dedup();
        if others.len() >= MAX_MEMBERS {
            return Err(refused(ConversationError::TooManyMembers));
        }
        let (id, before) = match (self.conversation_type, others.as_slice()) {
            (ConversationType::Direct, [other]) => {
                let id = ConversationId::direct(by, *other).0;
                let before = facts.get::<Conversation>(id).await?;
                if before.state.is_live() {
                    return Ok(Decided { id, state: before.state });
                }
                (id, before)
            }
            (ConversationType::Direct, _) => return Err(refused(ConversationError::OneOther)),
            (ConversationType::Group, _) => {
                let id = facts.new_id();
                (id, facts.presume_new(id).await?)
            }
        };
        facts.may_approach(by, &others).await?;
        facts.may_show(by, self.avatar_url.as_ref()).await?;
        let command = ConversationCommand::Create {
            conversation_type: self.conversation_type,
            by,
            members: others,
            title: self.title.clone(),
            avatar_url: self.avatar_url.clone(),
            joining: self.joining,
        };
        facts.decide_on(id, before, command)
    }
}

impl Commands {
    /// Opens a conversation. A direct one exists once per pair: then it is answered as it is.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a person who does not exist or has blocked the actor; `Spam`.
    pub async fn create_conversation(
        &self,
        ctx: &Context,
        request: CreateConversation,
    ) -> Result<Created, CommandError> {
        if request.conversation_type == ConversationType::Group {
            let text = request.title.as_ref().map_or("", |title| title.as_str());
            self.hear_unasked(ctx, &request, text, &request.members).await?;
        } else {
            self.hear_first(ctx, &request, &request.members).await?;
        }
        let done = self.act(ctx, &request).await?;
        let existed = done.receipt.position.is_none();
        Ok(Created { done, existed })
    }
}
