//! Two gateways over one log: neither hears the other but through the store.

mod ws_support;

use serde_json::json;
use std::collections::BTreeSet;
use testkit::{Home, Mix, each_mix};
use ws_support::{End, Server, in_order, names, position, until};

each_mix!(people_on_different_gateways_hear_each_other, |home| async move {
    let (one, two) = (Server::start(&home).await, Server::start(&home).await);
    let (ana, ben) = (one.register("ana").await, two.register("ben").await);
    let mut a = one.connect(&ana, None).await;
    let mut b = two.connect(&ben, None).await;
    let room = a.group(&[ben.id], "Room").await;
    let message = a.say(&room, "from one").await["id"].clone();
    assert_eq!(names(&[b.push().await, b.push().await]), ["conversation.created", "message.sent"]);
    b.ok("message.react", json!({"messageId": message, "emoji": "👍"})).await;
    b.say(&room, "from two").await;
    let heard = in_order(a.fence().await.0);
    assert_eq!(names(&heard)[..4], ["conversation.created", "message.sent", "message.reacted", "message.sent"]);
    a.ok("conversation.kick", json!({"conversationId": room, "userId": ben.id})).await;
    a.say(&room, "behind his back").await;
    let (heard, _) = b.fence().await;
    assert_eq!(names(&heard).iter().filter(|name| **name == "message.sent").count(), 2, "the own one, and the fence");
    assert!(names(&heard).contains(&"member.kicked"));
    assert_eq!(b.refused("message.send", json!({"conversationId": room, "content": "x"})).await["status"], 404);
    one.post("/auth/logout", Some(&ben.token), json!({})).await;
    assert_eq!(b.end().await, End::Closed(4009));
    tokio::join!(one.stop(), two.stop());
});

each_mix!(who_changes_gateways_misses_nothing_and_hears_nothing_twice, |home| async move {
    let nodes = [Server::start(&home).await, Server::start(&home).await];
    let (ana, ben) = (nodes[0].register("ana").await, nodes[0].register("ben").await);
    let mut a = nodes[0].connect(&ana, None).await;
    let room = a.group(&[ben.id], "Room").await;
    let mut roams = nodes[0].connect(&ben, None).await;
    let mut received = Vec::new();
    let mut want = BTreeSet::new();
    for round in 0..12 {
        let message = a.say(&room, &round.to_string()).await;
        let reaction = a.ok("message.react", json!({"messageId": message["id"], "emoji": "🎉"})).await;
        want.extend([position(&message), position(&reaction)]);
        if round % 2 == 0 {
            // What came on one gateway may be ahead of the other's hub.
            received.push(roams.push().await);
        }
        let node = &nodes[(round + 1) % 2];
        roams = node.connect(&ben, Some(&roams.cursor)).await;
    }
    while received.len() < want.len() {
        received.push(roams.push().await);
    }
    let positions: Vec<_> = received.iter().map(position).filter(|at| want.contains(at)).collect();
    assert_eq!(positions.iter().copied().collect::<BTreeSet<_>>(), want, "none lost");
    assert_eq!(positions.len(), want.len(), "none twice");
    for tier in ["message.sent", "message.reacted"] {
        let of_tier = received.iter().filter(|push| push["event"] == tier).map(position);
        assert!(of_tier.is_sorted(), "in position order within a tier");
    }
    let [one, two] = nodes;
    tokio::join!(one.stop(), two.stop());
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_goes_only_where_somebody_is_whom_it_is_for() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let [one, two, three] = [Server::start(&home).await, Server::start(&home).await, Server::start(&home).await];
    let [ana, ben, cleo] = [one.register("ana").await, one.register("ben").await, one.register("cleo").await];
    let mut a = one.connect(&ana, None).await;
    let (mut b, mut c) = (two.connect(&ben, None).await, three.connect(&cleo, None).await);
    let with_ben = a.group(&[ben.id], "Ben").await;
    let with_cleo = a.group(&[cleo.id], "Cleo").await;
    b.fence().await;
    c.fence().await;
    for person in [&ben, &cleo] {
        let user = domain::UserId(person.id);
        let here = async || !one.app.graph.graph().nodes(&[user]).await.unwrap().is_empty();
        until("the lease", here).await;
    }
    let fed = async || one.app.graph.members(with_cleo.parse::<uuid::Uuid>().unwrap().into()).await.is_ok();
    until("the graph", fed).await;
    // That the others came is told everywhere.
    let received = || [&two, &three].map(|server| server.app.broker.stats().low.received);
    until("presence", async || received() == [2, 2]).await;
    for _ in 0..3 {
        a.ok("signal.send", json!({"conversationId": with_ben, "name": "x"})).await;
        b.signal().await;
    }
    a.ok("typing.start", json!({"conversationId": with_cleo})).await;
    assert_eq!(c.signal().await["data"]["conversationId"], json!(with_cleo));
    assert_eq!(received(), [2 + 3, 2 + 1]);
}
