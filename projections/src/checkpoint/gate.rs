//! The gate of the read models: workers' transactions share it, a swap has it alone.

use sql::{Database, Limits, Transaction, query};
use std::time::Duration;

/// The lock timeout of each attempt to have the read models exclusively, and the number of attempts.
const GATE_TURN: Duration = Duration::from_millis(300);
const GATE_TURNS: u32 = 60;
/// The longest idle time in an exclusive transaction.
const ALONE: Duration = Duration::from_secs(10);
/// Names the advisory lock between swaps and workers' transactions; its second key is the schema.
const GATE: i32 = 0x43_48_41_54;

/// Begins a worker's transaction. Its commit does not wait for the disk, as rows and checkpoints are lost together, and
/// no swap runs at the same time.
pub(crate) async fn begin(database: &Database) -> Result<Transaction, sql::Error> {
    let gate = format!("SELECT pg_advisory_xact_lock_shared({GATE}, hashtext(current_schema()))");
    database.begin_and(&format!("SET LOCAL synchronous_commit = off; {gate}")).await
}

/// Begins an exclusive transaction, for emptying or swapping tables; all workers of these read models wait. A process
/// that freezes in it loses it after [`ALONE`].
///
/// # Errors
/// If the read models are unavailable, or the workers' transactions did not end in time.
pub(crate) async fn begin_alone(database: &Database) -> Result<Transaction, sql::Error> {
    let mut attempts = 0;
    loop {
        let mut tx = database.begin().await?;
        if matches!(tx, Transaction::Sqlite(..)) {
            tx.set_limits(Limits::BULK).await?;
            return Ok(tx);
        }
        attempts += 1;
        // A waiter for the gate blocks everyone behind it, so it waits in short turns and lets them through in between.
        tx.set_limits(Limits { lock: GATE_TURN, idle: ALONE, ..Limits::INTERACTIVE }).await?;
        let sql = "SELECT pg_advisory_xact_lock($1::BIGINT::INT, hashtext(current_schema()))";
        match tx.execute(query(sql).bind(GATE)).await {
            Err(error) if error.is_lock_timeout() && attempts < GATE_TURNS => {
                tx.rollback().await?;
                tokio::time::sleep(GATE_TURN).await;
            }
            got => {
                got?;
                tx.set_limits(Limits { idle: ALONE, ..Limits::BULK }).await?;
                return Ok(tx);
            }
        }
    }
}

/// Limits the lock timeout in the rest of a transaction.
pub(crate) async fn wait_less(tx: &mut Transaction, patience: Duration) -> Result<(), sql::Error> {
    if matches!(tx, Transaction::Postgres(_)) {
        let sql = "SELECT set_config('lock_timeout', $1, true)";
        tx.execute(query(sql).bind(patience.as_millis().to_string())).await?;
    }
    Ok(())
}

/// Whether workers' transactions can begin: no exclusive transaction runs.
pub(crate) async fn is_open(database: &Database) -> Result<bool, sql::Error> {
    match begin(database).await {
        Ok(tx) => tx.rollback().await.map(|()| true),
        Err(error) if error.is_lock_timeout() => Ok(false),
        Err(error) => Err(error),
    }
}
