//! Where rows are tried: a server with a world in which nothing happens, and new ones for what changes them.

use crate::{
    access::{
        row::{Change, ROLES, Row},
        world::{Role, World},
    },
    support::{Server, config},
};
use config::{CallSettings, Config, SocketSettings};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use testkit::{Engine, Home};

const HOUR: Duration = Duration::from_secs(3_600);

/// A server, and its worlds that last.
pub(crate) struct Stage {
    server: Server,
    /// In which nothing is changed, and one in which the owner is blocked, likewise.
    still: Mutex<[Arc<World>; 2]>,
    _home: Home,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let home = Home::new(Engine::Sqlite).await;
        // Calls ring for an hour, and sockets need not answer pings.
        let calls = CallSettings { ring: HOUR, grace: HOUR, ..CallSettings::default() };
        let sockets = SocketSettings { heartbeat: HOUR, lease: 3 * HOUR, ..SocketSettings::default() };
        let server = Server::start_with(Config { calls, sockets, ..config(&home) }).await;
        let still = Mutex::new(Self::still(&server).await);
        Self { server, still, _home: home }
    }

    async fn still(server: &Server) -> [Arc<World>; 2] {
        [Arc::new(World::new(server).await), Arc::new(World::new(server).await)]
    }

    /// Tries a row as everybody, the least entitled first. What is refused or reads is tried in a world that stays as it
    /// is, what succeeds and changes something in a new one; what changes somebody's own things alone, in one for all but
    /// the owner, in whose name others are tried, too. Answers the row as it would have to be written, when it is not
    /// written so.
    pub(crate) async fn try_row(&self, row: Row) -> Option<String> {
        let mut own: Option<World> = None;
        let mut answers = Vec::with_capacity(ROLES.len());
        for (role, expected) in ROLES.into_iter().zip(&row.expected) {
            let change = if succeeds(expected) { row.change() } else { Change::Nothing };
            let answer = if change == Change::Nothing {
                let world = self.still_for(role);
                let answer = row.tried(&self.server, &world, role).await;
                if row.change() != Change::Nothing && succeeds(&answer) {
                    // It was to be refused, and the world is not as it was.
                    let anew = Self::still(&self.server).await;
                    *self.still.lock().unwrap_or_else(PoisonError::into_inner) = anew;
                }
                answer
            } else {
                let world = match own.take() {
                    Some(world) => world,
                    None => World::new(&self.server).await,
                };
                let answer = row.tried(&self.server, &world, role).await;
                if change == Change::Oneself && role != Role::Owner {
                    own = Some(world);
                }
                answer
            };
            answers.push(answer);
        }
        (answers != row.expected).then(|| row.written(&answers))
    }

    fn still_for(&self, role: Role) -> Arc<World> {
        let still = self.still.lock().unwrap_or_else(PoisonError::into_inner);
        still[usize::from(role == Role::Stopped)].clone()
    }

    pub(crate) async fn stop(self) {
        drop(self.still);
        self.server.stop().await;
    }
}

fn succeeds(answer: &str) -> bool {
    answer.starts_with('2') || answer == "ok"
}
