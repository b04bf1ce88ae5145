//! The server that the official protocol suites of Engine.IO and Socket.IO are run against, at 127.0.0.1:3000.

#![expect(clippy::expect_used, reason = "a server that cannot listen has nothing to do")]

#[path = "../tests/echo/mod.rs"]
mod echo;

#[tokio::main]
async fn main() {
    echo::listen("127.0.0.1:3000", echo::SETTINGS).await.1.await;
}
