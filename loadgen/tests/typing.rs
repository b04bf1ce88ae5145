//! The built program against a server as a process: a large room receives typing indicators, and posting elsewhere loses and
//! doubles nothing.

use serde_json::Value;
use std::path::Path;
use tokio::process::Command;

#[tokio::test]
async fn posting_goes_on_while_others_type() {
    let loadgen = Path::new(env!("CARGO_BIN_EXE_chatchit-loadgen"));
    let mut command = Command::new(loadgen);
    command.args([
        "typing",
        "--json",
        "--room",
        "6",
        "--typists",
        "2",
        "--pace",
        "5",
        "--users",
        "4",
        "--members",
        "2",
    ]);
    // A typing indicator is repeated every three seconds.
    command.args(["--rate", "20", "--warm-up", "0", "--measure", "4", "--runs", "1", "--spawn"]);
    let output = command.arg(loadgen.with_file_name("examples").join("server")).kill_on_drop(true).output();
    let output = output.await.unwrap();
    let [out, complaint] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(0), "{out} {complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |path: &str| report.pointer(path).and_then(Value::as_f64).unwrap();
    for turn in ["/turns/0/0", "/turns/0/1"] {
        assert!(number(&format!("{turn}/posting/sendToDelivered/count")) > 0.0, "{report}");
    }
    assert_eq!(number("/turns/0/0/room/receivedPerSecond/2"), 0.0, "nobody types: {report}");
    assert!(number("/turns/0/1/room/sentPerSecond") > 0.0 && number("/receivedPerSecond") > 0.0, "{report}");
    assert!(number("/turns/0/1/signals/told") > 0.0, "the server counts them: {report}");
    assert_eq!(report["verdict"]["unlikeLog"], 0, "{report}");
}
