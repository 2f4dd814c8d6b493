//! Standard output that is a pipe, a size-limited file, or closed.

use std::process::Output;

use genesys_cloud_mock::MockOrg;
use tempfile::tempdir;

/// Runs a script with the program as `$0`.
async fn script(org: &MockOrg, folder: &std::path::Path, script: &str) -> Output {
    crate::program_by(&["bash", "-c", script], Some(org), &folder.join("state"))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(folder)
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_reader_that_exits_early_is_not_an_error() {
    let org = MockOrg::builder().list("getRoutingQueues", 50_000).start().await.unwrap();
    let folder = tempdir().unwrap();
    for command in [
        "export routing.queues",
        "export routing.queues --format csv --batch 10",
        "export routing.queues --format parquet --row-group 10",
        "operations",
        "describe users.users",
        "export --help",
        "completions bash",
        "call routing.queues -p pageSize=100",
        "schema events",
    ] {
        if command.contains("parquet") && !cfg!(feature = "parquet") {
            continue;
        }
        let text = format!("\"$0\" {command} | head -c 20 > out; echo ${{PIPESTATUS[0]}}");
        let ended = script(&org, folder.path(), &text).await;
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((&*ended.stdout, &*err), (&b"0\n"[..], ""), "{command}");
        assert_eq!(std::fs::read(folder.path().join("out")).unwrap().len(), 20, "{command}");
    }
}

#[tokio::test]
async fn does_not_write_records_to_a_closed_output() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let closed = script(&org, folder.path(), "\"$0\" export routing.queues >&-").await;
    let err = String::from_utf8(closed.stderr).unwrap();
    assert_eq!(closed.status.code(), Some(11), "{err}");
    assert!(err.contains("standard output is closed"), "{err}");
    assert_eq!(org.request_count(), 0);
    let discarded = script(&org, folder.path(), "\"$0\" export routing.queues > /dev/null").await;
    assert_eq!(discarded.status.code(), Some(0));
    let file = script(&org, folder.path(), "\"$0\" export routing.queues -o q.jsonl >&-").await;
    assert_eq!(file.status.code(), Some(0));
}

#[tokio::test]
async fn does_not_call_if_the_response_would_be_lost() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let call = "\"$0\" call routing.delete_queue -p queueId=a";
    let closed = script(&org, folder.path(), &format!("{call} >&-")).await;
    let err = String::from_utf8(closed.stderr).unwrap();
    assert_eq!(closed.status.code(), Some(11), "{err}");
    assert!(err.contains("standard output is closed"), "{err}");
    assert_eq!(org.request_count(), 0);
    // A reader that exits before anything is written is not an error either.
    let text = "\"$0\" call routing.queues | exec true; echo ${PIPESTATUS[0]}";
    let ended = script(&org, folder.path(), text).await;
    let err = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((&*ended.stdout, &*err), (&b"0\n"[..], ""));
    let discarded = script(&org, folder.path(), &format!("{call} > /dev/null")).await;
    assert_eq!(discarded.status.code(), Some(0));
}

#[tokio::test]
async fn a_file_size_limit_is_an_error() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let limited =
        script(&org, folder.path(), "ulimit -f 1; \"$0\" export routing.queues > q").await;
    let err = String::from_utf8(limited.stderr).unwrap();
    assert_eq!(limited.status.code(), Some(11), "{err}");
    assert!(err.contains("can't write to standard output: File too large"), "{err}");
}
