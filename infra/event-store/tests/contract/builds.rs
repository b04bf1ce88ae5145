//! Several builds on one log during an upgrade.

use crate::support::*;
use event_store::{AppendError, EventStore, ReadError, Selection};
use sql::{Database, Engine, SchemaError, query};
use testkit::{Home, each_engine};

async fn raw(home: &Home) -> Database {
    Database::connect(&home.log(), 1).await.unwrap()
}

/// Records a migration that this build does not know.
async fn migrate_beyond(home: &Home, name: &str) {
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, $1, TRUE, $2, 0)";
    raw(home).await.execute(query(sql).bind(name).bind(vec![0_u8])).await.unwrap();
}

fn post(n: u128) -> event_store::Append {
    append(&format!("{n}"), vec![sent(message(n), conversation(1), user(1), "hello")])
}

each_engine!(tables_moved_by_a_newer_build_are_waited_for, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    store.append(post(1)).await.unwrap();
    let database = raw(&home).await;
    let rename = async |from: &str, to: &str| {
        database.execute(query(format!("ALTER TABLE {from} RENAME TO {to}"))).await.unwrap();
    };
    rename("command_keys", "elsewhere").await;
    for n in 2..4 {
        let refused = store.append(post(n)).await.unwrap_err();
        assert!(matches!(refused, AppendError::Unavailable(_)), "{refused:?}");
    }
    rename("elsewhere", "command_keys").await;
    assert_eq!(store.append(post(2)).await.unwrap().position, Some(2));
    rename("inbox", "elsewhere").await;
    let unread = store.intervals(user(1).0).await.unwrap_err();
    assert!(matches!(&unread, ReadError::Unavailable(error) if error.is_temporary()), "{unread:?}");
});

#[tokio::test]
async fn each_build_has_its_own_function() {
    let home = Home::new(Engine::Postgres).await;
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let database = raw(&home).await;
    let functions = async || {
        let sql = "SELECT proname::text AS name FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
            AND proname LIKE 'append_batch%' ORDER BY 1";
        let rows = database.fetch_all(query(sql)).await.unwrap();
        rows.iter().map(|row| row.get::<String>("name").unwrap()).collect::<Vec<_>>()
    };
    let both = functions().await;
    assert_eq!((both.len(), both[0].as_str()), (2, "append_batch"), "that of older builds stays: {both:?}");
    // An existing function is not installed again; a missing one is.
    let (_other, _batches) = open(&home).await;
    assert_eq!(functions().await, both);
    let rename = async |from: &str, to: &str| {
        database.execute(query(format!("ALTER FUNCTION {from} RENAME TO {to}"))).await.unwrap();
    };
    rename(&both[1], "gone").await;
    let refused = store.append(post(1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused:?}");
    let (next, _batches) = open(&home).await;
    assert_eq!(functions().await, both);
    assert_eq!(next.append(post(1)).await.unwrap().position, Some(1));
    assert_eq!(store.append(post(2)).await.unwrap().position, Some(2), "and the first store continues");
}

each_engine!(an_older_build_starts_beside_a_newer_one_without_breaking_migrations, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    migrate_beyond(&home, "more").await;
    let (older, _batches) = open(&home).await;
    older.append(post(1)).await.unwrap();
    raw(&home).await.execute(query("DELETE FROM _sqlx_migrations WHERE version = 9999")).await.unwrap();
    migrate_beyond(&home, "breaking less").await;
    let Err(refused) = EventStore::open(settings(&home)).await else { panic!("it started") };
    let broken = SchemaError::Breaking(9999, "breaking less".to_owned());
    assert!(matches!(&refused, ReadError::Unavailable(sql::Error::Schema(error)) if *error == broken), "{refused:?}");
    store.append(post(2)).await.unwrap();
});

each_engine!(a_reader_changes_nothing, |home| async move {
    let home = home.emptied().await;
    let Err(refused) = EventStore::attach(settings(&home)).await else { panic!("there is nothing") };
    assert!(matches!(refused, ReadError::Unavailable(sql::Error::Schema(SchemaError::Missing))), "{refused:?}");
    assert!(!Database::exists(&home.log()).await.unwrap(), "and nothing was created");

    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    store.append(post(1)).await.unwrap();
    let reader = EventStore::attach(settings(&home)).await.unwrap();
    assert_eq!((reader.incarnation(), reader.partitions()), (store.incarnation(), store.partitions()));
    assert_eq!(reader.read_after(0, &Selection::All, 9).await.unwrap().len(), 1);
    assert!(matches!(reader.append(post(2)).await, Err(AppendError::Unavailable(_))));

    let database = raw(&home).await;
    let newest = "SELECT MAX(version) AS newest FROM _sqlx_migrations";
    let newest: i64 = database.fetch_optional(query(newest)).await.unwrap().unwrap().get("newest").unwrap();
    database.execute(query("DELETE FROM _sqlx_migrations WHERE version = $1").bind(newest)).await.unwrap();
    let Err(refused) = EventStore::attach(settings(&home)).await else { panic!("it is older") };
    let older = SchemaError::Older(newest);
    assert!(matches!(&refused, ReadError::Unavailable(sql::Error::Schema(error)) if *error == older), "{refused:?}");
});
