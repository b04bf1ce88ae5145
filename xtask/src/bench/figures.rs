//! The figures of a turn: from the report of its load generator, which may have other fields, too, and from its processes.

use super::{
    processes::{CLIENT, Cost},
    report::{Figures, Measurement},
    statistics::show,
    watch::Watched,
};
use serde_json::Value;

/// A durable page that took longer marks a turn as made on a stalled disk (milliseconds).
const STALL: f64 = 50.0;

/// Of a turn of `rooms`: rates and latencies, processor time for each thousand messages, and memory.
pub(super) fn rooms(load: &str, row: &str, watched: &Watched) -> Vec<Measurement> {
    let report = &watched.report;
    let rate = number(report, "messagesPerSecond");
    let mut main = Figures::new();
    main.extend(rate.map(|rate| ("messages/s".to_owned(), rate)));
    for (key, name) in [("sendToAck", "ack"), ("sendToDelivered", "delivered")] {
        for quantile in ["p50", "p99"] {
            let time = find(report, key).and_then(|times| number(times, quantile));
            main.extend(time.map(|time| (format!("{name} {quantile} ms"), time)));
        }
    }
    let messages = rate.filter(|_| watched.is_window).map(|rate| rate * watched.seconds);
    let per_thousand = |cost: &Cost| Some((cost.part.to_owned(), cost.cpu * 1e3 / messages.filter(|n| *n > 0.0)?));
    let processor: Figures = watched.costs.iter().filter_map(per_thousand).collect();
    if !processor.is_empty() {
        let servers: f64 = processor.iter().filter(|(part, _)| part != CLIENT).map(|(_, seconds)| seconds).sum();
        main.push(("CPU-s per 1,000".to_owned(), servers));
    }
    let table = format!("rooms, {load}");
    let of = |what: &str, figures| measurement(format!("{table}: {what}"), row, figures);
    let first = Measurement { document: report.clone(), ..judged(measurement(table.clone(), row, main), watched) };
    let [before, after] = memory(&watched.costs);
    vec![first, of("CPU-s per 1,000", processor), of("MiB", after), of("MiB at the beginning", before)]
}

/// Of a turn of another scenario: all its rates and latencies, processor time and memory, from its beginning to its end.
pub(super) fn scenario(name: &str, row: &str, watched: &Watched) -> Vec<Measurement> {
    let mut main = Figures::new();
    collect(&watched.report, &mut Vec::new(), &mut main);
    main.push(("seconds".to_owned(), watched.seconds));
    let processor = watched.costs.iter().map(|cost| (cost.part.to_owned(), cost.cpu)).collect();
    let of = |what: &str, figures| measurement(format!("{name}: {what}"), row, figures);
    let first = measurement(name.to_owned(), row, main);
    let first = Measurement { document: watched.report.clone(), ..judged(first, watched) };
    let [before, after] = memory(&watched.costs);
    vec![first, of("CPU-s", processor), of("MiB", after), of("MiB at the beginning", before)]
}

/// Some figures of a table.
pub(super) fn measurement(table: String, row: &str, figures: Figures) -> Measurement {
    Measurement { table, row: row.to_owned(), figures, ..Measurement::default() }
}

/// Marks a stalled disk and faults.
fn judged(mut measurement: Measurement, watched: &Watched) -> Measurement {
    let slowest = find(&watched.report, "diskSync").and_then(|times| number(times, "max"));
    if let Some(slowest) = slowest.filter(|slowest| *slowest > STALL) {
        measurement.marks.push(format!("the disk stalled for {} ms", show(slowest)));
    }
    if !watched.is_clean {
        let verdict = find(&watched.report, "verdict").map(Value::to_string).unwrap_or_default();
        measurement.marks.push(format!("FAULTS {verdict}"));
        measurement.is_faulty = true;
    }
    measurement
}

/// The memory of each part at the beginning and at the end.
fn memory(costs: &[Cost]) -> [Figures; 2] {
    let of = |memory: fn(&Cost) -> f64| -> Figures {
        costs.iter().map(|cost| (cost.part.to_owned(), memory(cost))).collect()
    };
    [of(|cost| cost.memory_before), of(|cost| cost.memory)]
}

/// The first number of that name, at any depth.
pub(super) fn number(report: &Value, name: &str) -> Option<f64> {
    find(report, name)?.as_f64()
}

/// The first value of that name, at any depth; the first in breadth, so that a summary comes before its parts.
pub(super) fn find<'v>(report: &'v Value, name: &str) -> Option<&'v Value> {
    let mut level = vec![report];
    while !level.is_empty() {
        if let Some(found) = level.iter().find_map(|value| value.get(name)) {
            return Some(found);
        }
        level = level.into_iter().flat_map(children).collect();
    }
    None
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

/// Every rate, and p50 and p99 of everything that has them, by the names on the way to them.
fn collect<'v>(value: &'v Value, path: &mut Vec<&'v str>, figures: &mut Figures) {
    let Value::Object(fields) = value else {
        // Repeated parts are in the document alone.
        return;
    };
    for (name, field) in fields {
        path.push(name);
        if let Some(rate) = field.as_f64().filter(|_| name.ends_with("PerSecond")) {
            figures.push((path.join(" "), rate));
        }
        for quantile in ["p50", "p99"] {
            let time = field.get(quantile).and_then(Value::as_f64);
            figures.extend(time.map(|time| (format!("{} {quantile} ms", path.join(" ")), time)));
        }
        collect(field, path, figures);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::{find, number, rooms, scenario};
    use crate::bench::{processes::Cost, watch::Watched};
    use serde_json::{Value, json};

    fn watched(report: Value) -> Watched {
        let cost = |part, cpu| Cost { part, cpu, memory_before: 10.0, memory: 50.0 };
        let costs = vec![cost("server", 6.0), cost("postgres", 3.0), cost("client", 2.0)];
        Watched { report, is_clean: true, costs, seconds: 10.0, is_window: true }
    }

    fn rooms_report() -> Value {
        json!({
            "runs": [{
                "messagesPerSecond": 300.0,
                "sendToAck": {"count": 9, "p50": 1.0, "p99": 2.0},
                "sendToDelivered": {"p50": 3.0, "p99": 4.0},
                "diskSync": {"max": 12.0},
            }],
            "median": {"messagesPerSecond": 300.0, "sendToAckP50": 1.0},
            "clean": true,
        })
    }

    #[test]
    fn a_turn_of_rooms_has_rates_latencies_and_costs_per_thousand() {
        let tables = rooms("closed", "embedded", &watched(rooms_report()));
        let [main, processor, memory, before] = &tables[..] else { panic!("four tables") };
        let figures: Vec<_> = main.figures.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let expected = [
            ("messages/s", 300.0),
            ("ack p50 ms", 1.0),
            ("ack p99 ms", 2.0),
            ("delivered p50 ms", 3.0),
            ("delivered p99 ms", 4.0),
            ("CPU-s per 1,000", 3.0),
        ];
        assert_eq!(figures, expected);
        assert_eq!((main.table.as_str(), main.marks.len()), ("rooms, closed", 0));
        assert_eq!(processor.figures[0], ("server".to_owned(), 2.0));
        assert_eq!((memory.table.as_str(), memory.figures.len()), ("rooms, closed: MiB", 3));
        assert_eq!(
            (&memory.figures[0], &before.figures[0]),
            (&("server".to_owned(), 50.0), &("server".to_owned(), 10.0))
        );
    }

    #[test]
    fn faults_and_stalls_are_marked() {
        let mut report = rooms_report();
        report["runs"][0]["diskSync"]["max"] = json!(812.0);
        report["runs"][0]["verdict"] = json!({"lost": 3});
        let faulty = Watched { is_clean: false, ..watched(report) };
        let main = &rooms("closed", "embedded", &faulty)[0];
        assert!(main.is_faulty);
        assert_eq!(main.marks, ["the disk stalled for 812 ms", r#"FAULTS {"lost":3}"#]);
    }

    #[test]
    fn without_a_window_there_is_no_cost_per_message() {
        let whole = Watched { is_window: false, ..watched(rooms_report()) };
        let tables = rooms("closed", "embedded", &whole);
        assert!(tables[0].figures.iter().all(|(name, _)| name != "CPU-s per 1,000") && tables[1].figures.is_empty());
    }

    #[test]
    fn any_scenario_has_its_rates_and_latencies() {
        let report = json!({"alone": {"posting": {"p50": 1.5, "p99": 9.0}}, "signalsPerSecond": 40.0, "clean": true});
        let main = &scenario("typing", "production", &watched(report))[0];
        let names: Vec<_> = main.figures.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["alone posting p50 ms", "alone posting p99 ms", "signalsPerSecond", "seconds"]);
    }

    #[test]
    fn a_summary_is_found_before_its_parts() {
        let report = json!({"runs": [{"rate": 1.0, "only": 2.0}], "median": {"rate": 3.0}});
        assert_eq!(
            (number(&report, "rate"), number(&report, "only"), number(&report, "none")),
            (Some(3.0), Some(2.0), None)
        );
        assert!(find(&json!(7), "rate").is_none());
    }
}
