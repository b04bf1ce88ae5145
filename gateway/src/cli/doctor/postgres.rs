//! Postgres: reach, version, rights, connections, clock.

use super::check::Check;
use crate::requirements::{OLDEST_POSTGRES, Running, bare, connections};
use config::{Config, Role, secrets::without_password};
use sql::{Database, Engine, Location, PostgresServer, query};

/// An offset of the clocks, in milliseconds, that is worth a warning, and one that is a fault: tokens and deadlines would be
/// over too early or too late.
const OFFSET: (i64, i64) = (1_000, 60_000);
/// The remedy for too few connections.
const MORE: &str = "raise max_connections (docs/deploy.md has the formula), or run fewer processes";

pub(super) async fn examine(config: &Config, url: &str) -> Vec<Check> {
    let place = without_password(url);
    let database = match bare(url).await {
        Ok(database) => database,
        Err(error) => {
            let remedy = "start it, or mend DATABASE_URL (host, user, password, database)";
            return vec![Check::fail("postgres.reach", format!("{place}: {error}"), remedy)];
        }
    };
    let mut checks = vec![Check::ok("postgres.reach", place)];
    match PostgresServer::ask(&database).await {
        Ok(postgres) => {
            checks.extend([version(postgres), room(config.role, postgres)]);
            checks.extend(running(config).await.map(|running| together(running, postgres.room())));
        }
        Err(error) => {
            checks.push(Check::fail("postgres.version", error.to_string(), "let this user read its settings"))
        }
    }
    for location in [config.log_location(), config.read_location()] {
        checks.push(rights(&database, &location).await);
    }
    checks.push(clock(&database).await);
    database.close().await;
    checks
}

fn version(postgres: PostgresServer) -> Check {
    let (major, found) = (postgres.major(), format!("version {}.{}", postgres.major(), postgres.version % 10_000));
    match major < OLDEST_POSTGRES {
        true => Check::fail("postgres.version", found, format!("upgrade it to {OLDEST_POSTGRES} or later")),
        false => Check::ok("postgres.version", found),
    }
}

/// Whether a process of this role gets its connections.
fn room(role: Role, postgres: PostgresServer) -> Check {
    let (takes, PostgresServer { most, reserved, limit, used, .. }) = (i64::from(connections(role)), postgres);
    let limit = limit.map(|limit| format!(", the limit of this user {limit}")).unwrap_or_default();
    let found = format!(
        "a process of this role takes up to {takes}; max_connections is {most}, {reserved} are reserved, \
         {used} in use{limit}"
    );
    if takes > postgres.room() {
        Check::fail("postgres.connections", found, MORE)
    } else if takes > postgres.free() + 1 {
        // The examiner's own connection is closed again.
        Check::warn("postgres.connections", found, MORE)
    } else {
        Check::ok("postgres.connections", found)
    }
}

/// The processes that run, if there are tables in which they publish it.
async fn running(config: &Config) -> Option<Running> {
    let location = config.read_location();
    if !Database::exists(&location).await.ok()? {
        return None;
    }
    let read_models = Database::connect(&location, 1).await.ok()?;
    let running = Running::ask(&read_models, None).await;
    read_models.close().await;
    running.ok()
}

/// Whether the processes that run get their connections.
fn together(Running { processes, connections }: Running, room: i64) -> Check {
    let found = format!("processes that run: {processes}; they take up to {connections} of {room}");
    match connections > room as f64 {
        true => Check::warn("postgres.processes", found, MORE),
        false => Check::ok("postgres.processes", found),
    }
}

/// Creates a table, and before it the schema if there is none, in a transaction that is rolled back.
async fn rights(database: &Database, location: &Location) -> Check {
    let Location::Postgres { schema, .. } = location else { return Check::ok("postgres.rights", "none needed") };
    let tried = async {
        let exists = query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema.clone());
        let exists = database.fetch_optional(exists).await?.is_some();
        let mut tx = database.begin().await?;
        let probe = clock::new_id().simple();
        let schema = match exists {
            true => schema.clone(),
            false => {
                let schema = format!("chatchit_doctor_{probe}");
                tx.execute(query(format!("CREATE SCHEMA {schema}"))).await?;
                schema
            }
        };
        tx.execute(query(format!("CREATE TABLE {schema}.doctor_{probe} (id BIGINT)"))).await?;
        tx.rollback().await?;
        Ok::<_, sql::Error>(exists)
    };
    match tried.await {
        Ok(true) => Check::ok("postgres.rights", format!("tables can be made in {schema}")),
        Ok(false) => Check::ok("postgres.rights", format!("{schema} can be made")),
        Err(error) => {
            let remedy = "make this user the owner of the database: ALTER DATABASE … OWNER TO …";
            Check::fail("postgres.rights", format!("{schema}: {error}"), remedy)
        }
    }
}

async fn clock(database: &Database) -> Check {
    let asked = query(format!("SELECT {} AS now", Engine::Postgres.now()));
    let before = clock::now().millis();
    let theirs =
        match database.fetch_optional(asked).await.and_then(|row| row.ok_or(sql::Error::Lost)?.get::<i64>("now")) {
            Ok(theirs) => theirs,
            Err(error) => return Check::fail("clock", error.to_string(), "the database must say its time"),
        };
    let after = clock::now().millis();
    verdict(offset(before, theirs, after))
}

/// How far the other clock is from the time between two readings of this one, at least.
fn offset(before: i64, theirs: i64, after: i64) -> i64 {
    theirs - theirs.clamp(before, after.max(before))
}

fn verdict(offset: i64) -> Check {
    let found = format!("the database's clock is {offset} ms ahead of this machine's");
    let remedy = "synchronize both machines by NTP";
    match offset.abs() {
        off if off > OFFSET.1 => Check::fail("clock", found, remedy),
        off if off > OFFSET.0 => Check::warn("clock", found, remedy),
        _ => Check::ok("clock", found),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    #[test]
    fn an_old_version_fails() {
        let postgres = |version| PostgresServer { version, most: 100, reserved: 3, limit: None, used: 1 };
        assert_eq!(version(postgres(150_004)).verdict, Verdict::Ok);
        let old = version(postgres(140_011));
        assert_eq!((old.verdict, old.found.as_str()), (Verdict::Fail, "version 14.11"));
    }

    #[test]
    fn too_few_connections_fail_and_scarce_ones_warn() {
        let server = PostgresServer { version: 150_000, most: 100, reserved: 3, limit: None, used: 1 };
        let verdict = |most, used| room(Role::Gateway, PostgresServer { most, used, ..server }).verdict;
        assert_eq!(verdict(30, 1), Verdict::Fail);
        assert_eq!(verdict(100, 80), Verdict::Warn);
        assert_eq!(verdict(34, 1), Verdict::Ok);
        assert_eq!(verdict(100, 30), Verdict::Ok);
        assert_eq!(room(Role::Gateway, PostgresServer { limit: Some(30), ..server }).verdict, Verdict::Fail);
    }

    #[test]
    fn processes_that_take_more_than_there_is_warn() {
        let verdict = |connections| together(Running { processes: 3, connections }, 97).verdict;
        assert_eq!([0.0, 97.0, 99.0].map(verdict), [Verdict::Ok, Verdict::Ok, Verdict::Warn]);
    }

    #[test]
    fn the_time_of_the_question_is_no_offset() {
        for (theirs, want) in [(99, -1), (100, 0), (150, 0), (200, 0), (260, 60)] {
            assert_eq!(offset(100, theirs, 200), want);
        }
        assert_eq!([-61_000, 1_001, 5].map(|off| verdict(off).verdict), [Verdict::Fail, Verdict::Warn, Verdict::Ok]);
    }
}
