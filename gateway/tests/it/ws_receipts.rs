//! Read and delivery receipts: their recipients, and the preference to hide them.

use crate::support::{Server, names, position};
use serde_json::{Value, json};
use testkit::each_mix;

fn received(receipts: &Value) -> Vec<(String, String)> {
    let items = receipts["items"].as_array().unwrap().iter();
    items
        .map(|item| (item["userId"].as_str().unwrap().to_owned(), item["status"].as_str().unwrap().to_owned()))
        .collect()
}

each_mix!(a_reader_may_keep_to_themselves_what_they_read, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, cyd) = (server.register("ana").await, server.register("ben").await, server.register("cyd").await);
    let mut a = server.connect(&ana, None).await;
    let mut b = server.connect(&ben, None).await;
    let mut phone = server.connect(&server.login(&ben).await, None).await;
    let mut c = server.connect(&cyd, None).await;
    let room = a.group(&[ben.id, cyd.id], "Us").await;
    let said = a.say(&room, "hello").await;
    let message = said["id"].as_str().unwrap().to_owned();
    let path = format!("/messages/{message}/receipts");
    assert_eq!(received(&server.read_at(&ana, &path, position(&said)).await), []);

    server.prefers(&ben, json!({"readReceipts": false})).await;
    for client in [&mut a, &mut b, &mut phone, &mut c] {
        client.fence().await;
    }
    let up_to_it = json!({"conversationId": room, "upTo": message});
    let ok = b.ok("message.read", up_to_it.clone()).await;
    assert_eq!((&ok["readSeq"], &ok["deliveredSeq"]), (&json!(1), &json!(1)));
    let own = phone.pushes_to(ok["position"].as_u64().unwrap()).await;
    assert_eq!(names(&own), ["receipt.delivered", "receipt.read"], "one's other devices know what is read");
    let read = c.ok("message.read", up_to_it).await["position"].as_u64().unwrap();
    let pushes = a.pushes_to(read).await;
    let whose: Vec<_> = pushes.iter().map(|push| (push["event"].as_str().unwrap(), &push["data"]["userId"])).collect();
    assert_eq!(whose, [("receipt.delivered", &json!(ben.id)), ("receipt.read", &json!(cyd.id))]);

    let mut receipts = received(&server.read_at(&ana, &path, read).await);
    receipts.sort();
    let mut want = [(ben.id.to_string(), "DELIVERED".to_owned()), (cyd.id.to_string(), "READ".to_owned())];
    want.sort();
    assert_eq!(receipts, want);
    server.stop().await;
});
