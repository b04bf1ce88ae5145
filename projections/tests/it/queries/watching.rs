//! The lists of administrators and moderators.

use super::{first, pages, queries_on};
use crate::support::{Story, World};
use domain::{
    ConversationId, Timestamp, UserId,
    conversation::ConversationType,
    report::{ReportCommand, ReportStatus},
    text::RejectedReason,
    user::{Role, UserCommand},
};
use projections::{
    Rebuilds,
    queries::{AccountFilter, ConversationFilter, PageRequest, QueryError, ServerTotals},
};
use testkit::each_engine;

fn people(count: u64) -> Story {
    let mut story = Story::new(1);
    story.register_all(count);
    story
}

each_engine!(accounts_are_found_by_text_role_and_state, |home| async move {
    let world = World::new(home).await;
    let mut story = people(6);
    story.rename(0, "Änne%");
    for n in [1, 4] {
        story.account(n, UserCommand::SetRole { role: Role::Moderator });
    }
    story.account(2, UserCommand::SetRole { role: Role::Admin });
    story.account(4, UserCommand::Block);
    story.account(5, UserCommand::Block);
    let queries = queries_on(&world, &mut story).await;
    let found = async |text: Option<&str>, role: Option<Role>, is_blocked: Option<bool>| -> Vec<UserId> {
        let filter = AccountFilter { text: text.map(str::to_owned), role, is_blocked };
        let rows = pages(async |page| queries.accounts(&filter, &page).await).await;
        rows.into_iter().map(|row| row.id).collect()
    };
    let ids = |all: &[u64]| all.iter().map(|n| story.user(*n)).collect::<Vec<_>>();
    assert_eq!(found(None, None, None).await, ids(&[5, 4, 3, 2, 1, 0]));
    assert_eq!(found(Some("änne%"), None, None).await, ids(&[0]));
    assert_eq!(found(Some("USER3."), None, None).await, ids(&[3]), "part of an address");
    assert_eq!(found(None, Some(Role::Moderator), None).await, ids(&[4, 1]));
    assert_eq!(found(None, Some(Role::Admin), None).await, ids(&[2]));
    assert_eq!(found(None, None, Some(true)).await, ids(&[5, 4]));
    assert_eq!(found(None, Some(Role::User), Some(false)).await, ids(&[3, 0]));
    assert_eq!(found(Some("last"), Some(Role::Moderator), Some(true)).await, ids(&[4]));
    assert_eq!(queries.user(story.user(1)).await.unwrap().role, "MODERATOR");
});

each_engine!(conversations_are_seen_from_outside, |home| async move {
    let world = World::new(home).await;
    let mut story = people(3);
    let group = story.open_group(0, 0, &[1, 2], false);
    let direct = story.open_direct(0, 1);
    let over = story.open_group(1, 0, &[1], false);
    story.conversation(
        over,
        domain::conversation::ConversationCommand::Remove { by: story.user(2), hidden: Default::default() },
    );
    story.retitle(group, 0, Some("Café_1"));
    world.tell(&mut story).await;
    story.send(0, 0, group, "one");
    story.send(1, 1, group, "two");
    let queries = queries_on(&world, &mut story).await;
    let found = async |text: Option<&str>, conversation_type: Option<ConversationType>| -> Vec<ConversationId> {
        let filter = ConversationFilter { text: text.map(str::to_owned), conversation_type };
        let rows = pages(async |page| queries.watched(&filter, &page).await).await;
        rows.into_iter().map(|row| row.id).collect()
    };
    assert_eq!(found(None, None).await, [direct, group]);
    assert_eq!(found(None, Some(ConversationType::Group)).await, [group]);
    assert_eq!(found(Some("FÉ_".to_lowercase().as_str()), None).await, [group]);
    assert_eq!(found(Some("cafx1"), None).await, [], "no wildcards");
    let page = queries.watched(&ConversationFilter::default(), &first(5)).await.unwrap();
    let [direct, group] = page.items.as_slice() else { panic!("{page:?}") };
    assert_eq!((group.member_count, group.message_count, group.created_by), (3, 2, story.user(0)));
    assert!(group.last_activity > group.created_at);
    assert_eq!((direct.message_count, direct.last_activity), (0, direct.created_at));
    let bad = PageRequest { limit: None, after: Some("x".to_owned()), ..PageRequest::default() };
    assert!(matches!(queries.watched(&ConversationFilter::default(), &bad).await, Err(QueryError::BadToken)));
});

each_engine!(everything_is_counted, |home| async move {
    let world = World::new(home).await;
    let mut story = people(4);
    story.account(1, UserCommand::SetRole { role: Role::Moderator });
    story.account(2, UserCommand::Block);
    let group = story.open_group(0, 0, &[1], false);
    story.open_direct(0, 1);
    for n in 0..3 {
        story.send(n, 0, group, "hello");
    }
    story.complain(0, 1, 0, None);
    story.complain(1, 1, 0, None);
    story.on_report(1, ReportCommand::Resolve { by: story.user(3) });
    let queries = queries_on(&world, &mut story).await;
    let want = ServerTotals {
        accounts: 4,
        blocked: 1,
        moderators: 1,
        admins: 0,
        direct: 1,
        groups: 1,
        messages: 3,
        messages_since: 3,
        open_reports: 1,
        parked: 0,
    };
    assert_eq!(queries.server_totals(Timestamp::from_millis(0)).await.unwrap(), want);
    let later = Timestamp::from_millis(i64::MAX);
    assert_eq!(queries.server_totals(later).await.unwrap(), ServerTotals { messages_since: 0, ..want });
});

each_engine!(reports_are_listed_by_status_and_by_maker, |home| async move {
    let world = World::new(home).await;
    let mut story = people(4);
    for n in 0..4 {
        story.complain(n, n % 2, 2, Some("see"));
    }
    story.on_report(1, ReportCommand::Resolve { by: story.user(3) });
    story.on_report(2, ReportCommand::Reject { by: story.user(3), reason: RejectedReason::parse("a joke").ok() });
    let queries = queries_on(&world, &mut story).await;
    let listed = async |status| -> Vec<_> {
        let rows = pages(async |page| queries.reports(status, &page).await).await;
        rows.into_iter().map(|row| row.id).collect()
    };
    let ids = |all: &[u64]| all.iter().map(|n| story.report(*n)).collect::<Vec<_>>();
    assert_eq!(listed(None).await, ids(&[3, 2, 1, 0]));
    assert_eq!(listed(Some(ReportStatus::Pending)).await, ids(&[3, 0]));
    assert_eq!(listed(Some(ReportStatus::Rejected)).await, ids(&[2]));
    let mine = pages(async |page| queries.reports_of(story.user(1), &page).await).await;
    assert_eq!(mine.iter().map(|row| row.id).collect::<Vec<_>>(), ids(&[3, 1]));
    let rejected = queries.report(story.report(2)).await.unwrap();
    assert_eq!((rejected.status.as_str(), rejected.rejected_reason.as_deref()), ("REJECTED", Some("a joke")));
    assert_eq!((rejected.decided_by, rejected.notes.as_deref()), (Some(story.user(3)), Some("see")));
    assert!(rejected.evidence.unwrap().contains("buy"));
    assert!(matches!(queries.report(story.report(9)).await, Err(QueryError::NotFound)));
});

each_engine!(what_is_forgotten_leaves_digest_and_verdict, |home| async move {
    let world = World::new(home).await;
    let mut story = people(3);
    story.complain(0, 0, 1, Some("see"));
    story.on_report(0, ReportCommand::Resolve { by: story.user(2) });
    world.tell(&mut story).await;
    world.store.destroy_data_key(story.user(1).0).await.unwrap();
    let store = world.open_store().await;
    let events = store.read_after(0, &event_store::Selection::All, 100).await.unwrap();
    world.applier_of(&store, &world.database).await.apply(&events).await.unwrap();
    let queries = projections::Queries::new(world.database.clone());
    let report = queries.report(story.report(0)).await.unwrap();
    assert_eq!((report.evidence, report.notes.as_deref()), (None, Some("see")));
    assert_eq!((report.digest.len(), report.status.as_str()), (64, "RESOLVED"));
});

each_engine!(one_rebuild_runs_at_a_time, |home| async move {
    let world = World::new(home).await;
    let (one, other) = (Rebuilds::new(world.database.clone()), Rebuilds::new(world.database.clone()));
    let [messages, users] = [projections::Projection::Messages, projections::Projection::Users];
    assert_eq!(one.running().await.unwrap(), None);
    assert!(one.begin(messages, 10).await.unwrap());
    assert!(!other.begin(users, 10).await.unwrap() && !other.begin(messages, 10).await.unwrap());
    assert_eq!(other.running().await.unwrap(), Some(messages));
    one.report(messages, 4).await.unwrap();
    let state = other.list().await.unwrap().remove(0);
    assert_eq!((state.state.as_str(), state.events, state.total, state.finished_at), ("running", 4, 10, None));
    one.end(messages, 10, Some("broken")).await.unwrap();
    assert!(other.begin(users, 11).await.unwrap());
    other.end(users, 11, None).await.unwrap();
    let mut ended: Vec<_> = one.list().await.unwrap().into_iter().map(|row| (row.projection, row.state)).collect();
    ended.sort();
    assert_eq!(ended, [(users, "done".to_owned()), (messages, "failed".to_owned())]);
    assert!(one.begin(messages, 12).await.unwrap());
    assert_eq!(one.list().await.unwrap().into_iter().find(|row| row.projection == messages).unwrap().error, None);
    // It has not reported for long.
    world.database.execute(sql::query("UPDATE rebuilds SET updated_at = 0")).await.unwrap();
    assert_eq!(other.running().await.unwrap(), None);
    assert!(other.begin(users, 12).await.unwrap());
});
