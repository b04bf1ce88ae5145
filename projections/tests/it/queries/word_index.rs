//! The index of words, when its version changes.

use super::{
    queries_on,
    search::{corpus, found, words},
};
use crate::{
    support::{World, dump},
    verify::verified,
};
use projections::{WordIndex, queries::stale_words};
use sql::{Engine, query};
use testkit::each_engine;
use words::{VERSION, WITH_BUCKET};

each_engine!(words_of_another_version_are_indexed_anew, |home| async move {
    let world = World::new(home).await;
    let (mut story, queries) = corpus(&world, &["a t-shirt", "고등학교", "gone", "plain"]).await;
    let whole = dump(&world.database).await;
    let index = WordIndex::new(world.database.clone());
    assert_eq!(index.reindex(true).await.unwrap(), 0, "nothing is of another version");

    // As the previous build wrote them: without a version, and with other words.
    let position_of = match world.database.engine() {
        Engine::Sqlite => "instr",
        Engine::Postgres => "strpos",
    };
    let older = format!(
        "UPDATE message_words SET words = substr(words, {position_of}(words, '§'), 33) || ' shirt t plain 고등학교'"
    );
    world.database.execute(query(older)).await.unwrap();
    let version = query("DELETE FROM user_words WHERE word = $1").bind(VERSION);
    assert_eq!(world.database.execute(version).await.unwrap(), 8);
    assert!(found(&queries, story.user(1), &words("t-shirt")).await.is_empty());
    assert_eq!(found(&queries, story.user(1), &words("plain")).await.len(), 4, "searches go on");
    assert!(verified(&world).await.0.differences > 0);

    assert_eq!(index.reindex(true).await.unwrap(), 8);
    assert_eq!(dump(&world.database).await, whole);
    assert_eq!(verified(&world).await.1, []);
    assert_eq!(found(&queries, story.user(1), &words("t-shirt")).await, ["a t-shirt"]);
    assert_eq!(found(&queries, story.user(1), &words("학교")).await, ["고등학교"]);
    assert!(found(&queries, story.user(1), &words("shirt t plain")).await.is_empty());

    // An older process beside this one changes a message and a name; no other row is left to index.
    story.edit(3, 0, "edited c++");
    queries_on(&world, &mut story).await;
    let whole = dump(&world.database).await;
    let position = "SELECT position FROM messages WHERE id = $1";
    let older = format!("UPDATE message_words SET words = 'edited c' WHERE position = ({position})");
    assert_eq!(world.database.execute(query(older).bind(story.message(3).0)).await.unwrap(), 1);
    let version = query("DELETE FROM user_words WHERE word = $1 AND user_id = $2 AND field = 'last'");
    world.database.execute(version.bind(VERSION).bind(story.user(2).0)).await.unwrap();
    assert_eq!(index.reindex(false).await.unwrap(), 1, "names are looked at now and then");
    assert_eq!(index.reindex(true).await.unwrap(), 1);
    assert_eq!(dump(&world.database).await, whole);
    assert_eq!(found(&queries, story.user(1), &words("c++")).await, ["edited c++"]);

    let silenced = query("UPDATE messages SET content = NULL WHERE id = $1").bind(story.message(0).0);
    world.database.execute(silenced).await.unwrap();
    let older = "UPDATE message_words SET words = 'older' WHERE words LIKE '%shirt%'";
    assert_eq!(world.database.execute(query(older)).await.unwrap(), 1);
    assert_eq!(index.reindex(false).await.unwrap(), 1);
    assert_eq!(dump(&world.database).await["message_words"].len(), 3);
});

each_engine!(more_than_a_portion_is_indexed_anew, |home| async move {
    let world = World::new(home).await;
    let texts: Vec<_> = (0..600).map(|n| format!("message #{n}")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let (story, queries) = corpus(&world, &texts).await;
    let whole = dump(&world.database).await;
    let older = "UPDATE message_words SET words = substr(words, 4)";
    world.database.execute(query(older)).await.unwrap();
    assert_eq!(WordIndex::new(world.database.clone()).reindex(true).await.unwrap(), 600);
    assert_eq!(dump(&world.database).await, whole);
    assert_eq!(found(&queries, story.user(1), &words("#599")).await, ["message #599"]);
});

each_engine!(what_is_of_another_version_has_an_index, |home| async move {
    let world = World::new(home).await;
    let engine = world.database.engine();
    let (sql, begins, explain, column, name) = match engine {
        Engine::Sqlite => (
            "SELECT sql AS made FROM sqlite_master WHERE name = 'message_words_stale'",
            format!("'{VERSION} '"),
            "EXPLAIN QUERY PLAN",
            "detail",
            "message_words_stale",
        ),
        Engine::Postgres => (
            "SELECT indexdef AS made FROM pg_indexes WHERE indexname = 'message_words_without_bucket'",
            format!("'{WITH_BUCKET}'"),
            "EXPLAIN (COSTS OFF)",
            "QUERY PLAN",
            "message_words_without_bucket",
        ),
    };
    let made: String = world.database.fetch_optional(query(sql)).await.unwrap().unwrap().get("made").unwrap();
    assert!(made.contains(&begins), "a version has a migration: {made}");
    // Both statements that read it: this job's, and on Postgres that of each search.
    for rest in ["AND position < 9 ORDER BY position DESC LIMIT 9", "ORDER BY position DESC LIMIT 1"] {
        let sql = format!("{explain} SELECT position FROM message_words WHERE {} {rest}", stale_words(engine));
        let plan = world.database.fetch_all(query(sql)).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(column).unwrap()).collect();
        assert!(plan.iter().any(|line| line.contains(name)), "{plan:?}");
    }
});
