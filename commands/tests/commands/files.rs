//! Files: references to them, and their collection.

use commands::{CommandError, Commands, CreateConversation, SendMessage, UploadFile};
use commands_testkit::*;
use domain::{
    FileId,
    conversation::SettingsChange,
    file::{FileLabel, Sha256},
    message::{Attachment, MessageContent},
    text::{FileName, Link, MediaType, MessageBody},
    user::ProfileChange,
};
use testkit::each_engine;

fn file(name: &str) -> UploadFile {
    UploadFile {
        id: FileId(ids()),
        label: FileLabel { name: FileName::parse(name).unwrap(), sha256: Sha256([7; 32]) },
        size: 5,
        mime: MediaType::parse("image/png").unwrap(),
        thumb: true,
    }
}

async fn upload(commands: &Commands, by: &Person) -> FileId {
    let done = commands.upload_file(&by.ctx, file("cat.png")).await.unwrap();
    assert_eq!((done.state.by(), done.receipt.version), (by.id, 1));
    done.id.into()
}

fn with(draft: SendMessage, links: &[(&str, Option<&str>)]) -> SendMessage {
    let attachment = |(file, thumb): &(&str, Option<&str>)| Attachment {
        file_url: Link::parse(file).unwrap(),
        thumb_url: thumb.map(|thumb| Link::parse(thumb).unwrap()),
        name: None,
        size: None,
        mime: None,
    };
    let attachments = links.iter().map(attachment).collect();
    SendMessage { content: MessageContent { body: MessageBody::parse("look").unwrap(), attachments }, ..draft }
}

/// The fields at fault.
fn fields<T>(result: Result<T, CommandError>) -> Vec<(String, String)> {
    match result {
        Err(CommandError::Invalid(faults)) => faults.into_iter().map(|fault| (fault.field, fault.code)).collect(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => Vec::new(),
    }
}

fn not_found(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), "not_found".to_owned())).collect()
}

each_engine!(only_its_uploader_attaches_an_unseen_file, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let cat = upload(&commands, &ana).await;
    let (url, thumb) = (cat.url(), cat.thumb_url());
    let guessed = FileId(ids()).url();
    let links = [("https://a.example/x", Some("https://a.example/y")), (&url, Some(&thumb)), (&guessed, None)];
    let sent = commands.send_message(&bob.ctx, with(draft(us, ""), &links)).await;
    assert_eq!(
        fields(sent),
        not_found(&["attachments[1].fileUrl", "attachments[1].thumbUrl", "attachments[2].fileUrl"])
    );
    let misspelt = format!("{url}/");
    let sent = commands.send_message(&ana.ctx, with(draft(us, ""), &[(&misspelt, None)])).await;
    assert_eq!(fields(sent), [("attachments[0].fileUrl".to_owned(), "malformed".to_owned())]);
    let words = commands.upload_file(&ana.ctx, UploadFile { thumb: false, ..file("a.txt") }).await.unwrap();
    let no_thumb = FileId::from(words.id).thumb_url();
    let sent = commands.send_message(&ana.ctx, with(draft(us, ""), &[(&no_thumb, None)])).await;
    assert_eq!(fields(sent), not_found(&["attachments[0].fileUrl"]), "it has no thumbnail");
    commands.send_message(&ana.ctx, with(draft(us, ""), &links[..2])).await.unwrap();
    assert_eq!(refusal(commands.upload_file(&anonymous(), file("x")).await), "InvalidToken");
});

each_engine!(only_its_uploader_shows_a_file_as_a_picture, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let cat = upload(&commands, &ana).await;
    let link = || Some(Link::parse(&cat.thumb_url()).unwrap());
    let profile = || ProfileChange { avatar_url: Some(link()), ..ProfileChange::default() };
    assert_eq!(fields(commands.update_profile(&bob.ctx, profile()).await), not_found(&["avatarUrl"]));
    commands.update_profile(&ana.ctx, profile()).await.unwrap();
    let new = || CreateConversation { avatar_url: link(), ..group_of(&[]) };
    assert_eq!(fields(commands.create_conversation(&bob.ctx, new()).await), not_found(&["avatarUrl"]));
    let us = commands.create_conversation(&ana.ctx, new()).await.unwrap().done.id.into();
    commands.add(&ana.ctx, us, bob.id).await.unwrap();
    commands.promote(&ana.ctx, us, bob.id).await.unwrap();
    let settings = |avatar_url| SettingsChange { avatar_url: Some(avatar_url), ..SettingsChange::default() };
    commands.update_conversation(&bob.ctx, us, settings(link())).await.unwrap();
    commands.update_conversation(&bob.ctx, us, settings(None)).await.unwrap();
    let again = commands.update_conversation(&bob.ctx, us, settings(link())).await;
    assert_eq!(fields(again), not_found(&["avatarUrl"]), "what stands there stays; what does not is somebody else's");
    commands.update_conversation(&ana.ctx, us, settings(link())).await.unwrap();
});

each_engine!(a_collected_file_cannot_be_referred_to, |home| async move {
    let (commands, elsewhere) = (server(&home).await, server(&home).await);
    let ana = person(&commands, "ana").await;
    let us = group(&commands, &ana, &[]).await;
    let cat = upload(&commands, &ana).await;
    let message = || with(draft(us, ""), &[(&cat.url(), None)]);
    commands.send_message(&ana.ctx, message()).await.unwrap();
    // Another process collects: the state cached here is stale, and the append detects it.
    let collected = elsewhere.collect_file(cat).await.unwrap();
    assert!(collected.receipt.position.is_some() && collected.state.is_stored());
    assert!(elsewhere.collect_file(cat).await.unwrap().receipt.position.is_none(), "once");
    let refused = commands.send_message(&ana.ctx, message()).await;
    assert_eq!(fields(refused), not_found(&["attachments[0].fileUrl"]));
    elsewhere.restore_file(cat).await.unwrap();
    commands.send_message(&ana.ctx, message()).await.unwrap();
    elsewhere.delete_file(cat).await.unwrap();
    assert!(!elsewhere.file(cat).await.unwrap().state.is_stored());
    assert!(elsewhere.delete_file(cat).await.unwrap().receipt.position.is_none(), "once");
    let refused = commands.send_message(&ana.ctx, message()).await;
    assert_eq!(fields(refused), not_found(&["attachments[0].fileUrl"]));
    for absent in [commands.collect_file(FileId(ids())).await, commands.restore_file(FileId(ids())).await] {
        assert_eq!(refusal(absent), "not_found");
    }
});

each_engine!(the_same_key_is_the_same_file, |home| async move {
    let commands = server(&home).await;
    let ana = person(&commands, "ana").await;
    let (first, second) = (file("cat.png"), file("cat.png"));
    let done = commands.upload_file(&ana.with_key("k"), first.clone()).await.unwrap();
    assert_eq!(done.id, first.id.0);
    let again = commands.upload_file(&ana.with_key("k"), second.clone()).await.unwrap();
    assert_eq!((again.id, again.receipt.repeated), (first.id.0, true));
    assert!(!commands.file(second.id).await.unwrap().state.is_stored());
    assert_eq!(refusal(commands.upload_file(&ana.with_key("k"), file("dog.png")).await), "KeyReused");
});
