//! Cursors and page tokens that were altered, made up, or taken from somebody else.

use crate::support::{Person, Server, names};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use reqwest::Client as Http;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::each_mix;

async fn at(server: &Server, person: &Person, path: &str) -> (u16, Value) {
    let url = format!("http://{}{path}", server.address);
    let response = Http::new().get(url).bearer_auth(&person.token).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

fn ids(page: &Value) -> BTreeSet<String> {
    let items = page["items"].as_array().into_iter().flatten();
    items.map(|item| item["id"].as_str().or(item["user"]["id"].as_str()).unwrap_or_default().to_owned()).collect()
}

/// A word and what somebody might make of it.
fn altered(word: &str) -> Vec<String> {
    let mut altered: Vec<String> = [
        "",
        "x",
        "0",
        "-1",
        "null",
        "' OR 1=1 --",
        "%00",
        "%ff%fe",
        "%F0%9F%92%A5",
        "older.",
        "newer.",
        "older.-1",
        "older.99999999999999999999999",
        "newer.18446744073709551615",
        "older.1 OR 1=1",
        "e30",
        "W10",
        "bnVsbA",
    ]
    .map(str::to_owned)
    .into();
    altered.push("A".repeat(4_000));
    altered.push(word.repeat(3));
    altered.push(word.chars().rev().collect());
    altered.push(word[..word.len() / 2].to_owned());
    for at in 0..word.len() {
        let mut bytes = word.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        altered.push(String::from_utf8(bytes).unwrap());
    }
    altered
}

each_mix!(an_altered_cursor_shows_nothing_that_is_not_ones_own, |home| async move {
    let server = Server::start(&home).await;
    let (ana, eve) = (server.register("ana").await, server.register("eve").await);
    let mut a = server.connect(&ana, None).await;
    let room = a.group(&[], "Secret").await;
    for n in 0..5 {
        a.say(&room, &format!("secret {n}")).await;
    }
    let cursor = a.fence().await.0.last().unwrap()["cursor"].as_str().unwrap().to_owned();
    let raw = BASE64.decode(&cursor).unwrap();
    let with_marks = |high: u64, medium: u64| {
        let mut bytes = raw.clone();
        bytes[1..9].copy_from_slice(&high.to_be_bytes());
        bytes[9..17].copy_from_slice(&medium.to_be_bytes());
        BASE64.encode(bytes)
    };
    let mut cursors = altered(&cursor);
    cursors.extend(
        [(0, 0), (u64::MAX, u64::MAX), (u64::MAX, 0), (0, u64::MAX), (1 << 63, 1 << 63), (i64::MAX as u64, 1)]
            .map(|(high, medium)| with_marks(high, medium)),
    );
    let mut alien = raw.clone();
    alien[17..25].fill(7);
    cursors.push(BASE64.encode(alien));
    cursors.push(cursor.clone());
    for cursor in &cursors {
        let (status, page) = at(&server, &eve, &format!("/sync?limit=200&since={cursor}")).await;
        assert!(status == 200 || (400..500).contains(&status), "{cursor}: {status} {page}");
        assert!(!page.to_string().contains("secret"), "{cursor}: {page}");
        assert!(status != 200 || page["recovered"] == false, "{cursor}: {page}");
    }
    for cursor in cursors.iter().filter(|cursor| !cursor.contains([' ', '%', '\''])) {
        let mut e = server.open(Some(&eve.token), None, Some(cursor)).await.unwrap();
        let hello = e.hello().await;
        assert_eq!(hello["recovered"], false, "{cursor}");
        e.ok("ping", json!({})).await;
        let own = e.left_over();
        assert!(names(&own).iter().all(|name| !name.starts_with("message")), "{cursor}: {own:?}");
    }
    let future = with_marks(u64::MAX, u64::MAX);
    let mut e = server.open(Some(&eve.token), None, Some(&future)).await.unwrap();
    assert_eq!(e.hello().await["recovered"], false);
    let (arrived, _) = e.fence().await;
    assert!(names(&arrived).contains(&"message.sent"), "a cursor from the future hides no event: {arrived:?}");
    server.stop().await;
});

each_mix!(an_altered_page_token_shows_nothing_that_is_not_ones_own, |home| async move {
    let server = Server::start(&home).await;
    let (ana, eve) = (server.register("ana").await, server.register("eve").await);
    let mut a = server.connect(&ana, None).await;
    let mut last = 0;
    for n in 0..4 {
        let friend = server.register(&format!("friend{n}")).await;
        server.befriend(&ana, &friend).await;
        let room = a.group(&[friend.id], &format!("Room {n}")).await;
        last = a.say(&room, "hello").await["position"].as_u64().unwrap();
    }
    let mut e = server.connect(&eve, None).await;
    e.group(&[], "Own").await;
    let room = a.group(&[], "Long").await;
    for n in 0..4 {
        last = a.say(&room, &n.to_string()).await["position"].as_u64().unwrap();
    }
    let lists = ["/conversations", "/friends", "/auth/sessions", "/users?query=friend"];
    for list in lists {
        let joint = if list.contains('?') { '&' } else { '?' };
        let first = server.read_at(&ana, &format!("{list}{joint}limit=2"), last).await;
        let mut theirs = ids(&server.read(&ana, &format!("{list}{joint}limit=200")).await);
        let hers = ids(&server.read(&eve, &format!("{list}{joint}limit=200")).await);
        theirs.retain(|id| !hers.contains(id));
        let Some(next) = first["next"].as_str() else { continue };
        for token in altered(next).into_iter().chain([next.to_owned()]) {
            let (status, page) = at(&server, &eve, &format!("{list}{joint}limit=2&after={token}")).await;
            assert!(status == 422 || status == 400, "{list} {token}: {status} {page}");
            assert!(ids(&page).is_disjoint(&theirs), "{list} {token}: {page}");
        }
    }
    let path = format!("/conversations/{room}/messages");
    let first = server.read_at(&ana, &format!("{path}?limit=2"), last).await;
    let next = first["next"].as_str().unwrap();
    for token in altered(next).into_iter().chain([next.to_owned()]) {
        let (status, page) = at(&server, &ana, &format!("{path}?limit=2&after={token}")).await;
        // A bare number is a seq.
        let is_good = token == next || token.parse::<u64>().is_ok();
        assert_eq!(status == 200, is_good, "{token}: {status} {page}");
        assert!(is_good || status == 422 || status == 400, "{token}: {status} {page}");
        let (status, _) = at(&server, &eve, &format!("{path}?limit=2&after={token}")).await;
        assert!(status == 404 || status == 422 || status == 400, "{token}: {status}");
    }
    for limit in ["0", "-1", "201", "99999999999999999999", "x", "1e3", ""] {
        let (status, page) = at(&server, &ana, &format!("{path}?limit={limit}")).await;
        assert!(status == 200 || status == 422, "{limit}: {status}");
        assert!(page["items"].as_array().is_none_or(|items| items.len() <= 200));
    }
    server.stop().await;
});
