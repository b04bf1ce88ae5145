//! The built program against a server as a process: sockets that drop and resume miss nothing, and presence is the truth.

use serde_json::Value;
use std::path::Path;
use tokio::process::Command;

#[tokio::test]
async fn sockets_that_come_back_in_a_storm_miss_nothing() {
    let loadgen = Path::new(env!("CARGO_BIN_EXE_chatchit-loadgen"));
    let mut command = Command::new(loadgen);
    command.args(["storm", "--json", "--sockets", "6", "--room", "3", "--gap", "4", "--users", "4", "--members", "2"]);
    command.args(["--rate", "20", "--warm-up", "0", "--measure", "1", "--spawn"]);
    let output = command.arg(loadgen.with_file_name("examples").join("server")).kill_on_drop(true).output();
    let output = output.await.unwrap();
    let [out, complaint] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(0), "{out} {complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["greeted"]["count"], &report["arrived"]["count"]), (&6.into(), &24.into()), "{report}");
    assert_eq!(report["resilience"]["eventsRepaired"], 24, "{report}");
    assert!(report["meanwhile"]["posting"]["sendToAck"]["count"].is_u64(), "{report}");
    for verdict in 0..2 {
        assert_eq!(report["verdicts"][verdict]["unlikeLog"], 0, "{report}");
    }
}
