//! One account that makes its requests as dear as it can: what it costs others is bounded.

use crate::support::{DEADLINE, Person, Reply, Server, config};
use config::Config;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::each_mix;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

/// What an answer may have, in bytes: a page and what JSON adds to it.
const LARGEST: usize = 2 << 20;

/// All messages of a conversation, page by page, and the size of the largest page.
async fn walked(server: &Server, person: &Person, path: &str) -> (Vec<Value>, usize) {
    let (mut all, mut largest, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page = server.get(person, &format!("{path}{after}")).await.expect(StatusCode::OK);
        largest = largest.max(page.to_string().len());
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return (all, largest),
        }
    }
}

async fn post(server: &Server, by: &Person, conversation: &str, body: Value) {
    server.post(by, &format!("/conversations/{conversation}/messages"), body).await.expect(StatusCode::CREATED);
}

each_mix!(html_is_shallow_and_its_pages_end, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let group = server.conversation(&ana, "group", &[]).await;
    for n in 0..12 {
        server.text(&ana, &group, &format!("{}{n}", ">".repeat(8_180))).await;
    }
    for n in 0..28 {
        server.text(&ana, &group, &format!("{}{n}", "|".repeat(8_180))).await;
    }
    let path = format!("/conversations/{group}/messages?html=true&limit=200");
    let reading = walked(&server, &ana, &path);
    // Others are served meanwhile.
    let (read, alive) = tokio::join!(reading, server.send(server.request(Method::GET, "/livez", None)));
    alive.expect(StatusCode::OK);
    let (messages, largest) = read;
    assert!(largest <= LARGEST, "{largest}");
    let seqs: Vec<_> = messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=40).rev().collect::<Vec<_>>());
    for message in &messages {
        let html = message["contentHtml"].as_str().unwrap();
        assert!(html.matches("<blockquote>").count() <= 32, "{} bytes", html.len());
    }
    let one = server.get(&ana, &format!("/messages/{}?html=true", messages[39]["id"].as_str().unwrap())).await;
    assert_eq!(one.expect(StatusCode::OK)["contentHtml"], messages[39]["contentHtml"]);
    server.stop().await;
});

each_mix!(a_page_ends_by_bytes_in_every_list_of_messages, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let link = |letter: &str| format!("/{}", letter.repeat(1_400));
    let attachment = json!({"fileUrl": link("x"), "thumbUrl": link("y"), "name": "n".repeat(100)});
    let attachments = vec![attachment; 20];
    let mut rooms: Vec<String> = Vec::new();
    for n in 0..40 {
        // The one, and the others of which the list tells the last message.
        let room = server.conversation(&ana, "group", &[&ben]).await;
        let body = json!({"messageType": "IMAGE", "content": format!("word {n}"), "attachments": attachments});
        post(&server, &ana, &room, body.clone()).await;
        if n > 0 {
            post(&server, &ana, &rooms[0], body).await;
        }
        rooms.push(room);
    }
    for (path, count) in [
        (format!("/conversations/{}/messages?limit=200", rooms[0]), 40),
        ("/messages/search?q=word&limit=200".to_owned(), 79),
        ("/conversations?limit=200".to_owned(), 40),
    ] {
        let (items, largest) = walked(&server, &ben, &path).await;
        let ids: BTreeSet<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!((items.len(), ids.len()), (count, count), "{path}");
        assert!(largest <= LARGEST, "{path}: {largest}");
    }
    let towards_newer = format!("/conversations/{}/messages?limit=200&after=0", rooms[0]);
    let page = server.get(&ben, &towards_newer).await.expect(StatusCode::OK);
    let seqs: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap()).collect();
    assert!(seqs.len() < 40 && seqs.last() == Some(&1), "the nearest are there: {seqs:?}");
    server.stop().await;
});

each_mix!(answers_that_nobody_reads_keep_nobody_else_waiting, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    for n in 0..60 {
        server.text(&ana, &group, &format!("{}{n}", "x".repeat(8_180))).await;
    }
    let path = format!("/conversations/{group}/messages?limit=200");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", ana.token).into_bytes();
    let mut unread = Vec::new();
    for _ in 0..80 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        unread.push(stream);
    }
    // Others read the same, and send.
    for n in 0..20 {
        let page = timeout(DEADLINE, server.get(&ben, &path)).await.unwrap().expect(StatusCode::OK);
        assert!(page["items"].as_array().unwrap().len() > 50);
        server.text(&ben, &group, &format!("hello {n}")).await;
    }
    drop(unread);
    // And so does she when she reads again.
    server.get_until(&ana, &path, |page| page["items"][0]["content"] == "hello 19").await;
    server.stop().await;
});

each_mix!(what_needs_no_account_has_a_budget_and_probes_from_here_pass, |home| async move {
    let server = Server::start_with(Config { rate_limits: true, ..config(&home) }).await;
    let get = async |path: &str| -> Reply { server.send(server.request(Method::GET, path, None)).await };
    // Without bodies, so that even a slow machine asks faster than the budget fills.
    let is_refused = async |path: &str| -> bool {
        let head = server.request(Method::HEAD, path, None).send().await.unwrap();
        head.status() == StatusCode::TOO_MANY_REQUESTS
    };
    for path in ["/openapi.json", "/nowhere", "/auth/login"] {
        let mut refused = None;
        for _ in 0..3_000 {
            if is_refused(path).await {
                refused = Some(get(path).await).filter(|reply| reply.status == StatusCode::TOO_MANY_REQUESTS);
            }
            if refused.is_some() {
                break;
            }
        }
        let refused = refused.unwrap_or_else(|| panic!("{path} has no budget"));
        assert_eq!(refused.refused(429, "rate_limited").body["retryAfter"], 1);
    }
    for _ in 0..50 {
        assert_eq!(get("/livez").await.status, StatusCode::OK);
        assert_eq!(get("/readyz").await.status, StatusCode::OK);
    }
    server.stop().await;
});
