//! A verification finds nothing in correct tables, and every difference in others.

use super::support::{DEADLINE, Story, World, clock, tables};
use broker::Faults;
use domain::{
    friendship::FriendshipAct,
    message::MessageCommand,
    read_marker::Mark,
    user::{ProfileChange, UserCommand},
};
use projections::{
    Projection,
    rebuild::{Difference, DifferenceKind, RebuildOptions, Verified, columns, verify},
};
use sql::{Database, query};
use testkit::each_engine;
use tokio_util::sync::CancellationToken;

/// A history that leaves at least one row in every table.
pub(super) fn life() -> Story {
    let mut story = Story::new(1);
    story.register_all(4);
    story.rename(1, "Renamed");
    story.account(2, UserCommand::Update { user: story.user(2), change: ProfileChange::default() });
    story.account(3, UserCommand::Block);
    story.sign_in(0, 0);
    story.sign_in(1, 1);
    story.sign_out(1, 1);
    story.pair(0, 1, FriendshipAct::Request);
    story.pair(2, 3, FriendshipAct::Block);
    let group = story.open_group(0, 0, &[1, 2], false);
    for n in 0..5 {
        story.send(n, n % 3, group, "hello");
    }
    story.edit(0, 0, "edited");
    story.react(0, 1, "👍");
    story.on_message(1, MessageCommand::Hide { user: story.user(0) });
    story.on_message(2, MessageCommand::Delete { by: story.user(2), leads: false });
    story.mark(group, 1, 3, Mark::Read);
    story
}

pub(super) async fn verified(world: &World) -> (Verified, Vec<Difference>) {
    let mut differences = Vec::new();
    let live = world.home.read_models();
    let options = RebuildOptions::new(clock);
    let token = CancellationToken::new();
    let mut found = |difference| differences.push(difference);
    let verified = verify(&world.store, &live, &Projection::ALL, options, token, &mut found).await.unwrap();
    assert_eq!(verified.differences, differences.len() as u64);
    (verified, differences)
}

each_engine!(good_tables_show_no_difference, |home| async move {
    let world = World::new(home).await;
    let token = CancellationToken::new();
    let worker = world.worker(&world.broker(Faults::NONE), &token);
    let mut story = life();
    let position = world.tell(&mut story).await;
    assert!(worker.progress().wait(position, &Projection::ALL, DEADLINE).await);
    let (found, differences) = verified(&world).await;
    assert_eq!(differences, []);
    assert!(found.rows >= 20, "{} rows", found.rows);

    // Beside a busy worker.
    let group = story.group(0);
    let (_, (_, differences)) = tokio::join!(
        async {
            for n in 5..60 {
                story.send(n, n % 3, group, "hello");
                world.tell(&mut story).await;
            }
        },
        verified(&world)
    );
    assert_eq!(differences, []);
    token.cancel();
    worker.stopped().await;
});

each_engine!(any_altered_column_of_any_table_is_named, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut life()).await;
    world.catch_up().await;
    let mut altered = Vec::new();
    for table in tables() {
        let mut tx = world.database.begin_read().await.unwrap();
        let columns = columns(&mut tx, table).await.unwrap();
        drop(tx);
        let key: Vec<_> = table.key.iter().map(|(column, _)| *column).collect();
        for column in columns.iter().filter(|column| !key.contains(&column.as_str())) {
            if alter(&world.database, table.name, column, &key.join(", ")).await {
                altered.push((table.name, column.clone()));
            }
        }
    }
    assert!(altered.len() > 50, "only {} columns were altered", altered.len());
    let (_, differences) = verified(&world).await;
    for (table, column) in &altered {
        let named = |difference: &&Difference| {
            difference.table == *table
                && matches!(&difference.kind, DifferenceKind::Column { name, .. } if name == column)
        };
        assert_eq!(differences.iter().filter(named).count(), 1, "{table}.{column}: {differences:#?}");
    }
    assert_eq!(differences.len(), altered.len());
});

/// Changes the column of one row. Returns whether there was a row.
async fn alter(database: &Database, table: &str, column: &str, key: &str) -> bool {
    let row = format!("({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1)");
    let other = match database {
        Database::Sqlite { .. } => {
            let sql = format!("SELECT type AS type FROM pragma_table_info('{table}') WHERE name = '{column}'");
            let found = database.fetch_optional(query(sql)).await.unwrap().unwrap().get::<String>("type").unwrap();
            match found.as_str() {
                "BLOB" => "X'00112233445566778899AABBCCDDEEFF'".to_owned(),
                "INTEGER" => format!("1 - COALESCE({column}, 0)"),
                _ => format!("COALESCE({column}, '') || '!'"),
            }
        }
        Database::Postgres { .. } => {
            let sql = format!(
                "SELECT data_type::TEXT AS type FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = '{table}' AND column_name = '{column}'"
            );
            let found = database.fetch_optional(query(sql)).await.unwrap().unwrap().get::<String>("type").unwrap();
            match found.as_str() {
                "uuid" => "'00112233-4455-6677-8899-aabbccddeeff'".to_owned(),
                "bigint" => format!("1 - COALESCE({column}, 0)"),
                "boolean" => format!("NOT {column}"),
                _ => format!("COALESCE({column}, '') || '!'"),
            }
        }
    };
    database.execute(query(format!("UPDATE {table} SET {column} = {other} WHERE {row}"))).await.unwrap() == 1
}

each_engine!(rows_too_many_and_too_few_are_named, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut life()).await;
    world.catch_up().await;
    let rows = [
        "DELETE FROM sessions WHERE ended_at IS NULL",
        "INSERT INTO hidden (message_id, user_id) SELECT message_id, user_id FROM reactions",
    ];
    for sql in rows {
        assert_eq!(world.database.execute(query(sql)).await.unwrap(), 1);
    }
    let (_, differences) = verified(&world).await;
    let named: Vec<_> = differences.iter().map(|difference| (difference.table, &difference.kind)).collect();
    assert_eq!(named, [("sessions", &DifferenceKind::Missing), ("hidden", &DifferenceKind::Surplus)]);
});
