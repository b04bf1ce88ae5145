//! Each row of the table, from its event to its command.

use super::*;
use crate::session::Answered;
use serde_json::from_str;

const ID: &str = "01993e5c-2f4b-7c11-8a55-3f0c5d0e9b61";

fn asked(name: &str, data: &Value) -> (String, Value, Row) {
    match read(&format!("2{}", json!([name, data]))) {
        Inbound::Asked(Want::Command { cmd, key: None, data, unknown: Unknown::Ignored }, Ask { ack: None, row }) => {
            (cmd, data, row)
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn each_event_is_a_command() {
    let send = json!({"conversationId": "c", "guid": "g", "messageType": "TEXT", "content": "hi"});
    let row = Row::SendMessage { guid: Some("g".into()) };
    assert_eq!(asked("sendMessage", &send), ("message.send".into(), send, row));
    for (flag, cmd) in [
        (json!({}), "message.delete"),
        (json!({"deleteForEveryone": false}), "message.hide"),
        (json!({"deleteForEveryone": true}), "message.delete"),
    ] {
        let mut data = json!({"messageId": ID, "conversationId": ID});
        data.as_object_mut().unwrap().extend(flag.as_object().unwrap().clone());
        assert_eq!(asked("deleteMessage", &data).0, cmd);
    }
    let read = asked("messageRead", &json!({"messageId": "m", "conversationId": "c"}));
    assert_eq!((read.0.as_str(), read.1), ("message.read", json!({"conversationId": "c", "upTo": "m"})));
    let call = json!({"conversationId": "c", "callType": "VIDEO", "signalData": {"sdp": "x"}});
    assert_eq!(asked("callUser", &call), ("call.initiate".into(), call, Row::CallUser { conversation: json!("c") }));
    for (event, cmd, error) in [
        ("answerCall", "call.answer", "answerCallError"),
        ("refuseCall", "call.refuse", "refuseCallError"),
        ("closeCall", "call.close", "closeCallError"),
    ] {
        let data = json!({"callId": "k", "signalData": 1});
        assert_eq!(asked(event, &data), (cmd.into(), data, Row::Call { error }));
    }
    assert_eq!(asked("callSignal", &json!({"callId": "k"})).0, "call.signal");
    assert_eq!(asked("typing", &json!({"conversationId": ID})).0, "typing.start");
    assert_eq!(asked("typing", &json!({"conversationId": ID, "isTyping": false, "more": 1})).0, "typing.stop");
    assert_eq!(asked("presence", &json!({"status": "busy"})).0, "presence.set");
    let joined = asked("joinGroup", &json!({"groupId": "c"}));
    assert_eq!((joined.0.as_str(), joined.1), ("conversation.join", json!({"conversationId": "c"})));
    let sent = asked("broadcastEvent", &json!({"event": "moved", "payload": [1], "conversationId": "c"}));
    let want = json!({"conversationId": "c", "name": "moved", "payload": [1], "excludeSelf": null});
    assert_eq!((sent.0.as_str(), sent.1), ("signal.send", want));
}

#[test]
fn what_is_no_command_is_something_else() {
    let ask = |ack, row| Ask { ack, row };
    let beat = |cursor: Option<&str>, row| Inbound::Beat(cursor.map(str::to_owned), Some(ask(Some(3), row)));
    assert_eq!(read(r#"23["heartbeat",{"cursor":"x"}]"#), beat(Some("x"), Row::Heartbeat));
    assert_eq!(read(r#"23["ping"]"#), beat(None, Row::Ping));
    assert_eq!(read(r#"2["getOnlineUsers"]"#), Inbound::Asked(Want::Online, ask(None, Row::OnlineUsers)));
    assert_eq!(read("1"), Inbound::Goodbye);
    for nothing in ["1/admin,", "31[]", r#"2/admin,["cmd"]"#] {
        assert_eq!(read(nothing), Inbound::Nothing, "{nothing}");
    }
    assert_eq!(read("0/admin"), Inbound::Elsewhere(r#"44/admin,{"message":"Invalid namespace"}"#.into()));
    for bad in ["nonsense", "2", "2{", "2{}", "2[]", "2[7]", r#"2abc["ping"]"#, "0{"] {
        assert_eq!(read(bad), Inbound::Bad(Close::NotOurs), "{bad}");
    }
    let Inbound::Asked(Want::Command { cmd, data, .. }, ask) = read(r#"0{"token":"t"}"#) else { panic!() };
    assert_eq!((cmd.as_str(), data, ask.row), ("auth", json!({"token": "t"}), Row::Connect));
}

#[test]
fn cmd_runs_any_command() {
    let read = read(r#"29["cmd",{"cmd":"message.react","key":"k","data":{"a":1}}]"#);
    let (cmd, key, data) = ("message.react".into(), Some("k".into()), json!({"a": 1}));
    let want = Want::Command { cmd, key, data, unknown: Unknown::Refused };
    assert_eq!(read, Inbound::Asked(want, Ask { ack: Some(9), row: Row::Cmd("message.react".into()) }));
}

#[test]
fn an_error_goes_to_the_callback_or_is_an_event() {
    for (text, code) in [
        (r#"2["explode",{}]"#, "unknown_command"),
        (r#"2["cmd",7]"#, "malformed"),
        (r#"2["cmd",{"cmd":7}]"#, "invalid"),
        (r#"2["cmd",{"data":{}}]"#, "invalid"),
        (r#"2["cmd",{"cmd":"a","key":7}]"#, "invalid"),
        (r#"2["cmd",{"cmd":"a","dta":{}}]"#, "unknown_field"),
    ] {
        let (name, data): (String, Value) = from_str(answer_to(text).strip_prefix("42").unwrap()).unwrap();
        assert_eq!((name.as_str(), &data["code"]), ("error", &json!(code)), "{text}");
        let acknowledged = answer_to(&text.replacen('2', "25", 1));
        let [data]: [Value; 1] = from_str(acknowledged.strip_prefix("435").unwrap()).unwrap();
        assert_eq!(data["error"]["code"], json!(code), "{text}");
    }
}

#[test]
fn a_field_that_stands_twice_is_an_error_of_its_event_alone() {
    let answer = answer_to(r#"2["sendMessage",{"content":"a","content":"b"}]"#);
    let (name, data): (String, Value) = from_str(answer.strip_prefix("42").unwrap()).unwrap();
    assert_eq!((name.as_str(), &data["code"]), ("sendMessageError", &json!("invalid")));
    for (text, field) in [
        (r#"25["sendMessage",{"content":"a","content":"b"}]"#, "content"),
        (r#"25["sendMessage",{"attachments":[{"fileUrl":"/a","fileUrl":"/b"}]}]"#, "attachments[0].fileUrl"),
        (r#"25["cmd",{"cmd":"message.send","data":{"content":"a","content":"b"}}]"#, "content"),
        (r#"25["cmd",{"cmd":"message.send","cmd":"ping"}]"#, "cmd"),
        (r#"25["cmd",{"cmd":"sync","data":[]}]"#, "data"),
        (r#"25["cmd",{"data":{}}]"#, "cmd"),
        (r#"25["cmd",{"cmd":"sync","key":7}]"#, "key"),
    ] {
        let answer = answer_to(text);
        let [data]: [Value; 1] = from_str(answer.split_once("435").unwrap().1).unwrap();
        assert_eq!(data["error"]["errors"][0]["field"], json!(field), "{text}");
    }
    for text in [r#"2["cmd",{"cmd":"sync"}]"#, r#"2["cmd",{"cmd":"sync","data":null}]"#] {
        assert!(matches!(read(text), Inbound::Asked(Want::Command { data: Value::Object(_), .. }, _)), "{text}");
    }
}

/// The answer to an event that cannot be understood.
fn answer_to(text: &str) -> String {
    let Inbound::Malformed(problem, ask) = read(text) else { panic!("{text}") };
    let (user, now) = (domain::UserId::default(), domain::Timestamp::from_millis(0));
    super::super::answer::answer(ask, Answered { answer: Err(problem), request: None, user, now }).unwrap().to_string()
}

#[test]
fn a_binary_payload_is_an_error_of_its_event_alone() {
    for (event, error_name) in [
        (r#"["sendMessage",{"content":{"_placeholder":true,"num":0}}]"#, "sendMessageError"),
        (r#"["callUser",{"signalData":{"_placeholder":true,"num":0}}]"#, "callUserError"),
        (r#"["ping",{"_placeholder":true,"num":0}]"#, "error"),
        (r#"["cmd",{"cmd":"message.send","data":{"_placeholder":true,"num":0}}]"#, "error"),
        (r#"["cmd",{"_placeholder":true,"num":0}]"#, "error"),
    ] {
        let (name, data): (String, Value) =
            from_str(answer_to(&format!("51-{event}")).strip_prefix("42").unwrap()).unwrap();
        assert_eq!((name.as_str(), &data["code"]), (error_name, &json!("malformed")), "{event}");
        let acknowledged = answer_to(&format!("51-5{event}"));
        let [data]: [Value; 1] = from_str(acknowledged.split_once("435").unwrap().1).unwrap();
        assert_eq!((&data["status"], &data["error"]["code"]), (&json!("error"), &json!("malformed")), "{event}");
    }
    assert_eq!(read(r#"51-/admin,["a"]"#), Inbound::Nothing);
}

#[test]
fn a_known_field_of_a_wrong_type_is_refused_in_the_words_of_its_row() {
    let wrong = [json!("false"), json!(0), json!({}), json!([true])];
    for (event, field, error_name) in [
        ("deleteMessage", "deleteForEveryone", "deleteMessageError"),
        ("deleteMessage", "conversationId", "deleteMessageError"),
        ("deleteMessage", "messageId", "deleteMessageError"),
        ("typing", "isTyping", "error"),
        ("typing", "conversationId", "error"),
    ] {
        for value in &wrong {
            let answer = answer_to(&format!("2{}", json!([event, {field: value}])));
            let (name, data): (String, Value) = from_str(answer.strip_prefix("42").unwrap()).unwrap();
            assert_eq!((name.as_str(), &data["code"]), (error_name, &json!("invalid")), "{event} {field} {value}");
            assert!(data["message"].as_str().unwrap().starts_with(field), "{event} {field} {value}: {data}");
            let acknowledged = answer_to(&format!("25{}", json!([event, {field: value}])));
            let [data]: [Value; 1] = from_str(acknowledged.split_once("435").unwrap().1).unwrap();
            assert_eq!(data["error"]["errors"][0]["field"], json!(field), "{event} {field} {value}");
        }
    }
    for event in ["heartbeat", "ping"] {
        for cursor in [json!(7), json!({}), json!(true)] {
            let answer = answer_to(&format!("2{}", json!([event, {"cursor": cursor}])));
            let (name, data): (String, Value) = from_str(answer.strip_prefix("42").unwrap()).unwrap();
            assert_eq!((name.as_str(), &data["event"]), ("error", &json!(event)), "{cursor}");
        }
        assert!(matches!(read(&format!(r#"2["{event}",1700000000000]"#)), Inbound::Beat(None, Some(_))));
    }
}
