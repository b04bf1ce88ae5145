//! Searches of a small audit log: the scenario runs on both engines.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

use serde_json::Value;
use testkit::each_engine;
use tokio::process::Command;

each_engine!(questions_are_asked_and_answered, |home| async move {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit-loadgen"));
    command.args(["audit", "--events", "3000", "--requests", "3", "--plans", "--json"]);
    command.args(home.database_url().iter().flat_map(|url| ["--database-url", url]));
    let output = command.output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {complaint}"));
    let questions = report["questions"].as_array().unwrap();
    assert_eq!(questions.len(), 18);
    for question in questions {
        let name = question["question"].as_str().unwrap();
        assert_eq!(question["firstPage"]["count"], 3, "{name}");
        assert!(!question["plan"].as_array().unwrap().is_empty() || name.contains("hour"), "{name}");
        let is_page = ["nothing", "type", "scope"].contains(&name);
        assert!(!is_page || question["events"].as_f64().unwrap() > 0.0, "{question}");
    }
});
