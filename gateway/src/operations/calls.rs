//! Calls, and what the devices in one tell each other.

use super::{Answer, Call};
use crate::{
    Problem,
    calls::{CallSignal, MAX_PAYLOAD, SignalKind},
    hub::Attachment,
    push::call_at,
    request::{Faults, Parse},
};
use axum::http::StatusCode;
use broker::Signal;
use commands::{CallRef, CommandError, Done, InitiateCall};
use domain::{CallId, ConversationId, SessionId, UserId, call};
use serde_json::Value;
use utoipa::ToSchema;

/// How long a media signal is worth telling, in milliseconds.
const WORTH_MS: i64 = 30_000;

/// A call to begin.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewCall {
    /// Where: all its members are called.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// `VOICE` or `VIDEO`.
    #[schema(value_type = String, example = "VIDEO")]
    pub call_type: call::CallType,
    /// Told to the others right after the call's event, as a `call.signal` of kind `offer`, and not stored; at most
    /// 16 KiB.
    #[schema(value_type = Option<Object>)]
    pub signal_data: Option<Value>,
}

impl Parse for NewCall {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let conversation_id = object.required("conversationId");
        let call_type = object.required("callType");
        let signal_data = object.optional("signalData");
        Some(Self { conversation_id: conversation_id?, call_type: call_type?, signal_data })
    }
}

/// What goes beside an answer, a refusal or a hang-up.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AttachedData {
    /// Told to the others right after the event, as a `call.signal`, and not stored; at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    pub signal_data: Option<Value>,
}

impl Parse for AttachedData {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { signal_data: faults.object(value)?.optional("signalData") })
    }
}

/// Which call is meant.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CallMeant {
    /// This one; or, without it, the one that the conversation has now.
    #[schema(rename = "callId", value_type = Option<Uuid>)]
    pub call: CallRef,
    /// Where it is, when there is no `callId`.
    #[schema(value_type = Option<Uuid>)]
    pub conversation_id: Option<ConversationId>,
    /// Told to the others right after the event, as a `call.signal` (kind `answer` or `end`), and not stored; at most
    /// 16 KiB.
    #[schema(value_type = Option<Object>)]
    pub signal_data: Option<Value>,
}

impl CallMeant {
    /// The call with this id.
    #[must_use]
    pub fn call(call: CallId, AttachedData { signal_data }: AttachedData) -> Self {
        Self { call: CallRef::Call(call), conversation_id: None, signal_data }
    }
}

impl Parse for CallMeant {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let conversation_id = object.optional("conversationId");
        let call = match conversation_id {
            Some(conversation) => object.optional("callId").map_or(CallRef::In(conversation), CallRef::Call),
            None => CallRef::Call(object.required("callId")?),
        };
        Some(Self { call, conversation_id, signal_data: object.optional("signalData") })
    }
}

/// What a device in a call tells another.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewCallSignal {
    /// In which call.
    #[schema(value_type = Uuid)]
    pub call_id: CallId,
    /// Whom: in the call, or rung by it.
    #[schema(value_type = Uuid)]
    pub to_user_id: UserId,
    /// Which device of theirs; all when absent.
    #[schema(value_type = Option<Uuid>)]
    pub to_session_id: Option<SessionId>,
    /// What it is for.
    pub kind: SignalKind,
    /// Any JSON of at most 16 KiB.
    #[schema(value_type = Object)]
    pub payload: Value,
}

impl Parse for NewCallSignal {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let call_id = object.required("callId");
        let to_user_id = object.required("toUserId");
        let to_session_id = object.optional("toSessionId");
        let kind = object.required("kind");
        let payload = object.optional("payload").unwrap_or_default();
        Some(Self { call_id: call_id?, to_user_id: to_user_id?, to_session_id, kind: kind?, payload })
    }
}

/// Rings the others of a conversation, or joins the call that it has.
///
/// # Errors
/// The [`Problem`] to answer; `user_not_online` when nobody is there to hear it.
pub async fn initiate(call: &Call<'_>, request: NewCall) -> Result<Answer, Problem> {
    let NewCall { conversation_id: conversation, call_type, signal_data } = request;
    let somebody_is_there = call.app.is_somebody_there(conversation, call.caller.user).await?;
    call.attach(CallRef::In(conversation), SignalKind::Offer, signal_data).await?;
    let request = InitiateCall { id: (call.app.ids)().into(), conversation, call_type, somebody_is_there };
    let initiated = call.app.commands.initiate_call(&call.context(), request).await;
    let existed = initiated.as_ref().is_ok_and(|initiated| initiated.existed);
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    call.called(status, initiated.map(|initiated| initiated.done)).await
}

/// Joins a call.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn answer_call(call: &Call<'_>, request: CallMeant) -> Result<Answer, Problem> {
    call.attach(request.call, SignalKind::Answer, request.signal_data).await?;
    call.called(StatusCode::OK, call.app.commands.answer_call(&call.context(), request.call).await).await
}

/// Does not want to join a call.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn refuse_call(call: &Call<'_>, request: CallMeant) -> Result<Answer, Problem> {
    call.attach(request.call, SignalKind::End, request.signal_data).await?;
    call.called(StatusCode::OK, call.app.commands.refuse_call(&call.context(), request.call).await).await
}

/// Hangs up, takes a call back, or refuses it.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn close_call(call: &Call<'_>, request: CallMeant) -> Result<Answer, Problem> {
    call.attach(request.call, SignalKind::End, request.signal_data).await?;
    call.called(StatusCode::OK, call.app.commands.close_call(&call.context(), request.call).await).await
}

/// Tells another device in a call.
///
/// # Errors
/// The [`Problem`] to answer: `payload_too_large`, `too_many_signals`, or why the two are not in that call.
pub async fn call_signal(call: &Call<'_>, request: NewCallSignal) -> Result<Answer, Problem> {
    let NewCallSignal { call_id, to_user_id, to_session_id, kind, payload } = request;
    check_size(&payload)?;
    let (app, session) = (call.app, call.caller.session);
    let now = (app.clock)();
    if app.limits.is_on() && !app.signal_rates.admits(session, now) {
        return Err(too_many());
    }
    let (from, conversation) = app.commands.may_signal_in_call(&call.context(), call_id, to_user_id).await?;
    let told = CallSignal { call_id, from_user_id: from, from_session_id: session.0, kind, payload };
    let signal = Signal {
        name: "call.signal".to_owned(),
        scope: None,
        users: vec![to_user_id.0],
        from: Some(from.0),
        from_session: Some(session.0),
        to_session: to_session_id.map(|session| session.0),
        within: Some(conversation.0),
        except: Vec::new(),
        told_at: None,
        data: serde_json::to_value(told).map_err(Problem::internal)?,
        expires_at: now.millis() + WORTH_MS,
    };
    app.signals.tell(signal).await;
    Ok(Answer::told())
}

impl Call<'_> {
    /// What the command has beside it goes ahead of its event, here and to the other processes. Only of those who
    /// may write there, by what is known now: what is refused must not push out what is not.
    async fn attach(&self, meant: CallRef, kind: SignalKind, payload: Option<Value>) -> Result<(), Problem> {
        let Some(payload) = payload else { return Ok(()) };
        check_size(&payload)?;
        let conversation = match meant {
            CallRef::In(conversation) => Some(conversation),
            CallRef::Call(id) => self.app.commands.call(id).await?.state.begun().map(|begun| begun.conversation),
        };
        let Some(conversation) = conversation else { return Ok(()) };
        let Ok(from_user_id) = self.app.commands.may_signal(&self.context(), conversation).await else {
            return Ok(());
        };
        let correlation_id = self.caller.correlation_id;
        let attachment =
            Attachment { correlation_id, from_user_id, from_session_id: self.caller.session, kind, payload };
        let signal = attachment.signal(conversation.0, (self.app.clock)().millis()).map_err(Problem::internal)?;
        self.app.hub.attach(attachment, (self.app.clock)());
        self.app.signals.tell(signal).await;
        Ok(())
    }

    /// The call as it was after the command, from the log: who calls does not wait for the read models.
    async fn called(
        &self,
        status: StatusCode,
        done: Result<Done<call::Call>, CommandError>,
    ) -> Result<Answer, Problem> {
        // A receipt that is repeated may be of this very request: the outcome of its first attempt was unknown.
        let is_sure = done.as_ref().is_ok_and(|done| done.receipt.position.is_some() && !done.receipt.repeated);
        let is_none = done.as_ref().map_or(true, |done| done.receipt.position.is_none());
        if is_none {
            self.app.hub.detach(self.caller.correlation_id);
        }
        let done = done?;
        let sequence = if done.receipt.position.is_some() { done.receipt.version } else { u64::MAX };
        let found = call_at(&self.app.store, CallId(done.id), sequence).await?;
        let (resource, requests) = found.ok_or_else(|| Problem::internal("a call's stream is not there"))?;
        if !is_sure && !requests.contains(&self.caller.correlation_id) {
            self.app.hub.detach(self.caller.correlation_id);
        }
        Answer::with(status, &resource, &done.receipt)
    }
}

fn check_size(payload: &Value) -> Result<(), Problem> {
    if payload.to_string().len() <= MAX_PAYLOAD {
        return Ok(());
    }
    let detail = format!("signal data takes at most {MAX_PAYLOAD} bytes as JSON");
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail))
}

fn too_many() -> Problem {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_signals", "this device signals too much");
    Problem { temporary: true, retry_after: Some(1), ..problem }
}
