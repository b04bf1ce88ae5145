//! A person opens a direct conversation or a group.

use crate::{
    CommandError, Commands, Context, Done,
    conversation::not_reachable,
    engine::{Decided, Facts, UseCase, refused},
};
use domain::{
    ConversationId, UserId,
    conversation::{Conversation, ConversationCommand, ConversationError, ConversationType, Joining, MAX_MEMBERS},
    text::{Link, Title},
    user::Way,
};
use serde::{Serialize, Serializer};

#[derive(Clone, Debug, Serialize)]
pub struct CreateConversation {
    pub conversation_type: ConversationType,
    pub title: Option<Title>,
    pub avatar_url: Option<Link>,
    #[serde(rename = "approval", serialize_with = "as_approval")]
    pub joining: Joining,
    /// The creator may be among them.
    pub members: Vec<UserId>,
}

/// The request's form before `joining` existed, so that keys stay valid across an upgrade.
fn as_approval<S: Serializer>(joining: &Joining, serializer: S) -> Result<S::Ok, S::Error> {
    match joining {
        Joining::Open => serializer.serialize_str(joining.as_str()),
        Joining::Approval | Joining::Invite => serializer.serialize_bool(*joining == Joining::Approval),
    }
}

#[derive(Clone, Debug)]
pub struct Created {
    pub done: Done<Conversation>,
    /// True if this direct conversation existed before.
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
        let is_group = self.conversation_type == ConversationType::Group;
        let invited = facts.unreachable(by, &others, if is_group { Way::Groups } else { Way::Messages }).await?;
        if !is_group && !invited.is_empty() {
            return Err(not_reachable());
        }
        others.retain(|user| !invited.contains(user));
        facts.authorize_avatar(by, self.avatar_url.as_ref()).await?;
        let command = ConversationCommand::Create {
            conversation_type: self.conversation_type,
            by,
            members: others,
            invited,
            title: self.title.clone(),
            avatar_url: self.avatar_url.clone(),
            joining: self.joining,
            now: facts.now(),
        };
        facts.decide_on(id, before, command)
    }
}

impl Commands {
    /// Opens a conversation. People who let only friends add them to groups are invited. A direct conversation exists
    /// once per pair and is then returned unchanged.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for a person who does not exist or has blocked the actor; `not_reachable` for one
    /// who takes messages from friends only; `Spam`.
    pub async fn create_conversation(
        &self,
        ctx: &Context,
        request: CreateConversation,
    ) -> Result<Created, CommandError> {
        if request.conversation_type == ConversationType::Group {
            let text = request.title.as_ref().map_or("", |title| title.as_str());
            self.check_group(ctx, &request, text, &request.members).await?;
        } else {
            self.check_contacts(ctx, &request, &request.members).await?;
        }
        let done = self.act(ctx, &request).await?;
        let existed = done.receipt.position.is_none();
        Ok(Created { done, existed })
    }
}
