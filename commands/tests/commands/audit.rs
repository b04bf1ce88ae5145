//! Reading the audit log is recorded, and is for administrators.

use commands::Commands;
use commands_testkit::{admin, anonymous, open, person, refusal, settings};
use domain::{Event, Tier, audit::AuditEvent, audit::Question};
use std::collections::BTreeMap;
use testkit::each_engine;

each_engine!(a_reading_is_recorded_before_it_is_answered, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let (root, ana) = (admin(&commands).await, person(&commands, "ana").await);
    let filters = BTreeMap::from([("actor".to_owned(), ana.id.to_string())]);
    let read = async |ctx| commands.read_audit(ctx, Question::Events, filters.clone()).await;
    assert_eq!(refusal(read(&ana.ctx).await), "admin_only");
    let nobody = anonymous();
    assert_eq!(refusal(read(&nobody).await), "InvalidToken");

    let (first, second) = (read(&root.ctx).await.unwrap(), read(&root.ctx).await.unwrap());
    assert_ne!(first.id, second.id, "each reading is a stream of its own");
    let stored = store.read_at(first.receipt.position.unwrap()).await.unwrap().unwrap();
    assert_eq!((stored.record.scope, stored.record.lane.tier), (root.id.0, Tier::Medium));
    let expected = AuditEvent::Read { by: root.id, what: Question::Events, filters: filters.clone() };
    assert_eq!(store.open_event(&stored).await.unwrap(), &Event::Audit(expected));

    commands.block_account(&root.ctx, ana.id, true).await.unwrap();
    assert_eq!(refusal(read(&ana.ctx).await), "account_blocked");
});
