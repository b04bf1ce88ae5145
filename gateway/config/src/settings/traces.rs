//! Where traces are exported.

/// Where traces are exported, and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// The base address of a collector that takes OTLP over HTTP.
    pub endpoint: String,
    /// The part of the traces that is sampled: 0 to 1.
    pub ratio: f64,
}

impl TraceSettings {
    /// One in a hundred.
    pub const RATIO: f64 = 0.01;
}
