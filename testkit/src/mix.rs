//! The engines of a test.

use sql::Engine;

/// The engines of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// The engine of the log and of the read models.
    pub engine: Engine,
    /// Events travel through RabbitMQ; otherwise in process.
    pub rabbitmq: bool,
    /// The graph is in Redis; otherwise in memory.
    pub redis: bool,
}

impl Mix {
    /// SQLite, and everything else in process.
    pub const EMBEDDED: Self = Self::of(Engine::Sqlite);
    /// Postgres, and everything else in process.
    pub const POSTGRES: Self = Self::of(Engine::Postgres);
    /// All three servers.
    pub const PRODUCTION: Self = Self::POSTGRES.with_rabbitmq().with_redis();

    /// `engine`, and everything else in process.
    #[must_use]
    pub const fn of(engine: Engine) -> Self {
        Self { engine, rabbitmq: false, redis: false }
    }

    /// The same, with RabbitMQ.
    #[must_use]
    pub const fn with_rabbitmq(self) -> Self {
        Self { rabbitmq: true, ..self }
    }

    /// The same, with Redis.
    #[must_use]
    pub const fn with_redis(self) -> Self {
        Self { redis: true, ..self }
    }
}

/// Makes of one async test function one test per engine: `each_engine!(name, |home| async move { … });`
#[macro_export]
macro_rules! each_engine {
    ($name:ident, |$home:ident| $body:expr) => {
        $crate::test_on! { $name, |$home| $body;
            sqlite: $crate::Mix::EMBEDDED,
            postgres: $crate::Mix::POSTGRES,
        }
    };
}

/// Makes of one async test function the tests `embedded` and `production`: two mixes that have no engine in common. Tests of
/// what depends on the mix itself use [`every_mix`](crate::every_mix).
#[macro_export]
macro_rules! each_mix {
    ($name:ident, |$home:ident| $body:expr) => {
        $crate::test_on! { $name, |$home| $body;
            embedded: $crate::Mix::EMBEDDED,
            production: $crate::Mix::PRODUCTION,
        }
    };
}

/// Makes of one async test function a test on each of the eight mixes there are.
#[macro_export]
macro_rules! every_mix {
    ($name:ident, |$home:ident| $body:expr) => {
        $crate::test_on! { $name, |$home| $body;
            embedded: $crate::Mix::EMBEDDED,
            embedded_rabbitmq: $crate::Mix::EMBEDDED.with_rabbitmq(),
            embedded_redis: $crate::Mix::EMBEDDED.with_redis(),
            embedded_rabbitmq_redis: $crate::Mix::EMBEDDED.with_rabbitmq().with_redis(),
            postgres: $crate::Mix::POSTGRES,
            postgres_rabbitmq: $crate::Mix::POSTGRES.with_rabbitmq(),
            postgres_redis: $crate::Mix::POSTGRES.with_redis(),
            production: $crate::Mix::PRODUCTION,
        }
    };
}

/// The common part of the macros above.
#[doc(hidden)]
#[macro_export]
macro_rules! test_on {
    ($name:ident, |$home:ident| $body:expr; $($test:ident: $mix:expr,)+) => {
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, reason = "not every body uses them")]
            use super::*;

            async fn scenario($home: $crate::Home) {
                $body.await
            }

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    scenario($crate::Home::mix($mix).await).await;
                }
            )+
        }
    };
}
