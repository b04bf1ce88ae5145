//! Typing indicators.

use super::{Answer, Operation, Request};
use async_trait::async_trait;
use domain::ConversationId;
use limits::Kind;
use protocol::{Problem, request::Nothing};
use realtime::Caller;

/// `typing.start`.
pub struct StartTyping;

#[async_trait]
impl Operation for StartTyping {
    const NAME: &'static str = "typing.start";
    const SUMMARY: &'static str = "Tells the others in a conversation that one types.";
    const BUDGET: Kind = Kind::Signal;

    type Target = ConversationId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let user = request.app.commands.may_signal(&request.context(), conversation).await?;
        // An invisible user types unseen: others see what they would see of an offline user.
        if request.app.presences.is_hidden(user).await? {
            request.app.typing.stop(conversation, user).await;
            return Ok(Answer::sent());
        }
        let Caller { session, socket, .. } = *request.caller;
        request.app.typing.start(conversation, user, session, socket.unwrap_or_default()).await;
        Ok(Answer::sent())
    }
}

/// `typing.stop`.
pub struct StopTyping;

#[async_trait]
impl Operation for StopTyping {
    const NAME: &'static str = "typing.stop";
    const SUMMARY: &'static str = "Tells them that one has stopped.";
    const BUDGET: Kind = Kind::Signal;

    type Target = ConversationId;
    type Body = Nothing;
    type Output = Nothing;

    async fn run(conversation: ConversationId, _: Nothing, request: &Request<'_>) -> Result<Answer, Problem> {
        let user = request.app.commands.may_signal(&request.context(), conversation).await?;
        request.app.typing.stop(conversation, user).await;
        Ok(Answer::sent())
    }
}
