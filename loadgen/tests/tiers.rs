//! The built program against a server as processes: a short flood loses and doubles nothing.

use serde_json::Value;
use std::path::Path;
use tokio::process::Command;

#[tokio::test]
async fn posting_goes_on_under_a_flood() {
    let loadgen = Path::new(env!("CARGO_BIN_EXE_chatchit-loadgen"));
    let mut command = Command::new(loadgen);
    command.args(["tiers", "--json", "--users", "4", "--flooders", "4", "--room", "2", "--rate", "20"]);
    command.args(["--low", "10", "--warm-up", "0", "--measure", "1", "--spawn"]);
    let output = command.arg(loadgen.with_file_name("examples").join("server")).kill_on_drop(true).output();
    let output = output.await.unwrap();
    let [out, complaint] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(0), "{out} {complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |turn: &str, path: &str| report[turn].pointer(path).and_then(Value::as_f64).unwrap();
    assert!(number("alone", "/high/sendToDelivered/count") > 0.0, "{report}");
    assert!(number("flooded", "/high/sendToDelivered/count") > 0.0, "{report}");
    assert!(number("capacity", "/medium/acceptedPerSecond") > 0.0, "{report}");
    assert!(
        number("flooded", "/medium/offeredPerSecond") > number("capacity", "/medium/acceptedPerSecond"),
        "{report}"
    );
    // The server may shed all of them: signals are the first to be shed.
    assert!(number("flooded", "/medium/counts/lowSent") > 0.0, "{report}");
    let received = number("flooded", "/medium/counts/lowReceived");
    assert_eq!(number("flooded", "/medium/lowSendToReceived/count"), received, "{report}");
    assert_eq!((&report["flooding"]["lost"], &report["verdict"]["unlikeLog"]), (&0.into(), &0.into()), "{report}");
}
