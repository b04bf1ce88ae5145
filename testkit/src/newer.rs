//! Events of a newer build in the log of this one.

use crate::Home;
use sql::{Database, Engine, query};

/// Appends events that this build does not know.
pub struct Newer {
    log: Database,
}

impl Newer {
    /// Opens the home's log.
    ///
    /// # Panics
    /// If the log cannot be opened.
    pub async fn open(home: &Home) -> Self {
        Self { log: Database::connect(&home.log(), 1).await.expect("the log") }
    }

    /// Copies the event at `like` to the end of its stream, with another type and version. Returns its position.
    ///
    /// # Panics
    /// If the event cannot be written.
    pub async fn append(&self, like: u64, event_type: &str, version: u16) -> u64 {
        self.try_append(like, event_type, version).await.expect("an event of a newer build")
    }

    /// Gives the event at `position` a type and version that this build knows, as if this were the newer build.
    ///
    /// # Panics
    /// If the event cannot be changed.
    pub async fn learn(&self, position: u64, event_type: &str, version: u16) {
        self.try_learn(position, event_type, version).await.expect("an event that is known now");
    }

    async fn try_append(&self, like: u64, event_type: &str, version: u16) -> Result<u64, sql::Error> {
        let mut tx = self.log.begin().await?;
        let (cast, heads) = match self.log.engine() {
            Engine::Sqlite => (["TEXT", "TEXT"], "heads"),
            Engine::Postgres => {
                let lock = "SELECT 1 FROM pg_advisory_xact_lock(1128811092, current_schema()::regnamespace::oid::int4)";
                tx.execute(query(lock)).await?;
                (["json", "bigint[]"], "CAST(array_to_json(heads) AS TEXT) AS heads")
            }
        };
        let head = format!("SELECT last_position, {heads} FROM ledger ORDER BY last_position DESC LIMIT 1");
        let head = tx.fetch_optional(query(head)).await?.ok_or(sqlx::Error::RowNotFound)?;
        let position = head.unsigned("last_position")? + 1;
        let mut heads: Vec<u64> = numbers(&head.get::<String>("heads")?);
        let model = "SELECT CAST(tier AS BIGINT) AS tier, CAST(partition AS BIGINT) AS partition, event_type,
            CAST(payload AS TEXT) AS payload FROM events WHERE position = $1";
        let model = tx.fetch_optional(query(model).bind(like)).await?.ok_or(sqlx::Error::RowNotFound)?;
        let lane = model.unsigned("tier")? * heads.len() as u64 / 2 + model.unsigned("partition")?;
        heads[usize::try_from(lane).unwrap_or_default()] = position;
        let payload = retyped(&model.get::<String>("payload")?, &model.get::<String>("event_type")?, event_type);
        let event = format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                 position, scope, scope_seq, tier, partition, actor, correlation_id, causation_id, command_key,
                 recorded_at, digest)
             SELECT e.aggregate_type, e.aggregate_id,
                 (SELECT MAX(s.sequence) + 1 FROM events s
                  WHERE s.aggregate_type = e.aggregate_type AND s.aggregate_id = e.aggregate_id),
                 $2, $3, CAST($4 AS {}), e.metadata, $5, e.scope,
                 (SELECT MAX(s.scope_seq) FROM events s WHERE s.scope = e.scope),
                 e.tier, e.partition, e.actor, e.correlation_id, e.causation_id, e.command_key, e.recorded_at, e.digest
             FROM events e WHERE e.position = $1",
            cast[0]
        );
        let event = query(event).bind(like).bind(event_type).bind(version.to_string()).bind(payload).bind(position);
        tx.execute(event).await?;
        let heads = heads.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let heads = if self.log.engine() == Engine::Sqlite { format!("[{heads}]") } else { format!("{{{heads}}}") };
        let row = format!(
            "INSERT INTO ledger (last_position, chain, heads)
             SELECT $1, chain, CAST($2 AS {}) FROM ledger ORDER BY last_position DESC LIMIT 1",
            cast[1]
        );
        tx.execute(query(row).bind(position).bind(heads)).await?;
        tx.commit().await?;
        Ok(position)
    }

    async fn try_learn(&self, position: u64, event_type: &str, version: u16) -> Result<(), sql::Error> {
        let (disarm, json) = match self.log.engine() {
            Engine::Sqlite => ("DROP TRIGGER IF EXISTS events_no_update", "TEXT"),
            Engine::Postgres => ("ALTER TABLE events DISABLE TRIGGER ALL", "json"),
        };
        self.log.execute(query(disarm)).await?;
        let stored =
            query("SELECT event_type, CAST(payload AS TEXT) AS payload FROM events WHERE position = $1").bind(position);
        let stored = self.log.fetch_optional(stored).await?.ok_or(sqlx::Error::RowNotFound)?;
        let payload = retyped(&stored.get::<String>("payload")?, &stored.get::<String>("event_type")?, event_type);
        let sql = format!(
            "UPDATE events SET event_type = $2, event_version = $3, payload = CAST($4 AS {json}) WHERE position = $1"
        );
        let learned = query(sql).bind(position).bind(event_type).bind(version.to_string()).bind(payload);
        self.log.execute(learned).await.map(drop)
    }
}

fn retyped(payload: &str, from: &str, to: &str) -> String {
    payload.replacen(&format!("\"type\":\"{from}\""), &format!("\"type\":\"{to}\""), 1)
}

fn numbers(json: &str) -> Vec<u64> {
    json.trim_matches(['[', ']']).split(',').filter_map(|number| number.trim().parse().ok()).collect()
}
