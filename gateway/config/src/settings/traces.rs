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

    pub(crate) fn parse_ratio(text: &str) -> Result<f64, String> {
        let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.ok_or_else(|| "must be a number from 0 to 1".to_owned())
    }
}
