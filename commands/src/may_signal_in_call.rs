//! Who may send media signals to whom: those who are in the same call, or whom it rings.

use crate::{CallRef, CommandError, Commands, Context, error::refused, facts::Facts, state::Freshness};
use domain::{
    CallId, UserId,
    call::{CallError, CallStatus},
};

impl Commands {
    /// Who acts, when both they and `to` are in the call by what this process knows now, or else by what the log says.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found`, `call_ended`, `not_in_call`.
    pub async fn may_signal_in_call(&self, ctx: &Context, call: CallId, to: UserId) -> Result<UserId, CommandError> {
        match self.signals_in_call(ctx, call, to, Freshness::Cached).await {
            Err(error) if error.is_verdict() => self.signals_in_call(ctx, call, to, Freshness::Fresh).await,
            known => known,
        }
    }

    async fn signals_in_call(
        &self,
        ctx: &Context,
        call: CallId,
        to: UserId,
        freshness: Freshness,
    ) -> Result<UserId, CommandError> {
        let mut facts = Facts::new(self, ctx, freshness);
        let by = facts.actor().await?;
        let (_, call, _) = facts.call_of(by, CallRef::Call(call)).await?;
        match call.state.status() {
            CallStatus::Ringing | CallStatus::Ongoing if call.state.involves(by) && call.state.involves(to) => Ok(by),
            CallStatus::Ringing | CallStatus::Ongoing => Err(refused(CallError::NotInCall)),
            CallStatus::Ended | CallStatus::Missed | CallStatus::Refused => Err(refused(CallError::Ended)),
        }
    }
}
