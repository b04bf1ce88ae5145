//! Reports, and the commands of moderators and administrators.

use commands::{AccountChange, CommandError, Commands, FileReport, FiledReport, Register, Reported, Verdict};
use commands_testkit::*;
use domain::{
    AggregateType, MessageId, ReportId, UserId,
    administration::Act,
    report::{Evidence, ReportStatus},
    text::{MessageBody, Notes, Reason, RejectedReason},
    user::Role,
};
use event_store::{Selection, StreamId};
use testkit::each_engine;

async fn report(commands: &Commands, by: &Person, reported: Reported) -> Result<FiledReport, CommandError> {
    let (reason, notes) = (Reason::parse("spam").unwrap(), Notes::parse("again").ok());
    commands.file_report(&by.ctx, FileReport { id: ReportId(ids()), reported, reason, notes }).await
}

async fn moderator(commands: &Commands, name: &str) -> Person {
    let registration = Register { role: Role::Moderator, ..registration(name) };
    Person::of(&commands.register(&anonymous(), registration).await.unwrap())
}

fn to_role(role: Role) -> AccountChange {
    AccountChange { is_blocked: None, role: Some(role) }
}

each_engine!(evidence_is_the_content_at_the_time_of_the_report, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let [ana, bob] = [person(&commands, "ana").await, person(&commands, "bob").await];
    let room = group(&commands, &ana, &[&bob]).await;
    let message = say(&commands, &bob, room, "first").await;
    let edit = MessageBody::parse("second").unwrap();
    commands.edit_message(&bob.ctx, message, edit).await.unwrap();
    let filed = report(&commands, &ana, Reported::Message(message)).await.unwrap();
    assert!(!filed.existed);
    commands.edit_message(&bob.ctx, message, MessageBody::parse("third").unwrap()).await.unwrap();
    commands.delete_message(&bob.ctx, message).await.unwrap();
    let pinned = filed.done.state.filed().unwrap().clone();
    let Some(Evidence::Message { content, .. }) = &pinned.evidence else { panic!("{pinned:?}") };
    assert_eq!((content.body.as_str(), pinned.accused), ("second", bob.id));
    // The personal values are sealed with their subjects' keys; the digest is keyed.
    let stream = StreamId::new(AggregateType::Report, filed.done.id);
    let event = store.load(stream, 0).await.unwrap().remove(0);
    let payload = &event.record.payload;
    assert!(!payload.contains("second") && !payload.contains("spam") && !payload.contains("again"), "{payload}");
    let json = serde_json::to_vec(pinned.evidence.as_ref().unwrap()).unwrap();
    let digest: String = store.evidence_digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(pinned.digest, digest);
    assert!(payload.contains(&digest) && payload.contains("\"version\":2"));
    // The accused is erased: digest and statement stay.
    store.destroy_data_key(bob.id.0).await.unwrap();
    let fresh = Commands::new(open(&home).await, settings());
    let root = admin(&fresh).await;
    let done = fresh.decide_report(&root.ctx, ReportId(filed.done.id), Verdict::Resolved).await.unwrap();
    let kept = done.state.filed().unwrap();
    assert_eq!((&kept.evidence, &kept.digest, done.state.status()), (&None, &digest, ReportStatus::Resolved));
    assert!(kept.statement.is_some());
});

each_engine!(only_a_visible_target_can_be_reported, |home| async move {
    let commands = server(&home).await;
    let [ana, bob, eve] =
        [person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "eve").await];
    let room = group(&commands, &ana, &[&bob]).await;
    let message = say(&commands, &bob, room, "hello").await;
    let refused = async |by: &Person, reported| refusal(report(&commands, by, reported).await);
    assert_eq!(refused(&eve, Reported::Message(message)).await, "not_found");
    assert_eq!(refused(&ana, Reported::Message(MessageId(ids()))).await, "not_found");
    assert_eq!(refused(&ana, Reported::User(UserId(ids()))).await, "not_found");
    assert_eq!(refused(&ana, Reported::Story(ids().into())).await, "not_found");
    assert_eq!(refused(&ana, Reported::User(ana.id)).await, "reports_oneself");
    assert_eq!(refused(&bob, Reported::Message(message)).await, "reports_oneself");
    let hidden = say(&commands, &bob, room, "hide me").await;
    commands.hide_message(&ana.ctx, hidden).await.unwrap();
    assert_eq!(refused(&ana, Reported::Message(hidden)).await, "not_found");
    commands.delete_message(&bob.ctx, hidden).await.unwrap();
    let deleted = say(&commands, &bob, room, "delete me").await;
    commands.delete_message(&bob.ctx, deleted).await.unwrap();
    assert_eq!(refused(&ana, Reported::Message(deleted)).await, "message_deleted");
    commands.kick(&ana.ctx, room, bob.id).await.unwrap();
    assert_eq!(refused(&bob, Reported::Message(message)).await, "not_found", "a former member");
    let filed = report(&commands, &eve, Reported::User(bob.id)).await.unwrap();
    let profile = filed.done.state.filed().unwrap().evidence.clone();
    assert!(matches!(profile, Some(Evidence::User { first_name, .. }) if first_name == "bob"));
});

each_engine!(the_same_is_reported_once_until_it_is_decided, |home| async move {
    let store = open(&home).await;
    // Two nodes, so that neither knows of the other before the append.
    let nodes = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    let [ana, bob, eve] =
        [person(&nodes[0], "ana").await, person(&nodes[0], "bob").await, person(&nodes[0], "eve").await];
    let room = group(&nodes[0], &ana, &[&bob, &eve]).await;
    let message = say(&nodes[0], &bob, room, "hello").await;
    let about = Reported::Message(message);
    let (one, two, other) =
        tokio::join!(report(&nodes[0], &ana, about), report(&nodes[1], &ana, about), report(&nodes[1], &eve, about));
    let (one, two, other) = (one.unwrap(), two.unwrap(), other.unwrap());
    assert_eq!(one.done.id, two.done.id);
    assert!(one.existed != two.existed && !other.existed && other.done.id != one.done.id);
    assert_ne!(report(&nodes[0], &ana, Reported::User(bob.id)).await.unwrap().done.id, one.done.id);
    let root = admin(&nodes[1]).await;
    nodes[1].decide_report(&root.ctx, ReportId(one.done.id), Verdict::Rejected(None)).await.unwrap();
    let again = report(&nodes[0], &ana, about).await.unwrap();
    assert!(!again.existed && again.done.id != one.done.id);
    let events = store.read_after(0, &Selection::All, 100).await.unwrap();
    let filed = events.iter().filter(|event| event.record.event_type == "report.filed").count();
    assert_eq!(filed, 4);
});

each_engine!(moderators_decide_and_not_about_themselves, |home| async move {
    let commands = server(&home).await;
    let [ana, bob] = [person(&commands, "ana").await, person(&commands, "bob").await];
    let (mod_one, mod_two) = (moderator(&commands, "max").await, moderator(&commands, "mia").await);
    let id = ReportId(report(&commands, &ana, Reported::User(mod_one.id)).await.unwrap().done.id);
    let decide = async |by: &Person, id, verdict| commands.decide_report(&by.ctx, id, verdict).await;
    assert_eq!(refusal(decide(&ana, id, Verdict::Resolved).await), "moderator_only");
    assert_eq!(refusal(decide(&bob, ReportId(ids()), Verdict::Resolved).await), "moderator_only");
    assert_eq!(refusal(decide(&mod_one, id, Verdict::Resolved).await), "own_case");
    assert_eq!(refusal(decide(&mod_two, ReportId(ids()), Verdict::Resolved).await), "not_found");
    let why = RejectedReason::parse("a joke").ok();
    let done = decide(&mod_two, id, Verdict::Rejected(why.clone())).await.unwrap();
    assert_eq!((done.state.status(), done.state.rejected_reason()), (ReportStatus::Rejected, why.as_ref()));
    assert_eq!(decide(&mod_two, id, Verdict::Rejected(why)).await.unwrap().receipt.position, None);
    assert_eq!(refusal(decide(&mod_two, id, Verdict::Rejected(None)).await), "report_decided");
    assert_eq!(refusal(decide(&mod_two, id, Verdict::Resolved).await), "report_decided");
});

each_engine!(a_moderator_removes_reported_content_and_an_administrator_any, |home| async move {
    let commands = server(&home).await;
    let [ana, bob] = [person(&commands, "ana").await, person(&commands, "bob").await];
    let (mia, root) = (moderator(&commands, "mia").await, admin(&commands).await);
    let room = group(&commands, &ana, &[&bob]).await;
    let [one, two] = [say(&commands, &bob, room, "one").await, say(&commands, &bob, room, "two").await];
    let remove = async |by: &Person, message| commands.remove_message(&by.ctx, message).await;
    assert_eq!(refusal(remove(&ana, one).await), "moderator_only");
    assert_eq!(refusal(remove(&mia, one).await), "not_found", "nobody reported it");
    let id = ReportId(report(&commands, &ana, Reported::Message(one)).await.unwrap().done.id);
    commands.decide_report(&mia.ctx, id, Verdict::Resolved).await.unwrap();
    assert!(remove(&mia, one).await.unwrap().state.is_deleted(), "also when it was decided on before");
    assert_eq!(remove(&mia, one).await.unwrap().receipt.position, None);
    assert!(remove(&root, two).await.unwrap().state.is_deleted());
    assert_eq!(refusal(remove(&root, MessageId(ids())).await), "not_found");
    assert_eq!(refusal(commands.remove_conversation(&mia.ctx, room).await), "admin_only");
    assert!(!commands.remove_conversation(&root.ctx, room).await.unwrap().state.is_live());
    let direct = direct(&commands, &ana, &bob).await;
    commands.remove_conversation(&root.ctx, direct).await.unwrap();
    assert_eq!(refusal(commands.create_conversation(&ana.ctx, direct_with(&bob)).await), "already_exists");
});

each_engine!(there_is_always_an_administrator, |home| async move {
    let store = open(&home).await;
    let nodes = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    let (root, ana) = (admin(&nodes[0]).await, person(&nodes[0], "ana").await);
    assert_eq!(refusal(nodes[0].change_account(&ana.ctx, ana.id, to_role(Role::Admin)).await), "admin_only");
    assert_eq!(refusal(nodes[0].change_account(&root.ctx, root.id, to_role(Role::User)).await), "not_oneself");
    assert_eq!(refusal(nodes[0].change_account(&root.ctx, UserId(ids()), to_role(Role::User)).await), "not_found");
    assert_eq!(refusal(nodes[0].change_account(&root.ctx, UserId(ids()), AccountChange::default()).await), "not_found");
    let both = AccountChange { is_blocked: Some(true), role: Some(Role::Admin) };
    let done = nodes[0].change_account(&root.ctx, ana.id, both).await.unwrap();
    assert_eq!((done.state.role(), done.state.may_act().is_err(), done.receipt.version), (Role::Admin, true, 3));
    assert_eq!(nodes[0].change_account(&root.ctx, ana.id, both).await.unwrap().receipt.position, None);
    nodes[0].block_account(&root.ctx, ana.id, false).await.unwrap();
    // Each takes the other's role at the same time: one of them comes first.
    let (one, two) = tokio::join!(
        nodes[0].change_account(&root.ctx, ana.id, to_role(Role::User)),
        nodes[1].change_account(&ana.ctx, root.id, to_role(Role::User))
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(refusal(if one.is_ok() { two } else { one }), "admin_only");
});

each_engine!(acts_on_the_server_are_recorded, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (root, mia) = (admin(&commands).await, moderator(&commands, "mia").await);
    let act = Act::RetryDeadLetter;
    assert_eq!(refusal(commands.note_act(&mia.ctx, act, "messages:7").await), "admin_only");
    let keyed = root.with_key("k");
    assert!(!commands.has_noted(&keyed, act, "messages:7").await.unwrap());
    commands.note_act(&keyed, act, "messages:7").await.unwrap();
    assert!(commands.has_noted(&keyed, act, "messages:7").await.unwrap());
    assert!(matches!(commands.has_noted(&keyed, act, "messages:8").await, Err(CommandError::KeyReused)));
    assert!(!commands.has_noted(&root.ctx, act, "messages:7").await.unwrap());
    let last = store.read_after(0, &Selection::All, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.record.event_type.as_str(), last.record.origin.actor), ("administration.acted", Some(root.id.0)));
    assert!(last.record.payload.contains("dead_letter.retry") && last.record.payload.contains("messages:7"));
});
