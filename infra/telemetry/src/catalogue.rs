//! Every metric: its name, what it counts, and the labels that tell its series apart. Labels have few values, which are
//! words of the program: no ids.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A histogram of durations, in seconds.
    Seconds,
    /// A histogram of counts.
    Size,
}

/// A metric.
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it tells.
    pub help: &'static str,
    /// The labels of its series.
    pub labels: &'static [&'static str],
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help, labels }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help, labels }
}

const fn seconds(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Seconds, help, labels }
}

const fn size(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Size, help, labels }
}

/// All metrics of the server. `docs/metrics.md` lists them.
pub const CATALOGUE: &[Metric] = &[
    gauge("chatchit_build_info", &["version"], "Is 1; the label tells the version of the server."),
    // Doors.
    counter("chatchit_http_requests_total", &["method", "route", "status"], "Answered HTTP requests."),
    seconds(
        "chatchit_http_request_seconds",
        &["method", "route"],
        "From the head of a request to the head of its answer.",
    ),
    gauge("chatchit_sockets_open", &["door"], "Open sockets with a signed-in client."),
    counter(
        "chatchit_socket_closes_total",
        &["door", "code"],
        "Closed sockets, by close code; 1006 when the client vanished.",
    ),
    counter(
        "chatchit_slow_sockets_total",
        &["why"],
        "Sockets closed because a client did not keep up: its outbox was full, or all of the process; or it missed written frames.",
    ),
    gauge("chatchit_outbox_bytes", &[], "What waits to be written to all sockets, in bytes."),
    counter(
        "chatchit_commands_total",
        &["door", "command", "outcome"],
        "Commands: done, or refused with this code; over REST those whose budget and shape were accepted.",
    ),
    seconds(
        "chatchit_command_seconds",
        &["command"],
        "How long a command took, from its frame or request to its answer.",
    ),
    counter(
        "chatchit_sign_ins_total",
        &["way", "outcome"],
        "Registrations, sign-ins by password, renewals and sockets: done, or refused with this code.",
    ),
    counter("chatchit_uploads_total", &["outcome"], "Uploaded files received, and uploads refused with this code."),
    counter("chatchit_upload_bytes_total", &[], "Bytes of the received files, as stored."),
    seconds("chatchit_thumbnail_seconds", &[], "How long drawing a thumbnail took."),
    counter("chatchit_limited_total", &["budget"], "Requests refused because a budget was used up."),
    counter(
        "chatchit_admissions_total",
        &["tier", "outcome"],
        "Commands of people at the doors: admitted, or refused because the server is overloaded.",
    ),
    seconds("chatchit_admission_seconds", &["tier"], "From the admission of a command at its door to its commit."),
    // The log.
    size("chatchit_append_batch_size", &[], "Commands in a commit of the log."),
    seconds("chatchit_append_queue_seconds", &[], "How long a command waited for its commit to begin."),
    seconds("chatchit_append_commit_seconds", &[], "How long a commit of the log took, with repetitions."),
    counter("chatchit_append_commands_total", &["outcome"], "Commands that the log decided."),
    counter("chatchit_append_events_total", &[], "Events appended by this process."),
    seconds(
        "chatchit_append_seconds",
        &["tier"],
        "From a decided command to its place in the log: its wait and its commit.",
    ),
    counter("chatchit_events_total", &["type"], "Events appended by this process, by type."),
    counter("chatchit_lane_events_total", &["tier", "partition"], "Events appended by this process, by lane."),
    counter("chatchit_append_unpublished_total", &[], "Commits that readers of this process had to read from the log."),
    // Lanes.
    counter("chatchit_lane_messages_total", &["lane", "what"], "Messages of the lanes, by what became of them."),
    gauge(
        "chatchit_lane_waiting_messages",
        &["lane", "to"],
        "Messages that wait in this process: for its consumers, or for RabbitMQ.",
    ),
    seconds(
        "chatchit_lane_lag_seconds",
        &["tier"],
        "From the append of an event until a consumer takes it; of each batch the oldest.",
    ),
    counter(
        "chatchit_lane_repairs_total",
        &[],
        "Reads of the log for events that the lanes did not bring, those at a start included.",
    ),
    counter("chatchit_lane_repaired_events_total", &[], "Events that these reads found."),
    counter("chatchit_dead_letters_total", &[], "Events that this process gave up to apply."),
    gauge(
        "chatchit_hub_lag_events",
        &["tier"],
        "Events from the last that the hub has handled to the last of the tier.",
    ),
    counter("chatchit_hub_events_total", &["tier"], "Events that the hub has handled."),
    size("chatchit_hub_fanout_size", &[], "Sockets of this process to which an event went."),
    seconds(
        "chatchit_push_seconds",
        &["tier"],
        "From the append of an event until it is in the outboxes of its sockets.",
    ),
    counter(
        "chatchit_hub_catch_ups_total",
        &["from"],
        "Sockets that caught up: from recent events in memory alone, or from the log, too.",
    ),
    counter("chatchit_signals_sent_total", &["name"], "Signals sent by this process."),
    gauge("chatchit_online_users", &[], "People who are online, as far as this process can tell."),
    counter("chatchit_signals_total", &["what"], "Signals at the sockets of this process: pushed, or shed."),
    // Read models.
    gauge(
        "chatchit_projection_lag_events",
        &["projection"],
        "Events from the oldest that is not applied to the head of the log.",
    ),
    gauge(
        "chatchit_projection_lag_seconds",
        &["projection"],
        "The age of the oldest event that is not applied; 0 when all are.",
    ),
    size("chatchit_projection_batch_size", &[], "Events that a worker applied together."),
    seconds(
        "chatchit_projection_batch_seconds",
        &[],
        "How long a batch took in all projections, with its commit and repetitions.",
    ),
    seconds(
        "chatchit_projection_apply_seconds",
        &["projection"],
        "How long a projection took for its events of a batch.",
    ),
    gauge(
        "chatchit_parked_events",
        &[],
        "Events that a projection could not apply and that wait for a retry, and those behind them.",
    ),
    counter("chatchit_parked_retries_total", &[], "Retries of parked events."),
    gauge(
        "chatchit_lane_lag_events",
        &["tier"],
        "Events from the oldest of the tier that a read model lacks to the head.",
    ),
    gauge(
        "chatchit_lane_oldest_seconds",
        &["tier"],
        "The age of the oldest event of the tier that a read model lacks.",
    ),
    gauge("chatchit_given_up", &["what"], "Events that failed at every try and are not retried any more."),
    gauge(
        "chatchit_unreadable",
        &["what"],
        "Parked events, and reactions, that the build which tried them cannot read; another build retries them.",
    ),
    // Engines.
    gauge("chatchit_engine_up", &["engine"], "Whether the engine answers: 1 or 0."),
    counter("chatchit_engine_reconnections_total", &["engine"], "Connections made after the first."),
    counter("chatchit_graph_commands_total", &[], "Commands sent to the graph."),
    counter("chatchit_graph_failures_total", &[], "Round trips to the graph that failed."),
    counter(
        "chatchit_graph_cache_reads_total",
        &["what"],
        "Reads of relations: answered by the cache, or by the graph.",
    ),
    gauge("chatchit_graph_cache_entries", &[], "Remembered relations."),
    gauge("chatchit_sql_connections", &["place", "state"], "Connections to a database: in use, or idle."),
    gauge("chatchit_sql_connections_max", &[], "The most connections to Postgres that this process opens."),
    gauge(
        "chatchit_postgres_connections_max",
        &[],
        "Connections that Postgres has for the user of this process, without reserved ones.",
    ),
    counter("chatchit_sql_connects_total", &[], "Connections to Postgres that were opened, the first ones included."),
    seconds(
        "chatchit_sql_wait_seconds",
        &[],
        "How long work waited for a connection; with SQLite, a transaction for the right to write.",
    ),
    counter("chatchit_sql_errors_total", &["kind"], "Statements that failed: timeout, connection, conflict or other."),
    // Background.
    counter("chatchit_job_rounds_total", &["job", "outcome"], "Rounds of jobs."),
    seconds("chatchit_job_round_seconds", &["job"], "How long a round of a job took."),
    gauge(
        "chatchit_job_lag_seconds",
        &["job"],
        "Since the beginning of the first round of the job that is not done yet; 0 when all are.",
    ),
    gauge("chatchit_job_failed_rounds", &["job"], "Rounds of the job that failed since the last one that was done."),
    gauge(
        "chatchit_reactor_lag_events",
        &["reactor"],
        "Events from the oldest that a reactor has not dealt with, by its checkpoint, to the head of the log.",
    ),
    seconds(
        "chatchit_reactor_lag_seconds",
        &["reactor"],
        "From the append of an event until a reactor has dealt with it; of each batch the oldest.",
    ),
    counter("chatchit_reactions_failed_total", &["reactor"], "Reactions that failed and are parked for a retry."),
    counter("chatchit_task_deaths_total", &[], "Tasks that panicked or ended by themselves, and were restarted."),
    gauge("chatchit_tasks_down", &[], "Tasks that died and have not run for long enough since."),
    gauge(
        "chatchit_disk_bytes",
        &["what"],
        "The file system of the data folder: all of it, and what is free for this process.",
    ),
    gauge("chatchit_stalled", &[], "Parts that do not move: those that `/readyz` names."),
];
