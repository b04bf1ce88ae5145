//! Each row of the table, from its event to its command.

use super::*;
use serde_json::from_str;

fn asked(name: &str, data: &Value) -> (String, Value, Row) {
    match read(&format!("2{}", json!([name, data]))) {
        Inbound::Asked(Want::Command { cmd, key: None, data }, Ask { ack: None, row }) => (cmd, data, row),
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
        let mut data = json!({"messageId": "m", "conversationId": "c"});
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
    assert_eq!(asked("typing", &json!({"conversationId": "c"})).0, "typing.start");
    assert_eq!(asked("typing", &json!({"conversationId": "c", "isTyping": false})).0, "typing.stop");
    assert_eq!(asked("presence", &json!({"status": "busy"})).0, "presence.set");
    let joined = asked("joinGroup", &json!({"groupId": "c"}));
    assert_eq!((joined.0.as_str(), joined.1), ("conversation.join", json!({"conversationId": "c"})));
    let sent = asked("broadcastEvent", &json!({"event": "moved", "payload": [1], "conversationId": "c"}));
    let want = json!({"conversationId": "c", "name": "moved", "payload": [1], "excludeSelf": true});
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
    assert_eq!(read(r#"51-["a",{"_placeholder":true,"num":0}]"#), Inbound::Bad(Close::NotText));
    assert_eq!(read("nonsense"), Inbound::Bad(Close::NotOurs));
    let Inbound::Asked(Want::Command { cmd, data, .. }, ask) = read(r#"0{"token":"t"}"#) else { panic!() };
    assert_eq!((cmd.as_str(), data, ask.row), ("auth", json!({"token": "t"}), Row::Connect));
}

#[test]
fn cmd_runs_any_command() {
    let read = read(r#"29["cmd",{"cmd":"message.react","key":"k","data":{"a":1}}]"#);
    let want = Want::Command { cmd: "message.react".into(), key: Some("k".into()), data: json!({"a": 1}) };
    assert_eq!(read, Inbound::Asked(want, Ask { ack: Some(9), row: Row::Cmd("message.react".into()) }));
}

#[test]
fn what_is_wrong_is_told_to_the_callback_or_as_an_event() {
    for (text, code) in [
        ("2[]", "malformed"),
        ("2{", "malformed"),
        ("2[7]", "malformed"),
        (r#"2["explode",{}]"#, "unknown_command"),
        (r#"2["cmd",7]"#, "malformed"),
        (r#"2["cmd",{"cmd":7}]"#, "malformed"),
        (r#"2["cmd",{"cmd":"a","key":7}]"#, "malformed"),
    ] {
        let Inbound::Malformed(told) = read(text) else { panic!("{text}") };
        let (name, data): (String, Value) = from_str(told.strip_prefix("42").unwrap()).unwrap();
        assert_eq!((name.as_str(), &data["code"]), ("error", &json!(code)), "{text}");
        let Inbound::Malformed(told) = read(&text.replacen('2', "25", 1)) else { panic!("{text}") };
        let [data]: [Value; 1] = from_str(told.strip_prefix("435").unwrap()).unwrap();
        assert_eq!(data["error"]["code"], json!(code), "{text}");
    }
}
