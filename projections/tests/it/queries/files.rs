//! The visibility of files, and the references to them.

use super::{pages, queries_on};
use crate::support::{Story, World};
use domain::{
    FileId, Timestamp, UserId,
    conversation::{ConversationCommand, SettingsChange},
    file::FileCommand,
    message::MessageCommand,
    own_settings::OwnSettingsAct,
    text::Link,
    user::{ProfileChange, UserCommand},
};
use projections::queries::{AgedFileRow, CollectedFileRow, Queries, QueryError};
use testkit::each_engine;

/// While the stories have not expired.
const NOW: Timestamp = Timestamp::from_millis(1);

async fn sees(queries: &Queries, user: UserId, file: FileId, thumb: bool) -> bool {
    match queries.file(user, file, thumb, NOW).await {
        Ok(row) => row.id == file,
        Err(QueryError::NotFound) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn seen_by(queries: &Queries, story: &Story, file: FileId) -> Vec<u64> {
    let mut seen = Vec::new();
    for n in 0..4 {
        if sees(queries, story.user(n), file, false).await {
            seen.push(n);
        }
    }
    seen
}

fn show(link: &str) -> Option<Option<Link>> {
    Some(Some(Link::parse(link).unwrap()))
}

each_engine!(a_file_is_seen_by_its_uploader_and_the_viewers_of_its_carriers, |home| async move {
    let (world, mut story) = (World::new(home).await, Story::new(1));
    story.register_all(4);
    let group = story.open_group(0, 0, &[1, 2], false);
    let file = story.upload(0, 0);
    let queries = queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0]);
    assert!(!queries.is_file_referenced(file).await.unwrap());
    let row = queries.file(story.user(0), file, false, NOW).await.unwrap();
    assert_eq!((row.name.as_deref(), row.size, row.mime.as_str(), row.thumb), (Some("a.png"), 12, "image/png", true));
    assert_eq!(row.uploader, story.user(0));

    story.attach(0, 0, group, "look", &file.url());
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0, 1, 2]);
    assert!(queries.is_file_referenced(file).await.unwrap());

    story.on_message(0, MessageCommand::Hide { user: story.user(1) });
    story.conversation(group, ConversationCommand::Kick { by: story.user(0), user: story.user(2) });
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0], "hidden from one, the other is out");
    assert!(queries.is_file_referenced(file).await.unwrap());

    story.attach(2, 0, group, "again", &file.url());
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0, 1], "another message carries it, too");
    story.keep(group, 1, OwnSettingsAct::Clear);
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0], "cleared by one");
    story.attach(6, 0, group, "after that", &file.url());
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0, 1]);
    for n in [0, 2, 6] {
        story.on_message(n, MessageCommand::Delete { by: story.user(0), leads: false });
    }
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0]);
    assert!(!queries.is_file_referenced(file).await.unwrap());

    story.attach(4, 0, group, "once more", &file.url());
    story.conversation(group, ConversationCommand::Delete { by: Some(story.user(0)), hidden: Default::default() });
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, file).await, [0]);
    assert!(!queries.is_file_referenced(file).await.unwrap(), "the conversation is over");
});

each_engine!(pictures_are_seen_by_whom_they_are_for, |home| async move {
    let (world, mut story) = (World::new(home).await, Story::new(1));
    story.register_all(4);
    let group = story.open_group(0, 0, &[1], true);
    story.conversation(group, ConversationCommand::Join { user: story.user(2), now: Default::default() });
    let [face, flag, thumb] = [0, 2, 4].map(|n| story.upload(n, 0));
    let change = ProfileChange { avatar_url: show(&face.url()), ..ProfileChange::default() };
    story.account(0, UserCommand::Update { user: story.user(0), change });
    let change = SettingsChange { avatar_url: show(&flag.url()), ..SettingsChange::default() };
    story.conversation(group, ConversationCommand::Update { by: story.user(0), change, now: Default::default() });
    let change = ProfileChange { avatar_url: show(&thumb.thumb_url()), ..ProfileChange::default() };
    story.account(1, UserCommand::Update { user: story.user(1), change });
    let queries = queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, face).await, [0, 1, 2, 3], "a person's picture is for anybody");
    assert_eq!(
        seen_by(&queries, &story, flag).await,
        [0, 1],
        "a group's is for its members; who has asked is none yet"
    );
    assert_eq!(seen_by(&queries, &story, thumb).await, [0], "a reference to the thumbnail is none to the file");
    assert!(sees(&queries, story.user(3), thumb, true).await && sees(&queries, story.user(3), face, true).await);
    assert!(!sees(&queries, story.user(3), flag, true).await);
    for file in [face, flag, thumb] {
        assert!(queries.is_file_referenced(file).await.unwrap());
    }
    let change = SettingsChange { avatar_url: Some(None), ..SettingsChange::default() };
    story.conversation(group, ConversationCommand::Update { by: story.user(0), change, now: Default::default() });
    queries_on(&world, &mut story).await;
    assert_eq!(seen_by(&queries, &story, flag).await, [0]);
});

each_engine!(files_are_found_by_age_and_by_what_became_of_them, |home| async move {
    let (world, mut story) = (World::new(home).await, Story::new(1));
    story.register_all(2);
    let group = story.open_group(0, 0, &[1], false);
    let mut files = Vec::new();
    for n in 0..3 {
        // Each in its own batch: a batch has one time.
        files.push(story.upload(n, 0));
        queries_on(&world, &mut story).await;
    }
    let (first, second, third) = (files[0], files[1], files[2]);
    story.attach(0, 0, group, "look", &second.url());
    let queries = queries_on(&world, &mut story).await;
    let far = Timestamp::from_millis(i64::MAX);
    let mut aged = Vec::new();
    loop {
        let page = queries.aged_files(far, aged.last().copied().unwrap_or_default(), 1).await.unwrap();
        if page.is_empty() {
            break;
        }
        aged.extend(page);
    }
    let carried: Vec<_> = aged.iter().map(|row| (row.id, row.carried)).collect();
    assert_eq!(carried, [(first, false), (second, true), (third, false)]);
    assert!(queries.aged_files(aged[0].uploaded_at, AgedFileRow::default(), 9).await.unwrap().is_empty());
    let user = story.user(0);
    assert_eq!(queries.uploaded_since(user, Timestamp::default()).await.unwrap(), (3, 36));
    assert_eq!(queries.uploaded_since(user, aged[0].uploaded_at).await.unwrap(), (2, 24));
    assert_eq!(queries.uploaded_since(story.user(1), Timestamp::default()).await.unwrap(), (0, 0));
    assert_eq!(queries.files_of(user, FileId::default(), 2).await.unwrap(), [first, second]);
    let own = pages(async |page| queries.own_files(user, &page).await).await;
    assert_eq!(own.iter().map(|row| row.id).collect::<Vec<_>>(), [third, second, first]);
    assert_eq!(queries.files_of(user, second, 2).await.unwrap(), [third]);

    story.on_file(0, FileCommand::Collect);
    story.on_file(2, FileCommand::Collect);
    story.on_file(2, FileCommand::Restore);
    queries_on(&world, &mut story).await;
    let collected = queries.collected_files(CollectedFileRow::default(), 9).await.unwrap();
    assert_eq!(collected.iter().map(|row| row.id).collect::<Vec<_>>(), [first]);
    assert!(queries.collected_files(collected[0], 9).await.unwrap().is_empty());
    let aged = queries.aged_files(far, AgedFileRow::default(), 9).await.unwrap();
    assert_eq!(aged.iter().map(|row| row.id).collect::<Vec<_>>(), [second, third]);
    assert!(sees(&queries, user, first, false).await, "as long as it is there");

    story.on_file(0, FileCommand::Delete);
    queries_on(&world, &mut story).await;
    assert!(!sees(&queries, user, first, false).await);
    let among = queries.files_among(&[first.0, second.0, group.0]).await.unwrap();
    assert_eq!(among.into_iter().collect::<Vec<_>>(), [second.0]);
    assert!(queries.files_among(&[]).await.unwrap().is_empty());
    assert!(!queries.has_parked_events().await.unwrap());
});
