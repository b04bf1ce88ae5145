//! A trace of a message, from its frame to the sockets and the read models, as a collector receives it.

use crate::support::{Process, until};
use axum::{Router, body::Bytes, extract::State, http::header, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;
use std::sync::Arc;
use testkit::each_mix;
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};

/// A collector that takes OTLP over HTTP.
struct Collector {
    endpoint: String,
    spans: Spans,
    task: JoinHandle<()>,
}

type Spans = Arc<std::sync::Mutex<Vec<Span>>>;

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (endpoint, spans) = (format!("http://{}", listener.local_addr().unwrap()), Spans::default());
        let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { endpoint, spans, task }
    }

    /// The spans that came in.
    fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }

    fn end(self) -> Vec<Span> {
        self.task.abort();
        self.spans()
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) -> ([(header::HeaderName, &'static str); 1], Vec<u8>) {
    let request = ExportTraceServiceRequest::decode(body).expect("a request of OTLP");
    for of_resource in request.resource_spans {
        let about = of_resource.resource.unwrap().attributes;
        assert!(about.iter().any(|attribute| attribute.key == "service.name"), "{about:?}");
        for of_scope in of_resource.scope_spans {
            spans.lock().unwrap().extend(of_scope.spans);
        }
    }
    ([(header::CONTENT_TYPE, "application/x-protobuf")], Vec::new())
}

/// The text of an attribute.
fn text<'s>(span: &'s Span, key: &str) -> Option<&'s str> {
    let value = span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    match value.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The spans of the first trace that begins with a frame and has each of these below its append.
fn whole(spans: &[Span], below: &[&str]) -> Option<Vec<Span>> {
    let is_command = |span: &&Span| text(span, "socket.command") == Some("message.send");
    spans.iter().filter(is_command).find_map(|command| {
        let of_trace = spans.iter().filter(|span| span.trace_id == command.trace_id);
        let child = |name: &str, parent: &Span| {
            of_trace.clone().find(|span| span.name == name && span.parent_span_id == parent.span_id).cloned()
        };
        let append = child("append", command)?;
        let below = below.iter().map(|name| child(name, &append));
        [Some(command.clone())].into_iter().chain(below).collect()
    })
}

each_mix!(a_message_is_one_trace_from_its_frame_to_sockets_and_read_models, |home| async move {
    let collector = Collector::start().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER_ARG", "1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    // Between processes the trace travels with RabbitMQ.
    let roles: &[&str] = if home.rabbitmq_url().is_some() { &["gateway", "worker"] } else { &["serve"] };
    let mut processes = Vec::new();
    for role in roles {
        let data = tempfile::tempdir_in(home.folder()).unwrap().keep();
        processes.push(Process::start_in(&home, &data, role, &settings).await);
    }
    let door = processes[0].door;
    let ana = door.register("ana").await;
    let mut socket = door.connect(&ana, None).await;
    let room = socket.group(&[], "Room").await;
    let socket = Mutex::new(socket);
    // An event that a consumer reads from the log, because its queue was not there yet, has no trace.
    let is_whole = async || {
        socket.lock().await.say(&room, "a text that no span has").await;
        whole(&collector.spans(), &["commit", "push", "projection", "reaction"]).is_some()
    };
    until("a whole trace", is_whole).await;
    drop(socket);
    let last = door.read(&ana, "/users/me").await;
    assert!(last["id"].is_string());
    for process in processes {
        process.terminate().await;
    }

    let spans = collector.end();
    let [command, push] = whole(&spans, &["push"]).expect("the trace").try_into().expect("two spans");
    assert_eq!((command.name.as_str(), command.parent_span_id.len()), ("socket.command", 0));
    assert!(text(&command, "request.id").is_some_and(|id| id.len() == 36));
    assert_eq!(text(&push, "event_type"), Some("message.sent"));
    let request = spans.iter().find(|span| text(span, "http.route") == Some("/users/me"));
    let request = request.expect("what came last is exported at the end");
    assert_eq!((request.name.as_str(), request.trace_id != command.trace_id), ("http.request", true));
    assert!(!format!("{spans:?}").contains("no span has"), "spans have no content");
});
