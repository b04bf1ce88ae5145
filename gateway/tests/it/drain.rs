//! The end of connections while a server stops, through real sockets.

use crate::support::{Server, soon, until};
use testkit::{Engine, Home};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The head and body of an answer of [`REQUEST`], whose body is short.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    while !answer.contains("\"ok\"}") {
        let mut bytes = [0; 4_096];
        let length = soon("an answer", stream.read(&mut bytes)).await.unwrap();
        assert!(length > 0, "the connection ended without an answer: {answer}");
        answer.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
    }
    answer.to_lowercase()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_on_an_idle_connection_is_answered_while_the_server_stops() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let address = server.address;
    let mut idle = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    for stream in &mut idle {
        stream.write_all(REQUEST).await.unwrap();
        assert!(!answer(stream).await.contains("connection: close"), "it is kept alive");
    }
    let stopping = tokio::spawn(server.stop());
    until("the port to be closed", async || TcpStream::connect(address).await.is_err()).await;
    let [used, unused] = &mut idle;
    used.write_all(REQUEST).await.unwrap();
    let last = answer(used).await;
    assert!(last.starts_with("http/1.1 200") && last.contains("connection: close"), "{last}");
    for stream in [used, unused] {
        let mut rest = Vec::new();
        assert_eq!(soon("the end", stream.read_to_end(&mut rest)).await.unwrap(), 0);
    }
    soon("the server to stop", stopping).await.unwrap();
}
