//! Backups of a log, restored elsewhere, and everything that is refused.

use crate::support::{Answer, WORDS, World, program, run};
use serde_json::Value;
use sql::{Database, Engine, query};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use testkit::{Home, Mix, each_engine};
use uuid::Uuid;

/// A home on the same engine, without tables.
async fn elsewhere(home: &Home) -> Home {
    let engine = if home.database_url().is_some() { Engine::Postgres } else { Engine::Sqlite };
    Home::mix(Mix::of(engine)).await.emptied().await
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Makes a backup of a world; returns its folder and its manifest.
async fn back_up(world: &World) -> (PathBuf, Value) {
    let folder = world.home.folder().join("backup");
    let manifest = world.run(&["backup", text(&folder), "--json"]).await.expect(0).json();
    (folder, manifest)
}

/// Runs the program with changes to its environment; an empty value removes a variable.
async fn run_with(home: &Home, changes: &[(&str, &str)], arguments: &[&str]) -> Answer {
    let mut command = program(home, arguments);
    for (name, value) in changes {
        if value.is_empty() {
            command.env_remove(name)
        } else {
            command.env(name, value)
        };
    }
    Answer::of(command.output().await.unwrap())
}

/// Nothing was written to a home, but for the folder of a database that Postgres has.
async fn is_untouched(home: &Home) -> bool {
    let left: Vec<_> = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.is_empty() && !Database::exists(&home.log()).await.unwrap()
}

each_engine!(a_backup_is_restored_elsewhere_as_another_incarnation, |home| async move {
    let world = World::new(home).await;
    let (message, _) = world.say(WORDS).await;
    world.call().await;
    let head = world.run(&["chain", "head"]).await.expect(0);
    let noted = world.home.folder().join("HEAD.json");
    fs::write(&noted, &head.text).unwrap();
    let (folder, keys) = (world.home.folder().join("backup"), world.home.folder().join("keys.json"));
    let made = world.run(&["backup", text(&folder), "--keys", text(&keys), "--json"]).await.expect(0).json();
    assert_eq!((&made["log"]["position"], &made["head"]["keyId"]), (&head.json()["position"], &head.json()["keyId"]));
    assert_eq!((&made["log"]["chain"], &made["files"]["count"]), (&head.json()["chain"], &0.into()));
    assert!(!fs::read_to_string(folder.join("manifest.json")).unwrap().contains(&"07".repeat(32)));
    world.edit(message, "meet me elsewhere").await;
    let later = world.home.folder().join("LATER.json");
    fs::write(&later, world.run(&["chain", "head"]).await.expect(0).text).unwrap();

    let other = elsewhere(&world.home).await;
    let restore = ["restore", text(&folder), "--keys", text(&keys), "--json"];
    let restored = run(&other, &restore).await.expect(0).json();
    assert_eq!((&restored["position"], &restored["chain"]["sound"]), (&made["log"]["position"], &true.into()));
    assert_eq!(restored["readModels"]["differences"].as_array().unwrap().len(), 0);
    assert_eq!(restored["former"]["incarnation"], made["log"]["incarnation"]);
    assert_eq!(restored["former"]["until"], made["log"]["position"]);
    let status = run(&other, &["status", "--json"]).await.expect(0).json();
    assert_eq!(status["incarnation"], restored["incarnation"]);
    assert_ne!(restored["incarnation"], made["log"]["incarnation"]);
    run(&other, &["verify", "all"]).await.expect(0);
    let said = run(&other, &["events", "--type", "message", "--open", "--json"]).await.expect(0);
    assert_eq!((said.text.lines().count(), said.text.contains(WORDS)), (1, true), "{said:?}");

    run(&other, &["chain", "verify", "--against", text(&noted)]).await.expect(0);
    let faults = run(&other, &["chain", "verify", "--against", text(&later)]).await.expect(1);
    assert!(faults.text.contains("the log was restored without the events from"), "{faults:?}");

    let again = run(&other, &restore).await.expect(2);
    assert!(again.complaint.contains("a backup is restored only where there is no log yet"), "{again:?}");
    // A backup of the restored log has its history.
    let (second, third) = (other.folder().join("second"), elsewhere(&other).await);
    run(&other, &["backup", text(&second)]).await.expect(0);
    run(&third, &["restore", text(&second), "--no-rebuild"]).await.expect(0);
    run(&third, &["chain", "verify"]).await.expect(0);
});

each_engine!(the_keys_travel_apart_from_the_data, |home| async move {
    let world = World::new(home).await;
    world.say(WORDS).await;
    let kept = [("CHATCHIT_MASTER_KEY", "")];
    fs::write(world.home.folder().join("master.key"), "07".repeat(32)).unwrap();
    let (folder, keys) = (world.home.folder().join("backup"), world.home.folder().join("keys.json"));
    let inside = folder.join("keys.json");
    let refused = run_with(&world.home, &kept, &["backup", text(&folder), "--keys", text(&inside)]).await.expect(2);
    assert!(refused.complaint.contains("must be kept apart from the data"), "{refused:?}");
    let backup = ["backup", text(&folder), "--keys", text(&keys)];
    let made = run_with(&world.home, &kept, &backup).await.expect(0);
    assert!(made.text.contains("saved apart") && made.text.contains("master.key"), "{made:?}");
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    // The same keys may be saved again, others are not overwritten.
    let second = world.home.folder().join("second");
    run_with(&world.home, &kept, &["backup", text(&second), "--keys", text(&keys)]).await.expect(0);
    let third = world.home.folder().join("third");
    let other = fs::read_to_string(&keys).unwrap().replace(&"07".repeat(32), &"08".repeat(32));
    let wrong = world.home.folder().join("wrong.json");
    fs::write(&wrong, other).unwrap();
    let refused = run_with(&world.home, &kept, &["backup", text(&third), "--keys", text(&wrong)]).await.expect(2);
    assert!(refused.complaint.contains("is not overwritten") && !third.exists(), "{refused:?}");

    let (other, another_key) = (elsewhere(&world.home).await, "08".repeat(32));
    for (changes, arguments, complaint) in [
        (kept, vec!["restore", text(&folder)], "the backup needs the master key"),
        (kept, vec!["restore", text(&folder), "--keys", text(&wrong)], "is not the master key of this backup"),
        ([("CHATCHIT_MASTER_KEY", another_key.as_str())], vec!["restore", text(&folder)], "is not the master key"),
        (kept, vec!["restore", text(&folder), "--keys", text(&folder.join("manifest.json"))], "is not a file of keys"),
    ] {
        let refused = run_with(&other, &changes, &arguments).await.expect(2);
        assert!(refused.complaint.contains(complaint), "{refused:?}");
        assert!(is_untouched(&other).await, "{complaint}");
    }
    run_with(&other, &kept, &["restore", text(&folder), "--keys", text(&keys)]).await.expect(0);
    assert_eq!(fs::read_to_string(other.folder().join("master.key")).unwrap().trim(), "07".repeat(32));
    let said = run_with(&other, &kept, &["events", "--type", "message", "--open", "--json"]).await.expect(0);
    assert!(said.text.contains(WORDS), "{said:?}");
});

each_engine!(what_is_no_whole_backup_is_refused_and_nothing_is_written, |home| async move {
    let world = World::new(home).await;
    world.say(WORDS).await;
    let (folder, manifest) = back_up(&world).await;
    let file = folder.join("log").join(manifest["log"]["parts"][0]["file"].as_str().unwrap());
    let other = elsewhere(&world.home).await;
    let refused = async |complaint: &str| {
        let refused = run(&other, &["restore", text(&folder)]).await.expect(2);
        assert!(refused.complaint.contains(complaint), "{refused:?}");
        assert!(is_untouched(&other).await, "{complaint}");
    };
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed.push(b'\n');
    fs::write(&file, &changed).unwrap();
    refused("is not as it was written").await;
    fs::remove_file(&file).unwrap();
    refused("is missing").await;
    fs::write(&file, &whole).unwrap();

    let path = folder.join("manifest.json");
    let stored = fs::read_to_string(&path).unwrap();
    let (engine, another) = match world.home.database_url() {
        Some(_) => ("\"postgres\"", "\"sqlite\""),
        None => ("\"sqlite\"", "\"postgres\""),
    };
    for (from, to, complaint) in [
        (engine, another, "a log is restored to the engine that it was copied from"),
        ("chatchit.backup.1", "chatchit.backup.2", "the backup has the format chatchit.backup.2"),
        ("\"version\": 31,", "\"version\": 9999,", "a newer build made it"),
        (manifest["log"]["parts"][0]["file"].as_str().unwrap(), "../manifest.json", "is not the name of a file"),
        ("{", "[", "is not the manifest of a backup"),
    ] {
        fs::write(&path, stored.replacen(from, to, 1)).unwrap();
        refused(complaint).await;
    }
    fs::remove_file(&path).unwrap();
    refused("is no whole backup").await;
    fs::write(&path, &stored).unwrap();

    run(&other, &["restore", text(&folder)]).await.expect(0);
});

each_engine!(a_backup_that_cannot_be_written_leaves_nothing, |home| async move {
    let world = World::new(home).await;
    for n in 0..20 {
        world.say(&format!("{WORDS} {n}")).await;
    }
    let place = world.home.folder().join("places");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("file"), "").unwrap();
    fs::create_dir(place.join("full")).unwrap();
    fs::write(place.join("full/other"), "").unwrap();
    for (name, complaint) in [
        ("file", "cannot write a backup to"),
        ("file/below", "cannot write a backup to"),
        ("full", "is not empty"),
        ("none/below", "cannot create"),
    ] {
        let refused = world.run(&["backup", text(&place.join(name))]).await.expect(2);
        assert!(refused.complaint.contains(complaint) && refused.complaint.contains(name), "{refused:?}");
    }
    // A disk that takes no more, after 4 KiB of a file.
    let target = place.join("backup");
    let limited = program(&world.home, &["backup", text(&target)]);
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""]).arg(limited.as_std().get_program());
    shell.args(limited.as_std().get_args()).env_clear().current_dir(world.home.folder());
    shell.envs(limited.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    let refused = Answer::of(shell.output().await.unwrap()).expect(2);
    assert!(refused.complaint.contains("cannot copy the log to"), "{refused:?}");
    let mut left: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["file", "full"]);

    // What a killed one left is cleared by the next, and is no backup.
    let partial = place.join("backup.partial");
    fs::create_dir_all(partial.join("log")).unwrap();
    fs::write(partial.join("log/rest"), "").unwrap();
    let refused = world.run(&["restore", text(&partial)]).await.expect(2);
    assert!(refused.complaint.contains("is no whole backup"), "{refused:?}");
    fs::create_dir(&target).unwrap();
    world.run(&["backup", text(&target)]).await.expect(0);
    assert!(!partial.exists() && !target.join("log/rest").exists() && !target.join(".lock").exists());
    let others = fs::metadata(&target).unwrap().permissions().mode() & 0o077;
    assert_eq!(others, 0, "it is its owner's alone");
});

each_engine!(an_account_erased_before_a_backup_stays_erased, |home| async move {
    let world = World::new(home).await;
    world.say(WORDS).await;
    let (early, _) = back_up(&world).await;
    world.erase_ana().await;
    let late = world.home.folder().join("late");
    world.run(&["backup", text(&late)]).await.expect(0);
    for (folder, is_back) in [(&late, false), (&early, true)] {
        let other = elsewhere(&world.home).await;
        let restored = run(&other, &["restore", text(folder)]).await.expect(0);
        assert!(restored.text.contains("are back: erase them again"), "{restored:?}");
        let opened = run(&other, &["events", "--open", "--json"]).await.expect(0).text;
        assert_eq!((opened.contains(WORDS), opened.contains("Ana")), (is_back, is_back), "{opened}");
    }
});

each_engine!(a_log_is_given_a_new_incarnation, |home| async move {
    let world = World::new(home).await;
    world.say(WORDS).await;
    world.run(&["rebuild", "all"]).await.expect(0);
    let before = world.store.incarnation().to_string();
    assert!(world.store.has_last_seen_event().await.unwrap());
    let head = world.store.head().await.unwrap().position;
    for renewal in 1..=2 {
        let renewed = world.run(&["incarnation", "new", "--json"]).await.expect(0).json();
        assert_eq!(
            (&renewed["former"]["until"], renewal == 1),
            (&head.into(), renewed["former"]["incarnation"] == before)
        );
        assert!(renewed["incarnation"].as_str().unwrap().parse::<Uuid>().is_ok());
    }
    assert!(!world.store.has_last_seen_event().await.unwrap(), "a process that runs notices it");
    world.run(&["chain", "verify"]).await.expect(0);
    world.run(&["rebuild", "all"]).await.expect(0);
    world.run(&["verify", "all"]).await.expect(0);
    let nothing = run(&elsewhere(&world.home).await, &["incarnation", "new"]).await.expect(2);
    assert!(nothing.complaint.contains("there is no log"), "{nothing:?}");
});

each_engine!(a_backup_of_an_older_build_is_migrated, |home| async move {
    let world = World::new(home).await;
    world.say(WORDS).await;
    let log = Database::connect(&world.home.log(), 1).await.unwrap();
    log.execute(query("DELETE FROM _sqlx_migrations WHERE version = 31")).await.unwrap();
    world.run(&["status"]).await.expect(2);
    let (folder, manifest) = back_up(&world).await;
    assert_eq!(manifest["log"]["migrations"].as_array().unwrap().last().unwrap()["version"], 30);
    let other = elsewhere(&world.home).await;
    run(&other, &["restore", text(&folder), "--no-rebuild"]).await.expect(0);
    run(&other, &["chain", "verify"]).await.expect(0);
});
