//! The other gateways, and how a request that belongs to one of them is passed on: over plain HTTP, within the machine or a
//! private network. ADR 30.

mod address;
mod pass;
mod tunnel;

pub use address::advertised;
pub(crate) use pass::{NotPassedOn, is_passed_on};

use axum::body::Body;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use projections::Gateways;
use sql::Database;
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often a gateway says that it serves.
const RENEW: Duration = Duration::from_secs(10);
/// How long one that is silent is still asked.
const LASTS: Duration = Duration::from_secs(35);
/// The shortest time between two looks for a gateway that is not known here.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long another gateway may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a connection that is not used is kept; shorter than the other gateway keeps it.
const IDLE: Duration = Duration::from_secs(20);
/// How many such connections are kept to each.
const IDLE_CONNECTIONS: usize = 64;
/// Between signs of life on a connection on which nothing moves.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The other gateways. Clones share what is known of them.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

struct Inner {
    node: Uuid,
    /// Where the others reach this one; `None` when they cannot.
    address: Option<SocketAddr>,
    gateways: Gateways,
    known: RwLock<HashMap<Uuid, SocketAddr>>,
    /// When the last look began.
    looked: Mutex<Option<Instant>>,
    client: Client<HttpConnector, Body>,
    /// Requests that may be under way with others.
    places: Arc<Semaphore>,
    ended: CancellationToken,
}

impl Peers {
    /// Of the process `node`, which the others reach at `address`; at most `places` requests are passed on at once.
    pub fn new(database: Database, node: Uuid, address: Option<SocketAddr>, places: usize) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_keepalive(Some(KEEPALIVE));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(connector);
        Self(Arc::new(Inner {
            node,
            address,
            gateways: Gateways::new(database, LASTS),
            known: RwLock::default(),
            looked: Mutex::default(),
            client,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            ended: CancellationToken::new(),
        }))
    }

    /// Says once that this gateway serves, and learns of the others: so that they find it from its first session on.
    pub async fn begin(&self) {
        self.renew(&mut false).await;
    }

    /// Says so until `stop`, and then that it serves no more.
    pub async fn keep(self, stop: CancellationToken) {
        let mut is_held_up = false;
        while stop.run_until_cancelled(sleep(RENEW)).await.is_some() {
            if stop.run_until_cancelled(self.renew(&mut is_held_up)).await.is_none() {
                break;
            }
        }
        if timeout(PATIENCE, self.0.gateways.withdraw(self.0.node)).await.is_err() {
            tracing::debug!("This gateway could not take its address back; the others forget it");
        }
    }

    /// Ends what goes through this process to others.
    pub fn end(&self) {
        self.0.ended.cancel();
    }

    /// Whether another gateway serves at this address: its connections are other people's.
    pub fn has(&self, address: IpAddr) -> bool {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().any(|peer| peer.ip() == address)
    }

    async fn renew(&self, is_held_up: &mut bool) {
        let renewed = timeout(PATIENCE, async {
            if let Some(address) = self.0.address {
                self.0.gateways.announce(self.0.node, address).await?;
            }
            self.look().await
        });
        match renewed.await {
            Ok(Ok(())) => *is_held_up = false,
            // Not for long, and it has been said: the others know this one for a while.
            _ if std::mem::replace(is_held_up, true) => (),
            Ok(Err(error)) => tracing::warn!(error.cause = %error, "This gateway cannot say where others reach it"),
            Err(_) => tracing::warn!("This gateway cannot say where others reach it: no answer"),
        }
    }

    async fn look(&self) -> Result<(), sql::Error> {
        let all = self.0.gateways.all().await?;
        let others = all.into_iter().filter(|(node, _)| *node != self.0.node).collect();
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = others;
        Ok(())
    }

    /// Where another gateway is. One that has just begun is looked for, by one request for all that wait.
    async fn address_of(&self, node: Uuid) -> Option<SocketAddr> {
        let asked = Instant::now();
        if let Some(address) = self.known(node) {
            return Some(address);
        }
        let mut looked = self.0.looked.lock().await;
        if looked.is_none_or(|looked| looked < asked) {
            if let Some(before) = *looked {
                sleep_until(before + LOOK_AGAIN).await;
            }
            let began = Instant::now();
            if !matches!(timeout(PATIENCE, self.look()).await, Ok(Ok(()))) {
                tracing::debug!("the addresses of the other gateways could not be read");
            }
            // Not before: should this request be given up, another one looks.
            *looked = Some(began);
        }
        self.known(node)
    }

    fn known(&self, node: Uuid) -> Option<SocketAddr> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(&node).copied()
    }
}
