//! Floods and guesses: budgets hold over all devices, doors and made-up addresses, and tell nothing.

use crate::support::{End, Person, Server, config, sio::Transport, soon};
use config::Config;
use domain::Timestamp;
use futures_util::future::join_all;
use graph::{Graph, RedisSettings};
use limits::{Kind, Limits};
use reqwest::{Client as Http, RequestBuilder};
use serde_json::{Value, json};
use testkit::{Engine, Home, each_mix};
use uuid::Uuid;

const NOBODY: &str = "01900000-0000-7000-8000-00000000dead";

fn limited(home: &Home) -> Config {
    Config { rate_limits: true, ..config(home) }
}

struct Reply {
    status: u16,
    retry_after: Option<u64>,
    body: Value,
}

async fn sent(request: RequestBuilder) -> Reply {
    let response = soon("an answer", request.send()).await.unwrap();
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
    let body = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    Reply { status, retry_after, body }
}

fn login(server: &Server, http: &Http, email: &str, password: &str) -> RequestBuilder {
    let body = json!({"email": email, "password": password});
    http.post(format!("http://{}/auth/login", server.address)).json(&body)
}

fn befriend(server: &Server, http: &Http, person: &Person) -> RequestBuilder {
    let url = format!("http://{}/friends", server.address);
    http.post(url).bearer_auth(&person.token).json(&json!({"userId": NOBODY}))
}

/// Sends until a request is refused; how many were not.
async fn until_limited(most: usize, request: impl AsyncFn(usize) -> Reply) -> Option<(usize, Reply)> {
    for n in 0..most {
        let reply = request(n).await;
        if reply.status == 429 {
            return Some((n, reply));
        }
    }
    None
}

each_mix!(a_budget_is_one_over_rest_and_both_doors, |home| async move {
    let server = Server::start_with(limited(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let http = Http::new();
    let mut plain = server.connect(&ana, None).await;
    let mut sio = ana.sio(None, Transport::WebSocket).await;
    let (passed, refused) =
        until_limited(2_000, async |_| sent(befriend(&server, &http, &ana)).await).await.expect("a limit");
    assert!(passed >= 300, "{passed}");
    assert_eq!((&refused.body["code"], &refused.body["temporary"]), (&json!("rate_limited"), &json!(true)));
    assert_eq!(refused.retry_after, Some(1));
    // It is used up at both doors, too, but for what has come back since; other kinds and people have theirs.
    let mut refused_at = [false; 2];
    for _ in 0..50 {
        let received = plain.refused("friend.request", json!({"userId": NOBODY})).await;
        let mut asked = sio.ask("cmd", json!({"cmd": "friend.request", "data": {"userId": NOBODY}})).await;
        for (door, problem) in [received, asked["error"].take()].into_iter().enumerate() {
            if problem["code"] == "rate_limited" {
                refused_at[door] = true;
                assert_eq!((&problem["retryAfter"], &problem["temporary"]), (&json!(1), &json!(true)));
            }
        }
    }
    assert_eq!(refused_at, [true; 2]);
    assert_eq!(sent(befriend(&server, &http, &ben)).await.status, 404);
    let room = plain.group(&[], "Room").await;
    assert_eq!(plain.say(&room, "still here").await["seq"], 1);
    server.stop().await;
});

each_mix!(ten_sockets_of_one_account_have_one_budget, |home| async move {
    let server = Server::start_with(limited(&home)).await;
    let ana = server.register("ana").await;
    let mut flood = Vec::new();
    for _ in 0..10 {
        let mut client = server.connect(&ana, None).await;
        flood.push(tokio::spawn(async move {
            let mut limited = 0;
            for _ in 0..150 {
                let received = client.refused("friend.request", json!({"userId": NOBODY})).await;
                limited += usize::from(received["code"] == "rate_limited");
            }
            limited
        }));
    }
    let mut limited = 0;
    for client in flood {
        limited += client.await.unwrap();
    }
    assert!(limited > 0, "1,500 requests passed where 300 should, and five a second");
    server.stop().await;
});

each_mix!(a_socket_that_ignores_refusals_is_closed, |home| async move {
    let server = Server::start_with(limited(&home)).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    let call = |n: usize| {
        let data = json!({"conversationId": NOBODY, "callType": "VOICE"});
        json!({"id": n.to_string(), "cmd": "call.initiate", "data": data}).to_string()
    };
    let mut sent = 0;
    while sent < 1_190 && client.try_send_text(call(sent)).await {
        sent += 1;
    }
    // Who sends to a socket that is closed may lose the code.
    let end = client.end().await;
    assert!(end == End::Closed(4029) || (sent < 1_190 && end == End::Lost), "{end:?} after {sent}");
    let mut again = server.connect(&ana, None).await;
    assert!(again.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn made_up_addresses_behind_no_proxy_are_one() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(limited(&home)).await;
    let http = Http::new();
    let rotated = async |n: usize| {
        let request = login(&server, &http, &format!("nobody{n}@test.example"), "a wrong password");
        sent(request.header("x-forwarded-for", format!("203.0.113.{}, 198.51.100.{}", n % 250, n / 250))).await
    };
    let (_, refused) = until_limited(2_000, rotated).await.expect("a limit");
    assert!(refused.retry_after.is_some_and(|seconds| seconds > 0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_address_that_it_saw_counts() {
    let home = Home::new(Engine::Sqlite).await;
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    let server = Server::start_with(Config { trusted_proxies, ..limited(&home) }).await;
    let http = Http::new();
    // What the client makes up stands before what the first proxy saw; a second one is trusted, too.
    let of = async |n: usize, seen: &str| {
        let request = login(&server, &http, "ana@test.example", "a wrong password");
        sent(request.header("x-forwarded-for", format!("203.0.113.{}, {seen}, 10.1.1.1", n % 250))).await
    };
    let (passed, _) = until_limited(50, async |n| of(n, "198.51.100.1").await).await.expect("a limit");
    assert_eq!(passed, 10, "made-up addresses change nothing");
    assert_eq!(of(0, "198.51.100.2").await.status, 401, "another client is another");
    server.stop().await;
}

/// Asks many at once until one is refused, so that even a slow machine asks faster than the budget fills.
async fn use_up(request: impl AsyncFn(usize) -> Reply) {
    for round in 0..600 {
        let asked = (0..AT_ONCE).map(|n| request(round * AT_ONCE + n));
        if join_all(asked).await.iter().any(|reply| reply.status == 429) {
            return;
        }
    }
    panic!("there is no limit");
}

const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_kept_out_by_others_behind_the_same_address() {
    let home = Home::new(Engine::Sqlite).await;
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let server = Server::start_with(Config { trusted_proxies, ..limited(&home) }).await;
    let (ana, eve) = (server.register("ana").await, server.register("eve").await);
    let http = Http::new();
    let from_there = async |request: RequestBuilder| sent(request.header("x-forwarded-for", "198.51.100.1")).await;
    // An account has 10 of these at once, its address 300.
    let export = |token: Option<&str>| {
        let request = http.get(format!("http://{}/users/me/export", server.address));
        token.into_iter().fold(request, |request, token| request.bearer_auth(token))
    };
    let refresh = |token: &str| {
        http.post(format!("http://{}/auth/refresh", server.address)).json(&json!({"refreshToken": token}))
    };
    let signed_in = from_there(login(&server, &http, "ana@test.example", "correct horse")).await;
    let renews = signed_in.body["refreshToken"].as_str().unwrap();

    // Nobody who is signed in waits for those who are not, or for another account that goes on beyond its budget.
    for token in [None, Some("nonsense"), Some(eve.token.as_str())] {
        for _ in 0..400 {
            from_there(export(token)).await;
        }
        assert_eq!(from_there(export(Some(&ana.token))).await.status, 200, "{token:?}");
    }
    // What comes without good credentials has a budget of its own.
    use_up(async |_| from_there(export(None)).await).await;
    assert_eq!(from_there(export(Some(&ana.token))).await.status, 200);

    // Who signed in there before, or was given a token, does not wait for strangers.
    let nothing = || http.post(format!("http://{}/auth/login", server.address)).json(&json!({}));
    until_limited(2_000, async |_| from_there(nothing()).await).await.expect("a limit");
    assert_eq!(from_there(login(&server, &http, "ana@test.example", "correct horse")).await.status, 200);
    use_up(async |n| from_there(refresh(&n.to_string())).await).await;
    assert_eq!(from_there(refresh(renews)).await.status, 200);
    server.stop().await;
}

each_mix!(guessing_is_slow_and_tells_nobody_who_has_an_account, |home| async move {
    let server = Server::start_with(limited(&home)).await;
    // Ben has an account, Dan has none.
    server.register("ana").await;
    server.register("ben").await;
    let http = Http::new();
    let mut received = Vec::new();
    for email in ["ben@test.example", "dan@test.example"] {
        let mut of_one = Vec::new();
        for password in std::iter::repeat_n("a wrong password", 11).chain(["correct horse"]) {
            let mut reply = sent(login(&server, &http, email, password)).await;
            reply.body["requestId"].take();
            of_one.push((reply.status, reply.body));
        }
        received.push(of_one);
    }
    assert_eq!(received[0], received[1], "the answer shows whether the account exists");
    let statuses: Vec<_> = received[0].iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [vec![401; 10], vec![429; 2]].concat(), "not even the right password tells anything");
    assert_eq!(received[0][10].1["code"], "rate_limited");
    assert!(received[0][10].1["retryAfter"].as_u64().is_some_and(|seconds| (1..=5).contains(&seconds)));
    // Who signed in here before is known, and the guesses at others change nothing.
    assert_eq!(sent(login(&server, &http, "ana@test.example", "correct horse")).await.status, 200);
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn with_rate_limits_off_nobody_is_limited() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let http = Http::new();
    assert!(until_limited(400, async |_| sent(befriend(&server, &http, &ana)).await).await.is_none());
    let guess = async |_| sent(login(&server, &http, "ana@test.example", "a wrong password")).await;
    assert!(until_limited(40, guess).await.is_none());
    let mut client = server.connect(&ana, None).await;
    let room = client.group(&[], "Room").await;
    for _ in 0..60 {
        client.say(&room, "the same again").await;
    }
    server.stop().await;
}

each_mix!(spam_is_refused_at_each_door_and_judged_in_the_log, |home| async move {
    let server = Server::start_with(limited(&home)).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    let room = client.group(&[], "Room").await;
    for _ in 0..100 {
        client.say(&room, "buy now").await;
    }
    let refused = client.refused("message.send", json!({"conversationId": room, "content": "Buy  now"})).await;
    assert_eq!(
        (&refused["code"], &refused["status"], &refused["retryAfter"]),
        (&json!("spam"), &json!(429), &json!(60))
    );
    let url = format!("http://{}/conversations/{room}/messages", server.address);
    let reply = sent(Http::new().post(url).bearer_auth(&ana.token).json(&json!({"content": "BUY NOW"}))).await;
    assert_eq!((reply.status, reply.retry_after, &reply.body["code"]), (429, Some(60), &json!("spam")));
    client.say(&room, "something else").await;
    let arrived = client.fence().await.0;
    assert!(arrived.iter().all(|push| push["event"] != "conduct.judged"), "a verdict was pushed");
    server.stop().await;
});

#[tokio::test]
async fn nodes_that_share_redis_share_budgets() {
    let namespace = testkit::namespace();
    let clock = || Timestamp::from_millis(1_000_000);
    let node = || {
        let settings = RedisSettings { url: testkit::redis_url(), namespace: namespace.clone(), log: Uuid::nil() };
        Limits::new(Some(Graph::redis(settings).unwrap()), clock)
    };
    let nodes = [node(), node()];
    let user = domain::UserId(Uuid::from_u128(7));
    let mut passed = 0;
    for n in 0..2_000 {
        passed += usize::from(nodes[n % 2].admit(Kind::Report, None, Some(user)).await.is_ok());
    }
    // Each node alone would have let 60 pass; a report comes back each second.
    assert!((60..100).contains(&passed), "{passed}");
}

#[tokio::test]
async fn without_redis_each_node_goes_on_with_its_own_counts() {
    let clock = || Timestamp::from_millis(1_000_000);
    // Nothing listens on port 1.
    let settings =
        RedisSettings { url: "redis://127.0.0.1:1".to_owned(), namespace: "none".to_owned(), log: Uuid::nil() };
    let limits = Limits::new(Some(Graph::redis(settings).unwrap()), clock);
    let user = domain::UserId(Uuid::from_u128(7));
    let mut passed = 0;
    for _ in 0..200 {
        passed += usize::from(limits.admit(Kind::Report, None, Some(user)).await.is_ok());
    }
    assert_eq!(passed, 60);
}
