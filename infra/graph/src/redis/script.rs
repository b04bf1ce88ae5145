//! Scripts, called by their hashes, many in a round trip.

use super::{
    keys::hash_tag,
    link::{Link, unavailable},
};
use crate::GraphError;
use redis::{ErrorKind, Pipeline, RedisResult, ServerErrorKind, Value};
use std::sync::LazyLock;

/// The most calls of a round trip.
const CALLS: usize = 256;
/// The most arguments of a round trip, unless one call has more.
const ARGUMENTS: usize = 8_192;

/// A script.
pub(super) struct Script {
    code: &'static str,
    hash: LazyLock<String>,
}

/// One call of a script.
pub(super) struct Call {
    pub(super) script: &'static Script,
    /// All in one slot.
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<Vec<u8>>,
}

/// A script from the file of its name.
macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script = Script {
            code: include_str!(concat!("lua/", $file, ".lua")),
            hash: LazyLock::new(|| {
                redis::Script::new(include_str!(concat!("lua/", $file, ".lua"))).get_hash().to_owned()
            }),
        };
    };
}

script!(APPLY, "apply");
script!(FORGET, "forget");
script!(BEGIN, "begin");
script!(PUBLISH, "publish");
script!(RAISE, "raise");
script!(LEASE, "lease");
script!(RELEASE, "release");
script!(EXPIRE, "expire");
script!(GRANT, "grant");

impl Call {
    fn push(&self, command: &str, script: &str, pipeline: &mut Pipeline) {
        let slot = self.keys.first().map(|key| hash_tag(key));
        debug_assert!(self.keys.iter().all(|key| Some(hash_tag(key)) == slot), "{:?}", self.keys);
        pipeline.cmd(command).arg(script).arg(self.keys.len()).arg(&self.keys).arg(&self.arguments);
    }
}

impl Link {
    /// Runs one script.
    pub(super) async fn run(&self, call: Call) -> Result<Value, GraphError> {
        Ok(self.run_all(&[call]).await?.pop().unwrap_or(Value::Nil))
    }

    /// Runs scripts in few round trips of bounded size; returns their results. When one fails, others may have run.
    pub(super) async fn run_all(&self, calls: &[Call]) -> Result<Vec<Value>, GraphError> {
        let mut answers = Vec::with_capacity(calls.len());
        let mut rest = calls;
        while !rest.is_empty() {
            let mut arguments = 0;
            let fitting = rest.iter().take(CALLS).take_while(|call| {
                arguments += call.arguments.len();
                arguments <= ARGUMENTS
            });
            let (now, later) = rest.split_at(fitting.count().max(1));
            self.run_together(now, &mut answers).await?;
            rest = later;
        }
        Ok(answers)
    }

    /// Runs scripts in one round trip. Redis loses its scripts when it restarts or fails over; then their sources are sent.
    async fn run_together(&self, calls: &[Call], answers: &mut Vec<Value>) -> Result<(), GraphError> {
        let mut pipeline = Pipeline::with_capacity(calls.len());
        calls.iter().for_each(|call| call.push("EVALSHA", &call.script.hash, &mut pipeline));
        let mut results = self.send(pipeline).await?;
        let unknown: Vec<_> = (0..calls.len()).filter(|at| results.get(*at).is_some_and(is_unknown)).collect();
        if !unknown.is_empty() {
            self.sends_scripts(unknown.len());
            let mut pipeline = Pipeline::with_capacity(unknown.len());
            unknown.iter().for_each(|at| calls[*at].push("EVAL", calls[*at].script.code, &mut pipeline));
            for (at, answer) in unknown.into_iter().zip(self.send(pipeline).await?) {
                results[at] = answer;
            }
        }
        for answer in results {
            answers.push(answer.map_err(|error| unavailable(&error))?);
        }
        Ok(())
    }
}

fn is_unknown(answer: &RedisResult<Value>) -> bool {
    answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}
