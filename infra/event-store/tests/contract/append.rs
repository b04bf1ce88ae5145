//! One command at a time.

use crate::support::*;
use testkit::each_engine;

each_engine!(a_command_is_appended_once_and_read_back, |home| async move {
    let (store, mut batches) = open(&home).await;
    people(&store, 1).await;
    let room = conversation(1);
    let first = append("create", vec![created(room, &[user(1)]), sent(message(1), room, user(1), "hello")]);
    let receipt = store.append(first.clone()).await.unwrap();
    assert_eq!((receipt.position, receipt.version, receipt.seq, receipt.repeated), (Some(2), 1, 1, false));

    let batch = batches.recv().await.unwrap();
    assert_eq!(batch.events.len(), 2);
    let again = store.append(first.clone()).await.unwrap();
    assert_eq!(again, event_store::Receipt { repeated: true, ..receipt });
    assert_eq!(store.first_result(&first.key, &first.request_hash).await.unwrap(), Some(again));

    for told in &batch.events {
        let read = store.read_at(told.event.record.position).await.unwrap().unwrap();
        assert_eq!(read.record, told.event.record);
        assert_eq!(read.record.digest, read.record.expected_digest());
        assert_eq!(store.open_event(&read).await.unwrap(), store.open_event(&told.event).await.unwrap());
    }
});
