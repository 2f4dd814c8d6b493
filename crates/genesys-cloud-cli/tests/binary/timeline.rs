//! Commands that see the fake org at chosen times.

use std::process::Stdio;
use std::time::Duration;

use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::Value;
use tempfile::tempdir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{program, run};

const START: &str = "2026-05-01T00:00Z";
const TONIGHT: &str = "2026-05-02T02:00:00Z";
const TOMORROW: &str = "2026-05-03T02:00:00Z";

/// The queues that a correct reader has at both times.
async fn expected() -> [Vec<Value>; 2] {
    let timeline = OrgTimeline::new(START);
    let org = MockOrg::builder().timeline(timeline).start().await.unwrap();
    org.advance(Duration::from_secs(3 * 86_400));
    [TONIGHT, TOMORROW].map(|time| org.expected_at("/api/v2/routing/queues", time).unwrap())
}

fn records(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn each_command_sees_the_fake_org_at_its_time() {
    let folder = tempdir().unwrap();
    let [tonight, tomorrow] = expected().await;
    assert_ne!(tonight, tomorrow);
    for (time, expected) in [(TONIGHT, &tonight), (TOMORROW, &tomorrow), (TONIGHT, &tonight)] {
        let options = ["--org", "mock", "--mock-timeline", START, "--mock-at", time];
        let words = [&options[..], &["export", "routing.queues"]].concat();
        let exported = run(None, folder.path(), &words).await;
        assert_eq!(&records(exported.done()), expected, "{time}");
    }
}

#[tokio::test]
async fn mock_takes_the_options_with_and_without_their_prefix() {
    let folder = tempdir().unwrap();
    let [tonight, _] = expected().await;
    for words in [
        ["mock", "--timeline", START, "--at", TONIGHT],
        ["--mock-timeline", START, "--mock-at", TONIGHT, "mock"],
    ] {
        let mut org = program(None, folder.path());
        let mut org = org.args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(org.stdout.take().unwrap()).lines();
        let mut client = program(None, folder.path());
        for _ in 0..4 {
            let line = lines.next_line().await.unwrap().unwrap();
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            client.env(name, value);
        }
        let output = client.args(["export", "routing.queues"]).output().await.unwrap();
        assert_eq!(records(&String::from_utf8(output.stdout).unwrap()), tonight, "{words:?}");
        org.kill().await.unwrap();
    }
}
