//! Exports spans by OTLP over HTTP, as protobuf.

use async_trait::async_trait;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use tokio::runtime::Handle;
use traces::{Exporter, TARGET, TraceContext};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};

/// Where traces go below the endpoint, by the specification of OTLP.
const PATH: &str = "/v1/traces";
/// How long an export may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last export may take at the end of the process.
const END: Duration = Duration::from_secs(2);
/// The largest answer of a collector that is read, in bytes.
const LARGEST: usize = 64 << 10;

/// The traces of this process. Their spans are exported in batches, by a thread; those for which there is no room are lost.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Exports `ratio` (0 to 1) of the traces that begin here, and all that another process of the installation sampled, to the
    /// collector at `endpoint`. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When the endpoint is no address.
    pub fn begin(endpoint: &str, ratio: f64, version: &'static str) -> Result<Self, ExporterBuildError> {
        let client =
            Client { client: reqwest::Client::new(), runtime: Handle::current(), fails: AtomicBool::new(false) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()?;
        let about = [KeyValue::new("service.name", "chatchit"), KeyValue::new("service.version", version)];
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
            .with_resource(Resource::builder_empty().with_attributes(about).build())
            .build();
        traces::install(Exporter { context, adopt });
        Ok(Self(provider))
    }

    /// The layer that receives the spans of [`TARGET`].
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("chatchit"));
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer.with_filter(Targets::new().with_target(TARGET, LevelFilter::DEBUG))
    }

    /// Exports what is left. Blocks for 2 s at most.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(END) {
            tracing::warn!(error.cause = %error, "The last spans could not be exported");
        }
    }
}

fn context(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let of = context.span().span_context().clone();
    let (trace, span) = (u128::from_be_bytes(of.trace_id().to_bytes()), u64::from_be_bytes(of.span_id().to_bytes()));
    (of.is_valid() && of.is_sampled()).then_some(TraceContext { trace, span })
}

fn adopt(span: &Span, parent: TraceContext) {
    let (trace, id) = (TraceId::from_bytes(parent.trace.to_be_bytes()), SpanId::from_bytes(parent.span.to_be_bytes()));
    let parent = SpanContext::new(trace, id, TraceFlags::SAMPLED, true, TraceState::default());
    // An error means that the span is not exported.
    let _ = span.set_parent(Context::new().with_remote_span_context(parent));
}

/// Sends over the connections of the runtime: the thread that exports has no reactor.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
    /// Whether the last export failed.
    fails: AtomicBool,
}

impl Client {
    fn note(&self, failure: Option<String>) {
        let was = self.fails.swap(failure.is_some(), Relaxed);
        if let Some(why) = failure.filter(|_| !was) {
            tracing::warn!(error.cause = why, "The collector does not take spans");
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let sent = self.runtime.spawn(send(self.client.clone(), request)).await.map_err(HttpError::from).flatten();
        self.note(match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        });
        sent
    }
}

async fn send(client: reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    let mut answer = client.execute(request).await?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if body.len() + piece.len() > LARGEST {
            return Err("its answer is too large".into());
        }
        body.extend_from_slice(&piece);
    }
    Ok(Response::builder().status(answer.status()).body(body.into())?)
}
