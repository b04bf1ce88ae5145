//! Text that is meant to do something: it is kept as it was written, and does nothing.

use crate::support::{Person, Server, sio::Transport};
use reqwest::{Client as Http, Method};
use serde_json::{Value, json};
use testkit::{Engine, Home, each_mix};
use unicode_normalization::UnicodeNormalization as _;

/// Scripts, markup, directions, line ends, look-alikes, queries, formats and paths.
const CORPUS: [&str; 34] = [
    "<script>alert(document.cookie)</script>",
    "\"><img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "javascript:alert(1)",
    "[click](javascript:alert(1)) ![x](https://tracker.example/a.png)",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{constructor.constructor('alert(1)')()}} ${7*7} #{7*7} <%= 7*7 %>",
    "<!--#exec cmd=\"id\"--> <?php system('id'); ?>",
    "\u{202E}gnp.exe\u{202C} \u{2066}isolated\u{2069} \u{200F}rtl\u{200E}",
    "\u{202E}\u{202E}\u{202E}\u{2067}never closed",
    "zero\u{200B}width\u{200D}\u{FEFF}\u{2060}",
    "z̸̢̛a̵̡l̶̢g̷̨o̸̧ a\u{0301}\u{0301}\u{0301}\u{0301}\u{0301}\u{0301}\u{0301}\u{0301}",
    "pаypal (Cyrillic) ｆｕｌｌ ﬁ İi ß ẞ",
    "👩‍👩‍👧‍👦🏳️‍🌈\u{1F3F4}\u{E0067}\u{E0062}\u{E007F}",
    "Tiếng Việt: Đặng Thị Hằng, nghiêng ngả",
    "\u{FFFE}\u{FFFF}\u{10FFFF}\u{E000}\u{FFFD}",
    "a\r\nSet-Cookie: session=stolen\r\n\r\n<html>",
    "%0d%0aLocation:%20https://evil.example",
    "\r\n.\r\n+OK\r\nEHLO x",
    "line\u{2028}separator\u{2029}paragraph",
    "tabs\tand\nlines\r\nand\rreturns",
    "'; DROP TABLE events; --",
    "' OR 1=1 -- \\' \\\" \\\\",
    "$1 $2 :name ?1 {} {0} %s %n %x",
    "../../../../etc/passwd ..\\..\\windows file:///etc/passwd",
    "__proto__ constructor hasOwnProperty null undefined NaN true -0",
    "{\"event\":\"account.blocked\",\"position\":1}",
    "42[\"close\",{\"code\":4001}]\u{00A0}41",
    "=cmd|' /C calc'!A0 @SUM(1+1) +1 -1",
    "`id` $(id) | id; id && id",
    "  leading and trailing  ",
    "\\u0000 \\x00 \\0",
];

async fn at(server: &Server, person: &Person, path: &str) -> (u16, String, Value) {
    let url = format!("http://{}{path}", server.address);
    let response = Http::new().get(url).bearer_auth(&person.token).send().await.unwrap();
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert!(response.headers().get("set-cookie").is_none() && response.headers().get("location").is_none());
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.json().await.unwrap())
}

each_mix!(text_is_kept_as_it_was_written_on_every_way, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut plain = server.connect(&ana, None).await;
    let mut sio = ben.sio(None, Transport::Polling).await;
    let room = plain.group(&[ben.id], "Room").await;
    let path = format!("/conversations/{room}/messages");
    for text in CORPUS {
        let over_socket = plain.say(&room, text).await;
        assert_eq!(over_socket["content"], text);
        let over_rest = server.write(&ben, &path, json!({"content": text})).await;
        assert_eq!(over_rest["content"], text);
        let over_sio = sio.ok("message.send", json!({"conversationId": room, "content": text})).await;
        assert_eq!(over_sio["content"], text);
        loop {
            let push = plain.push().await;
            if push["position"] == over_sio["position"] {
                assert_eq!(push["data"]["content"], text);
                break;
            }
        }
        let last = over_sio["position"].as_u64().unwrap();
        let received = sio.event("message.sent").await;
        assert_eq!(received["content"], text);
        for _ in 0..2 {
            assert_eq!(sio.event("message.sent").await["content"], text);
        }
        let read = server.read_at(&ana, &format!("/messages/{}", over_rest["id"].as_str().unwrap()), last).await;
        assert_eq!((&read["content"], read.get("contentHtml")), (&json!(text), None), "HTML is only for who asks");
    }
    let (_, kind, page) = at(&server, &ana, &format!("{path}?limit=200")).await;
    assert_eq!(kind, "application/json");
    let kept: Vec<_> = page["items"].as_array().unwrap().iter().rev().map(|item| item["content"].clone()).collect();
    let want: Vec<_> = CORPUS.iter().flat_map(|text| [json!(text), json!(text), json!(text)]).collect();
    assert_eq!(kept, want);
    let missed = server.read(&ana, "/sync").await;
    assert!(missed["cursor"].is_string());
    let mut again = server.connect(&ana, Some(&plain.cursor)).await;
    assert!(again.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});

each_mix!(html_is_for_who_asks_and_runs_nothing, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    let room = client.group(&[], "Room").await;
    let mut last = 0;
    for text in CORPUS {
        last = client.say(&room, text).await["position"].as_u64().unwrap();
    }
    let strong = client.say(&room, "**hello** <b>there</b>\nand [on](https://a.example)").await;
    last = last.max(strong["position"].as_u64().unwrap());
    let path = format!("/conversations/{room}/messages?limit=200");
    let page = server.read_at(&ana, &format!("{path}&html=true"), last).await;
    for item in page["items"].as_array().unwrap() {
        let html = item["contentHtml"].as_str().unwrap().to_lowercase();
        for bad in ["<script", "<img", "<svg", "<iframe", "<math", "<style", "<!--", "<?", "<%"] {
            assert!(!html.contains(bad), "{item}");
        }
        for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            assert!(!tag.contains(" on") && !tag.contains("javascript:"), "{item}");
        }
    }
    let one = server.read(&ana, &format!("/messages/{}?html=true", strong["id"].as_str().unwrap())).await;
    let want = "<p><strong>hello</strong> &lt;b&gt;there&lt;/b&gt;<br>\nand \
        <a href=\"https://a.example\" rel=\"noopener noreferrer nofollow\">on</a></p>\n";
    assert_eq!(one["contentHtml"], want);
    assert_eq!(one["content"], strong["content"], "and the text is as it was");
    let plain = server.read(&ana, &path).await;
    assert!(plain["items"].as_array().unwrap().iter().all(|item| item.get("contentHtml").is_none()));
    let (status, _, problem) = at(&server, &ana, &format!("{path}&html=please")).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("html")));
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn names_and_titles_are_kept_and_have_no_lines() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    for text in CORPUS.into_iter().filter(|text| text.len() <= 100) {
        // Nothing that is not seen: no lines, no directions, no zero widths, no broken flags, no noncharacters.
        let unseen = |c: char| c.is_control() || "\u{202E}\u{2067}\u{200B}\u{E0067}\u{FFFE}\u{2028}".contains(c);
        let is_one_line = !text.contains(unseen);
        let url = format!("http://{}/users/me", server.address);
        let renamed = Http::new().request(Method::PATCH, url).bearer_auth(&ana.token).json(&json!({"firstName": text}));
        let response = renamed.send().await.unwrap();
        assert_eq!(response.status().is_success(), is_one_line, "{text:?}");
        if is_one_line {
            let (me, text): (Value, String) = (response.json().await.unwrap(), text.trim().nfc().collect());
            assert_eq!(me["firstName"], text);
            let made = client.ok("conversation.create", json!({"type": "group", "title": text, "members": []})).await;
            assert_eq!(made["title"], text);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_ends_reach_no_header() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let injected = "%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0a%3Chtml%3E";
    for path in [
        format!("/users/{injected}"),
        format!("/nowhere/{injected}"),
        format!("/users?query={injected}"),
        format!("/friends?after={injected}"),
        format!("/messages/x/reactions/{injected}"),
        format!("/sync?since={injected}"),
        format!("/conversations?{injected}={injected}"),
    ] {
        let (status, kind, _) = at(&server, &ana, &path).await;
        assert!(status < 500, "{path}: {status}");
        assert!(kind.starts_with("application/"), "{path}: {kind}");
    }
    let url = format!("http://{}/ws?since={injected}", server.address);
    let response = Http::new().get(url).send().await.unwrap();
    assert!(response.headers().get("set-cookie").is_none());
    server.stop().await;
}
