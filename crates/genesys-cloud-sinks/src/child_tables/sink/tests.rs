use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use genesys_cloud_catalogue::{Catalogue, Schema};
use tempfile::tempdir;

use super::*;
use crate::columns::Column;
use crate::columns::ColumnKind;
use crate::file::FileSink;
use crate::format::Format;

fn conversation() -> &'static Schema {
    Catalogue::embedded().definition("AnalyticsConversation").expect("a definition")
}

fn tables() -> ChildTables {
    let key = [Column { path: "conversationId".to_owned(), kind: ColumnKind::Text }];
    let paths = ["participants.sessions".to_owned()];
    ChildTables::new(conversation(), "AnalyticsConversation", &key, &paths).expect("tables")
}

fn columns() -> Columns {
    Columns::of(Some(tables().record()))
}

fn record(n: usize) -> Box<RawValue> {
    let participants: Vec<Value> = (0..n % 3)
        .map(|at| {
            let sessions: Vec<Value> =
                (0..at + 1).map(|at| serde_json::json!({ "sessionId": format!("s{at}") })).collect();
            serde_json::json!({ "participantId": format!("p{at}"), "purpose": "agent", "sessions": sessions })
        })
        .collect();
    let record =
        serde_json::json!({ "conversationId": format!("c{n}"), "participants": participants });
    RawValue::from_string(record.to_string()).expect("a record")
}

fn records(range: std::ops::Range<usize>) -> Vec<Box<RawValue>> {
    range.map(record).collect()
}

/// The sinks of files in a folder.
fn files(folder: &Path, format: &str) -> SplitSink {
    let format: Format = format.parse().expect("a format");
    let file = |name: &str| -> Box<dyn Sink> {
        Box::new(FileSink::new(folder.join(format!("{name}.{format}")), format))
    };
    SplitSink::new(tables(), file("c"), [file("c.participants"), file("c.participants.sessions")])
}

/// All published files of a folder.
fn published(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    files
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a file"))
        })
        .collect()
}

async fn written(folder: &Path, format: &str, count: usize) -> BTreeMap<String, Vec<u8>> {
    let mut sink = files(folder, format);
    sink.open(&columns(), None).await.expect("opened");
    sink.write(&records(0..count)).await.expect("written");
    sink.commit_last().await.expect("committed").expect("a state");
    sink.finish(true).await.expect("finished");
    published(folder)
}

#[tokio::test]
async fn each_table_is_a_file() {
    let folder = tempdir().expect("a folder");
    let files = written(folder.path(), "csv", 4).await;
    let lines = |name: &str| -> Vec<String> {
        String::from_utf8(files[name].clone()).expect("text").lines().map(str::to_owned).collect()
    };
    assert_eq!(files.len(), 3);
    assert_eq!(lines("c.csv").len(), 5);
    let participants = lines("c.participants.csv");
    assert!(participants[0].starts_with("conversationId,participantIndex,"), "{participants:?}");
    assert_eq!(participants.len(), 1 + 3);
    let sessions = lines("c.participants.sessions.csv");
    assert!(sessions[3].starts_with("c2,p1,1,0,"), "{sessions:?}");
    assert_eq!(sessions.len(), 1 + 4);
}

#[tokio::test]
async fn a_killed_export_resumes_all_tables_at_the_same_record() {
    for format in [
        "jsonl",
        "csv",
        "jsonl.gz",
        #[cfg(feature = "parquet")]
        "parquet",
    ] {
        let (whole, folder) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
        let expected = written(whole.path(), format, 60).await;
        let columns = columns();
        let mut sink = files(folder.path(), format);
        sink.open(&columns, None).await.expect("opened");
        sink.write(&records(0..25)).await.expect("written");
        let state = sink.commit_last().await.expect("committed").expect("a state");
        // Lost with the process.
        sink.write(&records(25..40)).await.expect("written");
        drop(sink);
        let mut sink = files(folder.path(), format);
        sink.open(&columns, Some(&state)).await.expect("resumed");
        sink.write(&records(25..60)).await.expect("written");
        let state = sink.commit_last().await.expect("committed").expect("a state");
        let rows: Vec<u64> = sink.tables().into_iter().map(|table| table.rows).collect();
        assert_eq!(rows, [60, 80]);
        // Killed after one of the files is published.
        drop(sink);
        let mut one = files(folder.path(), format);
        one.open(&columns, Some(&state)).await.expect("resumed");
        one.finish(true).await.expect("finished");
        let name = format!("c.participants.{format}");
        let part = folder.path().join(format!(".genesys-cloud/{name}.part"));
        std::fs::create_dir_all(part.parent().expect("a folder")).expect("a folder");
        std::fs::rename(folder.path().join(&name), part).expect("moved back");
        let mut sink = files(folder.path(), format);
        sink.open(&columns, Some(&state)).await.expect("resumed");
        sink.finish(true).await.expect("finished");
        let found = published(folder.path());
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        // Parquet has another row group.
        if format != "parquet" && format != "jsonl.gz" {
            assert_eq!(found, expected, "{format}");
        }
    }
}

/// What a sink of the test was told.
#[derive(Default)]
struct Log {
    rows: Vec<String>,
    is_finished: Option<bool>,
}

/// A sink that refuses some records, and commits late.
struct Picky {
    log: Arc<Mutex<Log>>,
    refuses: &'static str,
    rejected: Vec<Rejected>,
    on_bad_value: OnBadValue,
    /// Whether a commit is due.
    is_due: bool,
}

impl Picky {
    fn sink(refuses: &'static str, is_due: bool) -> (Box<dyn Sink>, Arc<Mutex<Log>>) {
        let log = Arc::new(Mutex::new(Log::default()));
        let (rejected, on_bad_value) = (Vec::new(), OnBadValue::Fail);
        (Box::new(Self { log: log.clone(), refuses, rejected, on_bad_value, is_due }), log)
    }
}

impl Sink for Picky {
    fn open<'a>(&'a mut self, _: &'a Columns, _: Option<&'a Value>) -> SinkFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a> {
        Box::pin(async move {
            for record in batch {
                if !record.get().contains(self.refuses) {
                    self.log.lock().expect("a log").rows.push(record.get().to_owned());
                    continue;
                }
                let fault = Fault { field: None, reason: "picky".to_owned() };
                if self.on_bad_value == OnBadValue::Fail {
                    return Err(SinkError::new("picky"));
                }
                let (record, faults) = (record.clone(), vec![fault]);
                self.rejected.push(Rejected { record, faults, is_skipped: true, table: None });
            }
            Ok(())
        })
    }

    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.on_bad_value = on_bad_value;
    }

    fn rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    fn commit(&mut self) -> SinkFuture<'_, Option<Value>> {
        let state = self.is_due.then_some(Value::Null);
        Box::pin(async { Ok(state) })
    }

    fn commit_last(&mut self) -> SinkFuture<'_, Option<Value>> {
        Box::pin(async { Ok(Some(Value::Null)) })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        self.log.lock().expect("a log").is_finished = Some(is_whole);
        let failed = is_whole && self.refuses == "finish";
        Box::pin(async move { if failed { Err(SinkError::new("full")) } else { Ok(()) } })
    }
}

const NOTHING: &str = "\u{0}";

#[tokio::test]
async fn the_rows_of_a_skipped_row_are_skipped_and_named() {
    let (root, of_root) = Picky::sink("\"c1\"", true);
    let (participants, of_participants) = Picky::sink("\"c2\",\"participantIndex\":1", true);
    let (sessions, of_sessions) = Picky::sink(NOTHING, true);
    let mut sink = SplitSink::new(tables(), root, [participants, sessions]);
    sink.on_bad_value(OnBadValue::Skip);
    sink.open(&columns(), None).await.expect("opened");
    sink.write(&records(0..3)).await.expect("written");
    let rows = |log: &Arc<Mutex<Log>>| log.lock().expect("a log").rows.clone();
    assert_eq!(rows(&of_root), [r#"{"conversationId":"c0"}"#, r#"{"conversationId":"c2"}"#]);
    assert_eq!(rows(&of_participants).len(), 1);
    assert_eq!(rows(&of_sessions).len(), 1, "{:?}", rows(&of_sessions));
    let counts: Vec<u64> = sink.tables().into_iter().map(|table| table.rows).collect();
    assert_eq!(counts, [1, 1]);
    let rejected = sink.rejected();
    let named: Vec<(Option<&str>, &str)> =
        rejected.iter().map(|it| (it.table.as_deref(), &*it.faults[0].reason)).collect();
    let orphan = (Some("participants.sessions"), "its row of participants is skipped");
    assert_eq!(named, [(None, "picky"), (Some("participants"), "picky"), orphan, orphan]);
    assert_eq!(rejected[0].record.get(), record(1).get(), "with its lists");
    assert!(rejected.iter().all(|it| it.is_skipped));
}

#[tokio::test]
async fn a_failing_child_table_fails_the_batch_and_is_named() {
    let (root, _) = Picky::sink(NOTHING, true);
    let (participants, _) = Picky::sink("\"c1\"", true);
    let (sessions, _) = Picky::sink(NOTHING, true);
    let mut sink = SplitSink::new(tables(), root, [participants, sessions]);
    sink.open(&columns(), None).await.expect("opened");
    let error = sink.write(&records(0..3)).await.expect_err("refused");
    assert_eq!(error.to_string(), "child table participants: picky");
}

#[tokio::test]
async fn a_record_that_can_not_be_split_follows_the_action() {
    let odd = RawValue::from_string(r#"{"conversationId":"odd","participants":7}"#.to_owned());
    let batch = [record(2), odd.expect("a record")];
    for (action, roots) in [(OnBadValue::Null, 2), (OnBadValue::Skip, 1), (OnBadValue::Fail, 0)] {
        let (root, log) = Picky::sink(NOTHING, true);
        let mut sink = SplitSink::new(
            tables(),
            root,
            [Picky::sink(NOTHING, true).0, Picky::sink(NOTHING, true).0],
        );
        sink.on_bad_value(action);
        sink.open(&columns(), None).await.expect("opened");
        let written = sink.write(&batch).await;
        if action == OnBadValue::Fail {
            let text = written.expect_err("refused").to_string();
            let why = "record 2 (conversationId odd): `participants` is not a list; add --on-bad-value null or skip";
            assert_eq!(text, why);
            continue;
        }
        written.expect("written");
        assert_eq!(log.lock().expect("a log").rows.len(), roots);
        let rejected = sink.rejected();
        assert_eq!(rejected.len(), 1);
        assert_eq!(rejected[0].is_skipped, action == OnBadValue::Skip);
        assert_eq!(rejected[0].record.get(), batch[1].get());
    }
}

#[tokio::test]
async fn all_tables_commit_or_none() {
    for (due, is_due) in [([false, false, false], false), ([false, true, false], true)] {
        let [root, participants, sessions] = due.map(|is_due| Picky::sink(NOTHING, is_due).0);
        let mut sink = SplitSink::new(tables(), root, [participants, sessions]);
        sink.open(&columns(), None).await.expect("opened");
        sink.write(&records(0..3)).await.expect("written");
        assert_eq!(sink.commit().await.expect("committed").is_some(), is_due);
        assert!(sink.commit_last().await.expect("committed").is_some());
    }
    // A table without new rows is always ready, which says nothing about the others.
    let [root, participants, sessions] =
        [false, true, false].map(|is_due| Picky::sink(NOTHING, is_due).0);
    let mut sink = SplitSink::new(tables(), root, [participants, sessions]);
    sink.open(&columns(), None).await.expect("opened");
    sink.write(&records(0..1)).await.expect("written");
    assert!(sink.commit().await.expect("committed").is_none());
}

#[tokio::test]
async fn nothing_more_is_published_after_an_error() {
    let [(root, of_root), (participants, of_participants), (sessions, of_sessions)] =
        [NOTHING, "finish", NOTHING].map(|refuses| Picky::sink(refuses, true));
    let mut sink = SplitSink::new(tables(), root, [participants, sessions]);
    sink.open(&columns(), None).await.expect("opened");
    assert_eq!(sink.finish(true).await.expect_err("full").to_string(), "full");
    let finished = |log: &Arc<Mutex<Log>>| log.lock().expect("a log").is_finished;
    let all = [finished(&of_sessions), finished(&of_participants), finished(&of_root)];
    assert_eq!(all, [Some(true), Some(true), Some(false)]);
}

#[tokio::test]
async fn rejects_the_state_of_other_tables() {
    let folder = tempdir().expect("a folder");
    let mut sink = files(folder.path(), "jsonl");
    sink.open(&columns(), None).await.expect("opened");
    let state = sink.commit().await.expect("committed").expect("a state");
    drop(sink);
    for (pointer, odd) in [
        ("/rows", serde_json::json!([1])),
        ("/records", serde_json::json!(-1)),
        ("/outputs/sinks", serde_json::json!([])),
        ("/outputs", Value::Null),
    ] {
        let mut state = state.clone();
        *state.pointer_mut(pointer).expect("a field") = odd;
        let mut sink = files(folder.path(), "jsonl");
        let error = sink.open(&columns(), Some(&state)).await.expect_err("of other tables");
        assert!(error.is_mismatch(), "{pointer}: {error}");
    }
}
