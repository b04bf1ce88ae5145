//! The outbox as Engine.IO writes it.

use super::{Burst, Outbox};
use engine_io::Outlet;

impl Outlet for Outbox {
    type Burst = Burst;

    async fn next(&self, bytes: usize) -> Burst {
        Self::next(self, bytes).await
    }

    async fn last(&self) -> Burst {
        Self::last(self).await
    }
}
