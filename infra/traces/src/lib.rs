//! Spans, and the contexts of traces (W3C Trace Context) that travel with events. Without an exporter all spans are off at
//! their call sites, and no event has a context: nothing is spent on them.

use std::{fmt, sync::OnceLock};
use tracing::Span;

/// The target of all spans, by which an exporter selects them.
pub const TARGET: &str = "chatchit::trace";

/// A span of a trace, as `tracing::debug_span!` with [`TARGET`].
#[macro_export]
macro_rules! span {
    ($($of:tt)*) => { $crate::debug_span!(target: $crate::TARGET, $($of)*) };
}

#[doc(hidden)]
pub use tracing::debug_span;

/// A span of a sampled trace, in this process or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The id of the trace; not 0.
    pub trace: u128,
    /// The id of the span; not 0.
    pub span: u64,
}

/// The version and the flags of a `traceparent` that is written: sampled.
const VERSION: &str = "00";
const SAMPLED: u8 = 1;

impl TraceContext {
    /// Reads a `traceparent`. `None`: it is none, of another version, or not sampled.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if version != VERSION || parts.next().is_some() || !(is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2))
        {
            return None;
        }
        let context = Self { trace: u128::from_str_radix(trace, 16).ok()?, span: u64::from_str_radix(span, 16).ok()? };
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & SAMPLED == SAMPLED;
        (is_sampled && context.trace != 0 && context.span != 0).then_some(context)
    }
}

/// Writes a `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}-{:032x}-{:016x}-{SAMPLED:02x}", self.trace, self.span)
    }
}

/// What an exporter knows of spans.
#[derive(Clone, Copy, Debug)]
pub struct Exporter {
    /// The context of a span, if its trace is sampled.
    pub context: fn(&Span) -> Option<TraceContext>,
    /// Makes a new span a child of one of another task or process.
    pub adopt: fn(&Span, TraceContext),
}

static EXPORTER: OnceLock<Exporter> = OnceLock::new();

/// Sets the exporter of this process. The first one stays.
pub fn install(exporter: Exporter) {
    let _ = EXPORTER.set(exporter);
}

/// The context of a span; `None` unless its trace is sampled and exported.
#[must_use]
pub fn context(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() {
        return None;
    }
    (EXPORTER.get()?.context)(span)
}

/// A span that continues a trace; none without a trace.
pub fn child(parent: Option<TraceContext>, span: impl FnOnce() -> Span) -> Span {
    let (Some(parent), Some(exporter)) = (parent, EXPORTER.get()) else { return Span::none() };
    let span = span();
    if !span.is_disabled() {
        (exporter.adopt)(&span, parent);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_read_as_it_is_written() {
        let context = TraceContext { trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, span: 0x00f0_67aa_0ba9_02b7 };
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!((context.to_string().as_str(), TraceContext::parse(text)), (text, Some(context)));
    }

    #[test]
    fn whatever_is_no_sampled_context_is_none() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for text in [
            String::new(),
            format!("00-{trace}-00f067aa0ba902b7-00"),
            format!("01-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-+{}-00f067aa0ba902b7-01", &trace[1..]),
            format!("00-{trace}é-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(TraceContext::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn without_an_exporter_there_are_no_spans() {
        assert_eq!(context(&span!("a span")), None);
        assert!(
            child(TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), Span::none)
                .is_disabled()
        );
    }
}
