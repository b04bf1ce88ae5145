//! The server around its routes: documents, limits, origins, slow clients, stopping.

use crate::support::{DEADLINE, Reply, Server, config, document, until};
use config::{Config, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Engine, Home, each_mix};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

async fn home() -> Home {
    Home::new(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_route_is_served_and_needs_credentials() {
    let home = home().await;
    let server = Server::start(&home).await;
    let mut routes = 0;
    for (template, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes += 1;
            let path = template.replace("{emoji}", "a").replace("{id}", "x").replace("{userId}", "x");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let reply = server.send(server.request(method.clone(), &path, None)).await;
            let open = operation["security"][0] == json!({});
            match (open, method) {
                (true, _) if template == "/ws" => drop(reply.refused(426, "upgrade_required")),
                (true, _) if template == "/socket.io/" => {
                    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (400, &json!(0)))
                }
                (true, _) if template == "/files/links/{token}" => drop(reply.refused(404, "not_found")),
                (false, _) => drop(reply.refused(401, "unauthenticated")),
                (true, Method::GET) => assert_eq!(reply.status, StatusCode::OK),
                (true, _) => drop(reply.refused(400, "malformed")),
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                // Clients of Engine.IO know its own words alone.
                let engine = &response["content"]["application/json"]["schema"]["$ref"];
                let wanted = status.starts_with(['4', '5']) && engine != "#/components/schemas/EngineError";
                assert_eq!(problem == "#/components/schemas/Problem", wanted, "{template} {status}");
            }
        }
    }
    assert!(routes >= 40, "{routes}");
    server.stop().await;
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => (),
        }
    }
    let mut found = Vec::new();
    references(document(), &mut found);
    for reference in found {
        assert!(document().pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_are_served_and_the_explorer_not_in_production() {
    let home = home().await;
    let get = async |server: &Server, path: &str| reqwest::get(server.url(path)).await.unwrap();
    for production in [false, true] {
        let server = Server::start_with(Config { production, ..config(&home) }).await;
        let open: Value = get(&server, "/openapi.json").await.json().await.unwrap();
        assert_eq!(&open, document());
        let asynchronous: Value = get(&server, "/asyncapi.json").await.json().await.unwrap();
        assert_eq!(asynchronous["asyncapi"].as_str().unwrap().split('.').next(), Some("3"));
        let explorer = get(&server, "/api-docs").await;
        assert_eq!(explorer.status().is_success(), !production);
        let script = get(&server, "/api-docs/swagger-ui-bundle.js").await;
        assert_eq!(script.status().is_success(), !production);
        if !production {
            assert!(explorer.text().await.unwrap().contains("swagger-ui-bundle.js"));
            assert!(!script.headers().contains_key("content-encoding"), "this client does not take gzip");
            assert!(script.text().await.unwrap().contains("SwaggerUIBundle"));
            let request = reqwest::Client::new().get(server.url("/api-docs/swagger-ui.css"));
            let compressed = request.header("accept-encoding", "br, gzip;q=0.5").send().await.unwrap();
            assert_eq!(compressed.headers()["content-encoding"], "gzip");
            assert_eq!(compressed.bytes().await.unwrap()[..2], [0x1f, 0x8b]);
            assert_eq!(get(&server, "/api-docs/swagger-ui.js.map").await.status(), 404);
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_route_and_a_wrong_method_are_problems() {
    let home = home().await;
    let server = Server::start(&home).await;
    for path in ["/nowhere", "/users/a/b/c"] {
        server.send(server.request(Method::GET, path, None)).await.refused(404, "unknown_route");
    }
    let reply = server.send(server.request(Method::PUT, "/auth/login", None)).await;
    assert_eq!(reply.refused(405, "wrong_method").header("allow").unwrap(), "POST");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_a_head_is_a_problem() {
    let home = home().await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let request = || server.request(Method::GET, "/users/me", Some(&ana.token));
    let many = (0..120).fold(request(), |request, n| request.header(format!("x-{n}"), "1"));
    server.send(many).await.refused(431, "headers_too_large");
    server.send(request().header("x-long", "x".repeat(40 * 1024))).await.refused(431, "headers_too_large");
    let long = format!("/users/{}", "x".repeat(20 * 1024));
    server.send(server.request(Method::GET, &long, Some(&ana.token))).await.refused(414, "address_too_long");
    for name in ["authorization", "x-chatchit-position"] {
        let reply = server.send(request().header(name, "1").header(name, "2")).await;
        assert!(reply.refused(400, "malformed").body["detail"].as_str().unwrap().contains(name));
    }
    server.get(&ana, "/users/me").await.expect(StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_has_one_form_in_paths_parameters_and_bodies() {
    let home = home().await;
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let upper = ben.id.hyphenated().to_string().to_uppercase();
    server.get(&ana, &format!("/users/{upper}")).await.expect(StatusCode::OK);
    server.get(&ana, &format!("/presence?userIds={upper}")).await.expect(StatusCode::OK);
    for id in [ben.id.simple().to_string(), ben.id.braced().to_string(), ben.id.urn().to_string()] {
        let malformed = |reply: Reply, field: &str| {
            assert_eq!(reply.refused(422, "invalid").faults(), [(field, "malformed")], "{id}");
        };
        malformed(server.get(&ana, &format!("/users/{id}")).await, "id");
        malformed(server.get(&ana, &format!("/presence?userIds={id}")).await, "userIds");
        malformed(server.get(&ana, &format!("/messages/search?q=a&from={id}")).await, "from");
        malformed(server.post(&ana, "/friends", json!({"userId": id})).await, "userId");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_origins_may_call() {
    let home = home().await;
    let allowed_origins = vec!["https://app.example".to_owned()];
    let server = Server::start_with(Config { allowed_origins, ..config(&home) }).await;
    let preflight = async |origin: &str| {
        let request = reqwest::Client::new().request(Method::OPTIONS, server.url("/users/me"));
        let request = request.header("Origin", origin).header("Access-Control-Request-Method", "PATCH");
        request.send().await.unwrap()
    };
    let allowed = preflight("https://app.example").await;
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://app.example");
    assert!(allowed.headers()["access-control-allow-methods"].to_str().unwrap().contains("PATCH"));
    assert!(preflight("https://evil.example").await.headers().get("access-control-allow-origin").is_none());
    server.stop().await;
}

/// What a client that sends `bytes` and then nothing is answered until the server hangs up.
async fn stalled(server: &Server, bytes: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("the server hangs up").unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stalls_is_hung_up_on() {
    let home = home().await;
    let server = Server::start_with(Config { patience: Duration::from_millis(200), ..config(&home) }).await;
    stalled(&server, "").await;
    stalled(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n").await;
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    let answer = stalled(&server, head).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"too_slow\""), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_a_restart() {
    let home = home().await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let group = server.conversation(&ana, "group", &[]).await;
    server.text(&ana, &group, "kept").await;
    server.stop().await;
    let server = Server::start(&home).await;
    let seen = server.get(&ana, &format!("/conversations/{group}")).await.expect(StatusCode::OK);
    assert_eq!(seen["lastMessage"]["content"], "kept");
    assert_eq!(server.text(&ana, &group, "on").await["seq"], 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_has_no_doors() {
    let home = home().await;
    let worker = Config { role: Role::Worker, ..config(&home) };
    let server = Server::start_with(worker).await;
    assert_eq!(reqwest::get(server.url("/readyz")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(reqwest::get(server.url("/users/me")).await.unwrap().status(), StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_address_does_not_start() {
    let home = home().await;
    let server = Server::start(&home).await;
    let second = Config { port: server.address.port(), ..config(&home) };
    let fault = gateway::Application::build(second).await.err().expect("it does not start");
    assert!(fault.to_string().contains("cannot listen on 127.0.0.1"), "{fault}");
    server.stop().await;
}

each_mix!(administrators_see_what_queues_and_caches_do, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let ana = server.register("ana").await;
    for (path, engine) in [
        ("/chat/queue/stats", if home.rabbitmq_url().is_some() { "rabbitmq" } else { "in-process" }),
        ("/chat/cache/stats", if home.redis_url().is_some() { "redis" } else { "memory" }),
    ] {
        server.get(&ana, path).await.refused(403, "admin_only");
        server.send(server.request(Method::GET, path, None)).await.refused(401, "unauthenticated");
        let stats = server.get(&root, path).await.expect(StatusCode::OK);
        assert_eq!(stats["engine"], engine);
        assert!(stats["counts"].is_object(), "{stats}");
    }
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn without_rabbitmq_and_redis_it_serves_and_says_so() {
    let home = home().await;
    // Nothing listens on port 1.
    let absent = |scheme: &str| Some(format!("{scheme}://127.0.0.1:1"));
    let server =
        Server::start_with(Config { rabbitmq_url: absent("amqp"), redis_url: absent("redis"), ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    server.text(&ana, &room, "hello").await;
    let online = server.get(&ana, "/chat/online-users").await.expect(StatusCode::OK);
    assert_eq!(online["items"], json!([]), "nobody can be seen without Redis");
    server.get(&ana, "/chat/online-users?limit=5").await.expect(StatusCode::OK);
    for limit in ["0", "201", "x"] {
        let refused = server.get(&ana, &format!("/chat/online-users?limit={limit}")).await;
        assert_eq!(refused.refused(422, "invalid").faults()[0].0, "limit", "{limit}");
    }
    let cyd = server.register("cyd").await;
    for (one, other) in [(&ana, &ben), (&ben, &cyd)] {
        server.post(one, "/friends", json!({"userId": other.id})).await.expect(StatusCode::CREATED);
        let accepted = server.post(other, &format!("/friends/{}/accept", one.id), json!(null)).await;
        accepted.expect(StatusCode::OK);
    }
    let suggested = server.get(&ana, "/friends/suggestions").await.expect(StatusCode::OK);
    assert_eq!(suggested["items"][0]["user"]["id"], json!(cyd.id), "the read models answer for the graph");
    let health = async || server.send(server.request(Method::GET, "/readyz", None)).await.expect(StatusCode::OK);
    let degraded = json!({"status": "degraded", "away": ["rabbitmq", "redis"]});
    until("nothing but the engines to be away", async || health().await == degraded).await;
    server.stop().await;
}
