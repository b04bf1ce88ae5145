//! The database's own clock: the one clock that all processes share, whatever theirs say.

use sql::Engine;

/// The expression that gives milliseconds since the epoch. A SQLite file is on one machine, and so is its clock.
pub(crate) const fn now(engine: Engine) -> &'static str {
    engine.now()
}
