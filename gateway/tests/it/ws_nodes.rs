//! Two gateways over one log: neither hears the other but through the store.

use crate::support::{Client, End, Person, Server, in_order, names, position, until};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use testkit::{Home, Mix, each_mix};
use tokio::time::timeout;

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
    let arrived = in_order(a.fence().await.0);
    assert_eq!(names(&arrived)[..4], ["conversation.created", "message.sent", "message.reacted", "message.sent"]);
    a.ok("conversation.kick", json!({"conversationId": room, "userId": ben.id})).await;
    a.say(&room, "behind his back").await;
    let (arrived, _) = b.fence().await;
    assert_eq!(names(&arrived).iter().filter(|name| **name == "message.sent").count(), 2, "the own one, and the fence");
    assert!(names(&arrived).contains(&"member.kicked"));
    assert_eq!(b.refused("message.send", json!({"conversationId": room, "content": "x"})).await["status"], 404);
    one.write(&ben, "/auth/logout", json!({})).await;
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

/// Sends signals until the last one is received: those before it have come, too, or never will.
async fn reaches(sender: &mut Client, room: &str, receiver: &mut Client) {
    let mut sent = 0;
    until("a signal to arrive", async || {
        sent += 1;
        sender.ok("signal.send", json!({"conversationId": room, "name": "ready", "payload": sent})).await;
        let hears = async { while receiver.signal().await["data"]["payload"] != sent {} };
        timeout(Duration::from_secs(1), hears).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_goes_only_where_somebody_is_whom_it_is_for() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let [one, two, three] = [Server::start(&home).await, Server::start(&home).await, Server::start(&home).await];
    for server in [&one, &two, &three] {
        until("RabbitMQ to be reached", async || server.app.broker.health().is_up()).await;
    }
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
    // Presence of the others is published everywhere.
    let received = || [&two, &three].map(|server| server.app.broker.stats().low.received);
    until("presence", async || received().iter().all(|count| *count >= 2)).await;
    reaches(&mut a, &with_ben, &mut b).await;
    reaches(&mut a, &with_cleo, &mut c).await;
    let before = received();
    for _ in 0..3 {
        a.ok("signal.send", json!({"conversationId": with_ben, "name": "x"})).await;
        b.signal().await;
    }
    a.ok("typing.start", json!({"conversationId": with_cleo})).await;
    assert_eq!(c.signal().await["data"]["conversationId"], json!(with_cleo));
    assert_eq!(received(), [before[0] + 3, before[1] + 1]);
}

/// What ends that two people see how the other is here.
const ENDS: [&str; 5] =
    ["friend.unfriend", "friend.block", "conversation.kick", "conversation.leave", "conversation.delete"];

/// Ana is on the first node, and Ben, who may see how she is, on the second.
struct Tied {
    ana: Person,
    ben: Person,
    a: Client,
    b: Client,
    /// On the third node: the person who ends it, and how.
    ender: Client,
    end: (&'static str, Value),
}

/// Two new people, tied by what `how` ends alone; `cleo` is a friend of both.
async fn tied([one, two, three]: &[Server; 3], cleo: &Person, how: &'static str, round: usize) -> Tied {
    let (ana, ben) = (one.register(&format!("ana{round}")).await, two.register(&format!("ben{round}")).await);
    let (mut a, mut b) = (one.connect(&ana, None).await, two.connect(&ben, None).await);
    one.befriend(&ana, cleo).await;
    two.befriend(&ben, cleo).await;
    let end = if how.starts_with("friend") {
        one.befriend(&ana, &ben).await;
        json!({"userId": ben.id})
    } else {
        let room = a.group(&[ben.id], how).await;
        if how == "conversation.kick" {
            json!({"conversationId": room, "userId": ben.id})
        } else {
            json!({"conversationId": room})
        }
    };
    let ender = three.connect(if how == "conversation.leave" { &ben } else { &ana }, None).await;
    for client in [&mut a, &mut b] {
        client.fence().await;
    }
    Tied { ana, ben, a, b, ender, end: (how, end) }
}

/// Whether `watcher` receives that `of` is busy with `word`, before the same of `fence`, whom both see.
async fn hears(
    watcher: &mut Client,
    (client, of): (&mut Client, &Person),
    (fence, last): (&mut Client, &Person),
    word: &str,
) -> bool {
    let busy = json!({"status": "busy", "text": word});
    client.ok("presence.set", busy.clone()).await;
    while fence.presence().await["text"] != word {}
    fence.ok("presence.set", busy).await;
    let mut arrived = false;
    loop {
        let presence = watcher.presence().await;
        arrived |= presence["userId"] == json!(of.id) && presence["text"] == word;
        if presence["userId"] == json!(last.id) && presence["text"] == word {
            return arrived;
        }
    }
}

async fn ended(ender: &mut Client, ending: &str) {
    let reply = ender.reply(ending).await;
    assert!(reply["ok"].is_object(), "{reply}");
}

async fn three_nodes(home: &Home) -> [Server; 3] {
    [Server::start(home).await, Server::start(home).await, Server::start(home).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_on_nodes_that_did_not_handle_what_ended_it() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let nodes = three_nodes(&home).await;
    let cleo = nodes[1].register("cleo").await;
    let mut c = nodes[1].connect(&cleo, None).await;
    for (round, how) in ENDS.into_iter().enumerate() {
        let Tied { ana, ben, mut a, mut b, mut ender, end } = tied(&nodes, &cleo, how, round).await;
        for (client, other) in [(&mut a, &ben), (&mut b, &ana)] {
            client.ok("presence.subscribe", json!({"userIds": [other.id, cleo.id]})).await;
        }
        assert!(hears(&mut b, (&mut a, &ana), (&mut c, &cleo), &format!("{how}: Ana before")).await, "{how}");
        assert!(hears(&mut a, (&mut b, &ben), (&mut c, &cleo), &format!("{how}: Ben before")).await, "{how}");
        ender.ok(end.0, end.1).await;
        for client in [&mut a, &mut b] {
            client.fence().await;
        }
        assert!(!hears(&mut b, (&mut a, &ana), (&mut c, &cleo), &format!("{how}: Ana after")).await, "{how}");
        assert!(!hears(&mut a, (&mut b, &ben), (&mut c, &cleo), &format!("{how}: Ben after")).await, "{how}");
        for (node, viewer, other) in [(&nodes[0], &ben, &ana), (&nodes[1], &ana, &ben), (&nodes[2], &ben, &ana)] {
            let hidden = async || node.presences(viewer, &[other.id]).await[0]["status"] == "offline";
            until("every node to answer as of nobody", hidden).await;
        }
    }
    let [one, two, three] = nodes;
    tokio::join!(one.stop(), two.stop(), three.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_requested_while_its_right_ends_is_not_kept() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let nodes = three_nodes(&home).await;
    let cleo = nodes[1].register("cleo").await;
    let mut c = nodes[1].connect(&cleo, None).await;
    let mut round = 0;
    for how in ENDS {
        // The end is acknowledged first, or published while several watches are under way.
        for watches_before in [None, Some(0), Some(1), Some(3), Some(8)] {
            round += 1;
            let Tied { ana, mut a, mut b, mut ender, end, .. } = tied(&nodes, &cleo, how, round).await;
            let watch = json!({"userIds": [ana.id, cleo.id]});
            for _ in 0..watches_before.unwrap_or_default() {
                b.issue("presence.subscribe", watch.clone()).await;
            }
            let ending = ender.issue(end.0, end.1).await;
            if watches_before.is_none() {
                ended(&mut ender, &ending).await;
            }
            b.ok("presence.subscribe", watch).await;
            if watches_before.is_some() {
                ended(&mut ender, &ending).await;
            }
            b.fence().await;
            let after = format!("{how}: {watches_before:?}");
            assert!(!hears(&mut b, (&mut a, &ana), (&mut c, &cleo), &after).await, "{after}");
        }
    }
    let [one, two, three] = nodes;
    tokio::join!(one.stop(), two.stop(), three.stop());
}
