//! Bytes both ways between a client and the gateway that serves its WebSocket.

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::{
    io::{AsyncWriteExt as _, copy, split},
    time::timeout,
};

/// How long an upgrade may take once it is agreed.
const UPGRADE: Duration = Duration::from_secs(10);
/// How long one side may go on once the other has ended.
const FAREWELL: Duration = Duration::from_secs(10);

/// Carries bytes until either side ends.
pub(super) async fn carry(client: OnUpgrade, gateway: OnUpgrade) {
    let upgraded = timeout(UPGRADE, futures_util::future::try_join(client, gateway)).await;
    let Ok(Ok((client, gateway))) = upgraded else {
        tracing::debug!("A WebSocket could not be passed on");
        return;
    };
    let (mut from_client, mut to_client) = split(stream(client));
    let (mut from_gateway, mut to_gateway) = split(stream(gateway));
    let up = async {
        let _ = copy(&mut from_client, &mut to_gateway).await;
        let _ = to_gateway.shutdown().await;
    };
    let down = async {
        let _ = copy(&mut from_gateway, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::pin!(up, down);
    let ended = tokio::select! {
        () = &mut up => timeout(FAREWELL, down).await,
        () = &mut down => timeout(FAREWELL, up).await,
    };
    if ended.is_err() {
        tracing::debug!("A WebSocket that was passed on ended on one side alone");
    }
}

fn stream(upgraded: Upgraded) -> TokioIo<Upgraded> {
    TokioIo::new(upgraded)
}
