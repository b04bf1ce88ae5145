//! The built program against a server as a process: a short run of each load loses and doubles nothing, and is reported.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::Value;
use std::{path::Path, process::Output};
use tokio::process::Command;

async fn run(arguments: &[&str]) -> Output {
    let loadgen = Path::new(env!("CARGO_BIN_EXE_chatchit-loadgen"));
    let mut command = Command::new(loadgen);
    command.args(arguments).arg("--spawn").arg(loadgen.with_file_name("examples").join("server"));
    let output = command.kill_on_drop(true).output().await.unwrap();
    let [out, complaint] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(0), "{out} {complaint}");
    output
}

/// The document of a load: the scenario, and its options.
async fn load(arguments: &[&str]) -> Value {
    let (scenario, options) = arguments.split_first().unwrap();
    let output = run(&[&[*scenario, "--json"][..], options].concat()).await;
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(report: &Value, path: &str) -> f64 {
    report.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is no number in {report}"))
}

#[tokio::test]
async fn direct_conversations_lose_nothing() {
    for more in [&["--rate", "20"][..], &["--content", "word", "--bytes", "60"]] {
        let report = load(&[&["direct", "--users", "4", "--warm-up", "0", "--measure", "3"][..], more].concat()).await;
        assert!(number(&report, "/runs/0/sent") > 0.0 && number(&report, "/runs/0/sendToDelivered/count") > 0.0);
        assert_eq!((&report["runs"][0]["verdict"]["unlikeLog"], &report["clean"]), (&0.into(), &true.into()));
        assert!(number(&report, "/runs/0/processes/0/mostResidentMib") > 1.0, "{report}");
    }
}

#[tokio::test]
async fn a_report_is_a_table_a_document_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let [document, page] = ["report.json", "report.html"].map(|name| folder.path().join(name));
    let files = ["--json", document.to_str().unwrap(), "--html", page.to_str().unwrap()];
    let options = ["direct", "--users", "2", "--warm-up", "0", "--measure", "2", "--rate", "20"];
    let output = run(&[&options[..], &files].concat()).await;
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.starts_with("direct: 2 sockets") && table.contains("nothing lost"), "{table}");
    let report: Value = serde_json::from_slice(&std::fs::read(document).unwrap()).unwrap();
    let curve = report["runs"][0]["curve"].as_array().unwrap();
    assert!(curve.len() >= 2 && number(&curve[0], "/offered") > 10.0, "{report}");
    assert!(report["host"]["command"].as_str().unwrap().contains("direct --users 2"), "{report}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("run 1: latencies") && page.contains("<svg") && !page.contains("<script"), "{page}");
}

#[tokio::test]
async fn a_mixed_day_alters_nothing_but_what_it_edits() {
    let mix = "send=5,edit=2,reaction=2,read=2,typing=1,presence=1,history=1,search=1,file=1,call=1";
    let options = ["--users", "6", "--room", "3", "--rate", "60", "--warm-up", "1", "--measure", "3", "--mix", mix];
    let report = load(&[&["mixed"][..], &options].concat()).await;
    let acts = report["acts"].as_array().unwrap();
    for name in ["edit", "reaction", "read", "typing", "presence", "history", "search", "upload", "download"] {
        let act = acts.iter().find(|act| act["name"] == name).unwrap_or_else(|| panic!("no {name}: {report}"));
        assert!(number(act, "/latency/count") > 0.0, "{act}");
    }
    for finding in ["lost", "doubled", "altered", "undelivered", "unlikeLog"] {
        assert_eq!(report["verdict"][finding], 0, "{finding}: {report}");
    }
}

#[tokio::test]
async fn each_size_of_a_room_is_measured() {
    let options = ["--members", "1,3", "--rate", "20", "--warm-up", "0", "--measure", "1"];
    let report = load(&[&["fanout"][..], &options].concat()).await;
    for (place, members) in [(0, 1.0), (1, 3.0)] {
        let number = |path: &str| number(&report, &format!("/sizes/{place}/{path}"));
        assert_eq!(number("members"), members);
        let [sent, arrived] = [number("open/posting/sendToAck/count"), number("open/posting/sendToDelivered/count")];
        assert!(sent > 0.0 && arrived == sent * members, "{report}");
        assert!(number("closed/deliveriesPerSecond") > 0.0, "{report}");
    }
}

#[tokio::test]
async fn an_overload_is_answered_in_the_end() {
    let options = ["--users", "6", "--room", "3", "--times", "2", "--warm-up", "0", "--measure", "1"];
    let report = load(&[&["overload"][..], &options].concat()).await;
    let names: Vec<_> = report["turns"].as_array().unwrap().iter().map(|turn| turn["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["saturation", "before", "2 times", "after 2 times"]);
    // Not a second: a turn may last longer than its messages are due.
    let [half, double] = [1, 2].map(|turn| number(&report, &format!("/turns/{turn}/posting/dueToSent/count")));
    assert!(double > half, "{report}");
    assert!(report["turns"][2]["settledAfter"].is_f64(), "{report}");
    assert_eq!(report["verdict"]["refusedAndStored"], 0, "{report}");
}

#[tokio::test]
async fn readers_who_stall_miss_nothing() {
    let options = ["--users", "4", "--room", "2", "--stalled", "1", "--stall", "2", "--rate", "20"];
    let report = load(&[&["slow", "--warm-up", "0", "--measure", "1"][..], &options].concat()).await;
    let stalled = &report["stalled"];
    assert_eq!((&stalled["readers"], &stalled["missed"], &stalled["strange"]), (&2.into(), &0.into(), &0.into()));
    assert!(number(&report, "/stalling/posting/sendToDelivered/count") > 0.0, "{report}");
}

#[tokio::test]
async fn a_log_that_grows_is_asked_at_each_stage() {
    let options = ["--users", "4", "--room", "2", "--stages", "20,60", "--requests", "2", "--rate", "20"];
    let report = load(&[&["growth", "--measure", "1"][..], &options].concat()).await;
    for stage in report["stages"].as_array().unwrap() {
        assert!(number(stage, "/messages") >= number(stage, "/wanted"), "{report}");
        let answers = stage["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 8, "{report}");
        assert!(answers.iter().all(|answer| number(answer, "/firstPage/count") == 2.0), "{report}");
        assert_eq!(stage["verdict"]["unlikeLog"], 0, "{report}");
    }
}

#[tokio::test]
async fn idle_sockets_of_both_doors_are_still_there() {
    let report = load(&["idle", "--sockets", "10,20", "--rest", "0", "--measure", "1"]).await;
    for (door, name) in [(0, "/ws"), (1, "/socket.io/")] {
        let found = &report["doors"][door];
        assert_eq!((&found["door"], &found["missed"], &found["doubled"]), (&name.into(), &0.into(), &0.into()));
        assert_eq!(found["steps"].as_array().unwrap().len(), 3, "{report}");
    }
}
