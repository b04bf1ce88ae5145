//! Bounds the high commands in flight, per account and per process. High commands never wait for medium ones; an
//! account beyond its share waits for its own commands, and only an excessive queue is refused.

use crate::CommandError;
use domain::UserId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Per account, in flight: far more than it may send while one command runs.
    share: usize,
    /// Per account, waiting: more than its sockets and requests may have open.
    queue: usize,
    /// Of all accounts, being decided or written: half of the writer's queue.
    slots: usize,
    /// Of all accounts, waiting ones included.
    present: usize,
    /// The longest wait for the account's share, and again for a slot.
    within: Duration,
}

const BOUNDS: Bounds =
    Bounds { share: 64, queue: 1_024, slots: 2_048, present: 16_384, within: Duration::from_secs(10) };

#[derive(Debug)]
pub(crate) struct HighAdmission {
    bounds: Bounds,
    slots: Semaphore,
    accounts: Mutex<Accounts>,
}

#[derive(Debug, Default)]
struct Accounts {
    present: usize,
    /// Of accounts with a command that runs or waits.
    shares: HashMap<UserId, Share>,
}

#[derive(Debug)]
struct Share {
    own: Arc<Semaphore>,
    present: usize,
}

/// The right of one high command to run, released on drop.
#[derive(Debug)]
pub(crate) struct HighPermit<'u> {
    slot: Option<SemaphorePermit<'u>>,
    _own: Option<OwnedSemaphorePermit>,
    presence: Presence<'u>,
}

/// A command that runs or waits.
#[derive(Debug)]
struct Presence<'u> {
    admission: &'u HighAdmission,
    user: Option<UserId>,
}

impl HighAdmission {
    pub(crate) fn new() -> Self {
        Self::with(BOUNDS)
    }

    fn with(bounds: Bounds) -> Self {
        Self { bounds, slots: Semaphore::new(bounds.slots), accounts: Mutex::default() }
    }

    /// Waits for the account's share, then for a slot.
    ///
    /// # Errors
    /// [`CommandError::TooManyAtOnce`] when the account has too many waiting or its share stays used up;
    /// [`CommandError::Overloaded`] when the same holds for the process.
    pub(crate) async fn enter(&self, user: Option<UserId>) -> Result<HighPermit<'_>, CommandError> {
        let Bounds { share, queue, present, within, .. } = self.bounds;
        let (own, presence) = {
            let mut accounts = self.lock();
            if accounts.present >= present {
                return Err(CommandError::Overloaded);
            }
            let own = match user {
                None => None,
                Some(user) => {
                    let entry = accounts.shares.entry(user);
                    let own = entry.or_insert_with(|| Share { own: Arc::new(Semaphore::new(share)), present: 0 });
                    if own.present >= share + queue {
                        return Err(CommandError::TooManyAtOnce);
                    }
                    own.present += 1;
                    Some(Arc::clone(&own.own))
                }
            };
            accounts.present += 1;
            (own, Presence { admission: self, user })
        };
        let own = match own {
            None => None,
            Some(own) => {
                let own = timeout(within, own.acquire_owned()).await.map_err(|_| CommandError::TooManyAtOnce)?;
                Some(own.map_err(|error| CommandError::Internal(error.to_string()))?)
            }
        };
        let mut permit = HighPermit { slot: None, _own: own, presence };
        permit.reacquire_slot().await?;
        Ok(permit)
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HighPermit<'_> {
    /// Gives the slot up while this command waits for others.
    pub(crate) fn release_slot(&mut self) {
        self.slot = None;
    }

    /// Waits for a slot again.
    ///
    /// # Errors
    /// [`CommandError::Overloaded`].
    pub(crate) async fn reacquire_slot(&mut self) -> Result<(), CommandError> {
        let admission = self.presence.admission;
        let slot =
            timeout(admission.bounds.within, admission.slots.acquire()).await.map_err(|_| CommandError::Overloaded)?;
        self.slot = Some(slot.map_err(|error| CommandError::Internal(error.to_string()))?);
        Ok(())
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        let mut accounts = self.admission.lock();
        accounts.present -= 1;
        let Some(user) = self.user else { return };
        if let Some(share) = accounts.shares.get_mut(&user) {
            share.present -= 1;
            if share.present == 0 {
                accounts.shares.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    const SMALL: Bounds = Bounds { share: 2, queue: 1, slots: 3, present: 5, within: Duration::from_secs(60) };

    fn user(n: u128) -> Option<UserId> {
        Some(UserId(Uuid::from_u128(n)))
    }

    #[tokio::test]
    async fn an_account_beyond_its_share_waits_for_its_own_commands() {
        let admission = HighAdmission::with(SMALL);
        let (first, _second) = (admission.enter(user(1)).await.unwrap(), admission.enter(user(1)).await.unwrap());
        let mut third = Box::pin(admission.enter(user(1)));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(matches!(admission.enter(user(1)).await, Err(CommandError::TooManyAtOnce)));
        let other = admission.enter(user(2)).await.unwrap();
        drop(first);
        let third = third.await.unwrap();
        assert!(admission.enter(None).now_or_never().is_none(), "three slots are taken");
        drop((other, third));
        admission.enter(None).await.unwrap();
    }

    #[tokio::test]
    async fn a_command_that_waits_for_a_stream_gives_its_slot_up() {
        let admission = HighAdmission::with(SMALL);
        let mut first = admission.enter(user(1)).await.unwrap();
        let (_second, third) = (admission.enter(user(1)).await.unwrap(), admission.enter(user(2)).await.unwrap());
        first.release_slot();
        let _fourth = admission.enter(user(3)).await.unwrap();
        let mut back = Box::pin(first.reacquire_slot());
        assert!(back.as_mut().now_or_never().is_none());
        drop(third);
        back.await.unwrap();
    }

    #[tokio::test]
    async fn waiting_ends_and_every_permit_is_released() {
        let admission = HighAdmission::with(Bounds { within: Duration::from_millis(1), ..SMALL });
        let mut held = Vec::new();
        for n in [1, 1, 2] {
            held.push(admission.enter(user(n)).await.unwrap());
        }
        assert!(matches!(admission.enter(user(1)).await, Err(CommandError::TooManyAtOnce)));
        assert!(matches!(admission.enter(user(3)).await, Err(CommandError::Overloaded)), "no slot in time");
        held.iter_mut().for_each(HighPermit::release_slot);
        for n in [4, 5] {
            held.push(admission.enter(user(n)).await.unwrap());
        }
        assert!(
            matches!(admission.enter(user(6)).now_or_never(), Some(Err(CommandError::Overloaded))),
            "too many in all"
        );
        drop(held);
        let accounts = admission.lock();
        assert!(accounts.present == 0 && accounts.shares.is_empty());
        assert_eq!(admission.slots.available_permits(), SMALL.slots);
    }
}
