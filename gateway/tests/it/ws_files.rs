//! A file, attached over the socket.

use crate::support::{Person, Server, position};
use serde_json::{Value, json};
use testkit::each_mix;

async fn upload(server: &Server, by: &Person) -> Value {
    let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nwords\r\n--b--\r\n";
    let request = reqwest::Client::new().post(format!("http://{}/files", server.address)).bearer_auth(&by.token);
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(body);
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

async fn fetch(server: &Server, by: &Person, file: &Value, position: u64) -> (u16, String) {
    let url = format!("http://{}{}", server.address, file["fileUrl"].as_str().unwrap());
    let request = reqwest::Client::new().get(url).bearer_auth(&by.token).header("x-chatchit-position", position);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

each_mix!(a_file_is_attached_by_its_uploader_and_fetched_by_a_recipient, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut hers, mut his) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = hers.group(&[ben.id], "Us").await;
    let file = upload(&server, &ana).await;
    let message = json!({
        "conversationId": room, "messageType": "FILE", "content": "", "attachments": [{"fileUrl": file["fileUrl"]}],
    });
    let refused = his.refused("message.send", message.clone()).await;
    assert_eq!(refused["errors"][0]["field"], "attachments[0].fileUrl");
    assert_eq!(refused["errors"][0]["code"], "not_found");
    assert_eq!(fetch(&server, &ben, &file, 0).await.0, 404);
    hers.ok("message.send", message).await;
    let push = loop {
        let push = his.push().await;
        if push["event"] == "message.sent" {
            break push;
        }
    };
    assert_eq!(push["data"]["attachments"][0]["fileUrl"], file["fileUrl"]);
    assert_eq!(fetch(&server, &ben, &file, position(&push)).await, (200, "words".to_owned()));
    server.stop().await;
});
