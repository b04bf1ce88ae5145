//! Where a signal goes: to the processes that hold sockets of those it is for, when the graph they share knows them.

use broker::{Broker, Signal};
use commands::Commands;
use domain::{ConversationId, UserId};
use graph::{Cached, GraphError};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use uuid::Uuid;

/// Of more recipients somebody is on every process anyway.
const FEW_RECIPIENTS: usize = 64;

/// Sends signals on their way. Clones share everything.
#[derive(Clone)]
pub struct SignalRouter {
    broker: Broker,
    /// `None` where each process has a graph of its own: it knows nothing of the others' sockets.
    shared: Option<Cached>,
    commands: Commands,
    shed: Arc<AtomicU64>,
}

impl SignalRouter {
    /// Over a broker, and a graph if all processes share it.
    #[must_use]
    pub fn new(broker: Broker, shared: Option<Cached>, commands: Commands) -> Self {
        Self { broker, shared, commands, shed: Arc::default() }
    }

    /// How many were shed here, most because high commands were slow.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.shed.load(Relaxed)
    }

    /// Counts a signal that was shed.
    pub fn count_shed(&self) {
        self.shed.fetch_add(1, Relaxed);
    }

    /// Publishes a signal, unless the process is under load and sheds it. A recipient who connected within the last
    /// moments may miss it. Answers whether it was published.
    pub async fn tell(&self, signal: Signal) -> bool {
        if self.sheds(&signal) {
            return false;
        }
        let nodes = match &self.shared {
            Some(graph) => self.nodes(graph, &signal).await.unwrap_or_else(|error| {
                tracing::debug!(error.cause = %error, "a signal goes to all processes");
                None
            }),
            None => None,
        };
        count(&signal);
        self.broker.signal_to(signal, nodes.as_deref());
        true
    }

    /// The same, in these processes; `None`: in all.
    pub fn tell_nodes(&self, signal: Signal, nodes: Option<&[Uuid]>) -> bool {
        let is_sent = !self.sheds(&signal);
        if is_sent {
            count(&signal);
            self.broker.signal_to(signal, nodes);
        }
        is_sent
    }

    fn sheds(&self, signal: &Signal) -> bool {
        let sheds = !signal.is_urgent() && self.commands.is_pressed();
        self.shed.fetch_add(u64::from(sheds), Relaxed);
        sheds
    }

    /// The processes that hold sockets of those it is for; `None` for all.
    async fn nodes(&self, graph: &Cached, signal: &Signal) -> Result<Option<Vec<Uuid>>, GraphError> {
        let mut users: Vec<_> = signal.users.iter().copied().map(UserId).collect();
        if let Some(scope) = signal.scope {
            users.extend(graph.members(ConversationId(scope)).await?.iter());
        }
        users.retain(|user| !signal.spares(user.0));
        if users.len() > FEW_RECIPIENTS {
            return Ok(None);
        }
        // Where nobody is known to be, somebody may have just come.
        let nodes: Vec<_> = graph.graph().nodes(&users).await?.into_iter().collect();
        Ok((!nodes.is_empty()).then_some(nodes))
    }
}

fn count(signal: &Signal) {
    metrics::counter!("chatchit_signals_sent_total", "name" => signal.name.clone()).increment(1);
}
