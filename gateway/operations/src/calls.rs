//! Calls, and signals between the devices in a call.

use super::{Answer, Operation, Order, Request, Route};
use async_trait::async_trait;
use axum::http::StatusCode;
use broker::Signal;
use commands::{CallRef, CommandError, Done};
use domain::{AggregateType, CallId, ConversationId, SessionId, Tier, UserId, call};
use limits::Kind;
use protocol::{
    CallSignal, MAX_PAYLOAD, Problem, SignalKind,
    request::{Faults, Nothing, Parse},
    resource::Call,
};
use realtime::{hub::Attachment, push::call_at};
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
    /// Sent to the others right after the call's event, as a `call.signal` of kind `offer`, and not stored; at most
    /// 16 KiB.
    #[schema(value_type = Value, required = false)]
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
    /// Sent to the others right after the event, as a `call.signal`, and not stored; at most 16 KiB.
    #[schema(value_type = Value, required = false)]
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
    /// Where it is. With a `callId` of another conversation there is no such call.
    #[schema(value_type = Option<Uuid>)]
    pub conversation_id: Option<ConversationId>,
    /// Sent to the others right after the event, as a `call.signal` (kind `answer` or `end`), and not stored; at most
    /// 16 KiB.
    #[schema(value_type = Value, required = false)]
    pub signal_data: Option<Value>,
}

impl CallMeant {
    /// The call with this id.
    #[must_use]
    pub fn call(call: CallId, AttachedData { signal_data }: AttachedData) -> Self {
        Self { call: CallRef::Call(call), conversation_id: None, signal_data }
    }

    fn order(&self) -> Order {
        let call = match self.call {
            CallRef::In(conversation) => conversation.0,
            CallRef::Call(call) => call.0,
        };
        Order::Of(self.conversation_id.map_or(call, |conversation| conversation.0))
    }
}

impl Parse for CallMeant {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let conversation_id = object.optional("conversationId");
        let call = match conversation_id {
            Some(conversation) => Some(object.optional("callId").map_or(CallRef::In(conversation), CallRef::Call)),
            None => object.required("callId").map(CallRef::Call),
        };
        let signal_data = object.optional("signalData");
        Some(Self { call: call?, conversation_id, signal_data })
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
    #[schema(value_type = Value)]
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

/// `call.initiate`.
pub struct InitiateCall;

#[async_trait]
impl Operation for InitiateCall {
    const NAME: &'static str = "call.initiate";
    const SUMMARY: &'static str = "Calls the others of a conversation. One that it has already is joined instead.";
    const BUDGET: Kind = Kind::Call;
    const ROUTE: Option<Route> =
        Some(Route::post("/calls", "initiateCall", "calls").creates_or("it was there, and was joined"));
    const ECHOES: bool = false;

    type Target = ();
    type Body = NewCall;
    type Output = Call;

    fn order((): &(), call: &NewCall) -> Order {
        Order::Of(call.conversation_id.0)
    }

    async fn run(
        (): (),
        NewCall { conversation_id: conversation, call_type, signal_data }: NewCall,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        let somebody_is_there = request.app.is_somebody_there(conversation, request.caller.user).await?;
        request.attach(CallRef::In(conversation), SignalKind::Offer, signal_data).await?;
        let id = (request.app.ids)().into();
        let new = commands::InitiateCall { id, conversation, call_type, somebody_is_there };
        let initiated = request.app.commands.initiate_call(&request.context(), new).await;
        let existed = initiated.as_ref().is_ok_and(|initiated| initiated.existed);
        let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
        request.called(status, initiated.map(|initiated| initiated.done)).await
    }
}

/// `call.answer`.
pub struct AnswerCall;

#[async_trait]
impl Operation for AnswerCall {
    const NAME: &'static str = "call.answer";
    const SUMMARY: &'static str = "Joins a call.";
    const BUDGET: Kind = Kind::Call;
    const ECHOES: bool = false;

    type Target = ();
    type Body = CallMeant;
    type Output = Call;

    fn order((): &(), meant: &CallMeant) -> Order {
        meant.order()
    }

    async fn run((): (), meant: CallMeant, request: &Request<'_>) -> Result<Answer, Problem> {
        let call = request.meant(meant, SignalKind::Answer).await?;
        request.called(StatusCode::OK, request.app.commands.answer_call(&request.context(), call).await).await
    }
}

/// `call.refuse`.
pub struct RefuseCall;

#[async_trait]
impl Operation for RefuseCall {
    const NAME: &'static str = "call.refuse";
    const SUMMARY: &'static str = "Does not want to join a call; it is over when it rings nobody any more.";
    const BUDGET: Kind = Kind::Call;
    const ECHOES: bool = false;

    type Target = ();
    type Body = CallMeant;
    type Output = Call;

    fn order((): &(), meant: &CallMeant) -> Order {
        meant.order()
    }

    async fn run((): (), meant: CallMeant, request: &Request<'_>) -> Result<Answer, Problem> {
        let call = request.meant(meant, SignalKind::End).await?;
        request.called(StatusCode::OK, request.app.commands.refuse_call(&request.context(), call).await).await
    }
}

/// `call.close`.
pub struct CloseCall;

#[async_trait]
impl Operation for CloseCall {
    const NAME: &'static str = "call.close";
    const SUMMARY: &'static str = "Hangs up, or takes a call back; with fewer than two it is over.";
    const BUDGET: Kind = Kind::Call;
    const ECHOES: bool = false;

    type Target = ();
    type Body = CallMeant;
    type Output = Call;

    fn order((): &(), meant: &CallMeant) -> Order {
        meant.order()
    }

    async fn run((): (), meant: CallMeant, request: &Request<'_>) -> Result<Answer, Problem> {
        let call = request.meant(meant, SignalKind::End).await?;
        request.called(StatusCode::OK, request.app.commands.close_call(&request.context(), call).await).await
    }
}

/// `call.signal`.
pub struct SignalCall;

#[async_trait]
impl Operation for SignalCall {
    const NAME: &'static str = "call.signal";
    const SUMMARY: &'static str = "Tells another device in a call.";
    const BUDGET: Kind = Kind::Signal;
    // Signals of calls are urgent and never shed.
    const TIER: Option<Tier> = None;
    const ECHOES: bool = false;

    type Target = ();
    type Body = NewCallSignal;
    type Output = Nothing;

    fn order((): &(), signal: &NewCallSignal) -> Order {
        Order::Of(signal.call_id.0)
    }

    async fn run(
        (): (),
        NewCallSignal { call_id, to_user_id, to_session_id, kind, payload }: NewCallSignal,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        check_size(&payload)?;
        let (app, session) = (request.app, request.caller.session);
        let now = (app.clock)();
        if app.limits.is_on() && !app.signal_rates.admits(session, now) {
            return Err(too_many());
        }
        let (from, conversation) = app.commands.may_signal_in_call(&request.context(), call_id, to_user_id).await?;
        let call_signal = CallSignal { call_id, from_user_id: from, from_session_id: session.0, kind, payload };
        let data = serde_json::to_value(call_signal).map_err(Problem::internal)?;
        let signal = Signal {
            users: vec![to_user_id.0],
            from: Some(from.0),
            from_session: Some(session.0),
            to_session: to_session_id.map(|session| session.0),
            within: Some(conversation.0),
            ..Signal::new("call.signal", data, now.millis() + WORTH_MS)
        };
        app.signals.tell(signal).await;
        Ok(Answer::sent())
    }
}

impl Request<'_> {
    /// The call that is meant, once it is of the conversation named beside it, if one is. Its signal data goes ahead.
    async fn meant(&self, meant: CallMeant, kind: SignalKind) -> Result<CallRef, Problem> {
        let CallMeant { call, conversation_id, signal_data } = meant;
        if let CallRef::Call(call) = call {
            self.is_in(AggregateType::Call, call.0, conversation_id).await?;
        }
        self.attach(call, kind, signal_data).await?;
        Ok(call)
    }

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
