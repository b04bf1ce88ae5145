//! Programs, and what one of them has used so far.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Postgres,
    RabbitMq,
    Redis,
    Client,
}

impl Kind {
    /// The kind of a program, by its name or the name of its engine.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "postgres" => Self::Postgres,
            "rabbitmq" | "beam.smp" => Self::RabbitMq,
            "redis" | "redis-server" => Self::Redis,
            _ => Self::Server,
        }
    }
}

/// Programs whose usage is one line of a report.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) programs: Programs,
}

#[derive(Clone, Debug)]
pub(crate) enum Programs {
    /// A process that may end and be started again.
    One(Arc<Running>),
    /// All processes of a name: strangers of the same name count as well.
    Named(&'static str),
    /// A process and all its descendants.
    Tree(u32),
}

/// The process that runs now, and what its predecessors have used.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// 0: it does not run.
    id: AtomicU32,
    /// Processor milliseconds.
    earlier: AtomicU64,
}

impl Running {
    pub(crate) fn of(id: u32) -> Self {
        Self { id: AtomicU32::new(id), ..Self::default() }
    }

    pub(crate) fn start(&self, id: u32) {
        self.id.store(id, Relaxed);
    }

    /// Notes its end, and the processor seconds that it used.
    pub(crate) fn end(&self, seconds: f64) {
        self.id.store(0, Relaxed);
        self.earlier.fetch_add((seconds * 1e3) as u64, Relaxed);
    }

    pub(crate) fn id(&self) -> Option<u32> {
        Some(self.id.load(Relaxed)).filter(|id| *id != 0)
    }

    pub(super) fn earlier(&self) -> f64 {
        self.earlier.load(Relaxed) as f64 / 1e3
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Processor seconds.
    pub(crate) seconds: f64,
    /// `None` for programs that do not run, and between the first and the last look for Postgres, whose processes share
    /// theirs: to divide it takes long.
    pub(crate) resident_kib: Option<u64>,
}
