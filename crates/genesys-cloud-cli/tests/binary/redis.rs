//! Exports with their state in a Redis server that the tests start.

use genesys_cloud_mock::MockOrg;
use tempfile::tempdir;

use crate::resume::{killed, to_the_end};
use crate::servers::Redis;
use crate::{keys, program, read, run, signalled_while_waiting, slow};

const QUEUES: &str = "getRoutingQueues";

#[tokio::test]
async fn a_file_with_its_state_in_redis_has_each_record_once_after_random_kills() {
    let Some(mut redis) = Redis::start(None) else { return };
    let org = MockOrg::builder().list(QUEUES, 250).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = redis.url();
    let export = ["export", QUEUES, "--out", "q.jsonl", "--state", &url, "--batch", "13"];
    let arguments = [&export[..], &["--page-size", "25", "--resume"]].concat();
    let kills = to_the_end(&org, folder.path(), &arguments, 7).await;
    assert!(kills > 0, "{kills} kills");
    let found = keys(&read(folder.path().join("q.jsonl")));
    assert_eq!(found, org.expected(QUEUES).unwrap().records);
    assert!(!folder.path().join(".genesys-cloud/q.jsonl.state.json").exists());
    let mut connection = ::redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let left: Vec<String> = ::redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    assert_eq!(left, Vec::<String>::new(), "a complete export leaves nothing");

    // From here on, an export takes at least a second.
    let org = slow().await;
    let export = [&export[..], &["--page-size", "25"]].concat();
    let arguments = [&export[..], &["--resume"]].concat();
    // The key has the operation and the output. The state is not overwritten.
    assert!(killed(&org, folder.path(), &export, "saved", 3).await);
    let left: Vec<String> = ::redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    let path = folder.path().canonicalize().unwrap().join("q.jsonl");
    let key = format!("genesys-cloud:export:{QUEUES}:{}", path.display());
    assert_eq!(left, [key.as_str()]);
    let refused = run(Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("--resume continues it"), "{}", refused.err);

    // The second writer of a key detects the first.
    let mut hash = ::redis::cmd("HSET");
    hash.arg(&key).arg("version").arg("another");
    let second = meddled(&org, folder.path(), &arguments, || {
        hash.query::<()>(&mut connection).unwrap();
    })
    .await;
    assert_eq!(second.0, Some(11), "{}", second.1);
    assert!(second.1.contains("another export saves its state at"), "{}", second.1);
    run(Some(&org), folder.path(), &arguments).await.done();

    // Reconnects if the server closes the connection.
    let mut end = ::redis::cmd("CLIENT");
    end.arg(&["KILL", "TYPE", "normal"]);
    let ended = meddled(&org, folder.path(), &export, || {
        assert_eq!(end.query::<u32>(&mut connection).unwrap(), 1);
    })
    .await;
    assert_eq!(ended.0, Some(0), "{}", ended.1);

    // A lost server does not affect the staged file.
    let lost = meddled(&org, folder.path(), &export, || redis.kill()).await;
    assert_eq!(lost.0, Some(9), "{}", lost.1);
    assert!(lost.1.contains("the connection to Redis at 127.0.0.1:"), "{}", lost.1);
    assert!(lost.1.contains("--resume"), "{}", lost.1);
    assert!(folder.path().join(".genesys-cloud/q.jsonl.part").exists());
}

#[tokio::test]
async fn rejects_a_state_in_redis_of_another_file() {
    let Some(redis) = Redis::start(None) else { return };
    let org = MockOrg::builder().list(QUEUES, 250).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = redis.url();
    let by_hand = ["export", QUEUES, "--out", "q.jsonl", "--batch", "13"];
    let export = [&by_hand[..], &["--state", &url]].concat();
    let resume = [&export[..], &["--resume"]].concat();
    assert!(killed(&org, folder.path(), &export, "saved", 3).await);
    let mut connection = ::redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let key = {
        let path = folder.path().canonicalize().unwrap().join("q.jsonl");
        format!("genesys-cloud:export:{QUEUES}:{}", path.display())
    };
    let get = |connection: &mut ::redis::Connection| -> String {
        ::redis::cmd("HGET").arg(&key).arg("state").query(connection).unwrap()
    };
    let set = |state: &str, connection: &mut ::redis::Connection| {
        ::redis::cmd("HSET").arg(&key).arg("state").arg(state).query::<u8>(connection).unwrap();
    };
    let saved = get(&mut connection);
    let part = read(folder.path().join(".genesys-cloud/q.jsonl.part"));
    let requests = org.request_count();
    for edited in [&saved[..saved.len() - 2], &saved.replace("\"length\":", "\"length\":1")] {
        set(edited, &mut connection);
        let refused = run(Some(&org), folder.path(), &resume).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("in Redis at 127.0.0.1:"), "{}", refused.err);
        assert_eq!(get(&mut connection), edited);
    }
    set(&saved, &mut connection);
    assert_eq!(read(folder.path().join(".genesys-cloud/q.jsonl.part")), part);
    assert_eq!(org.request_count(), requests);

    // Another export to the same file, with its state beside the file.
    run(Some(&org), folder.path(), &by_hand).await.done();
    let finished = read(folder.path().join("q.jsonl"));
    let requests = org.requests_for(QUEUES).len();
    let refused = run(Some(&org), folder.path(), &resume).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains(".genesys-cloud/q.jsonl.part is missing"), "{}", refused.err);
    assert_eq!(org.requests_for(QUEUES).len(), requests);
    assert_eq!(read(folder.path().join("q.jsonl")), finished);
    run(Some(&org), folder.path(), &[&export[..], &["--restart"]].concat()).await.done();
    assert_eq!(read(folder.path().join("q.jsonl")), finished);
}

/// Runs the program, and calls `meddle` once the state is saved.
async fn meddled(
    org: &MockOrg,
    folder: &std::path::Path,
    arguments: &[&str],
    meddle: impl FnOnce(),
) -> (Option<i32>, String) {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut child = program(Some(org), &folder.join("state"))
        .args(arguments)
        .args(["--log", "json"])
        .current_dir(folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut err, mut meddle) = (String::new(), Some(meddle));
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains("\"event\":\"saved\"")
            && let Some(meddle) = meddle.take()
        {
            meddle();
        }
        err += &line;
        err.push('\n');
    }
    (child.wait().await.unwrap().code(), err)
}

#[tokio::test]
async fn bad_input() {
    let Some(redis) = Redis::start(Some("pw-of-the-test")) else { return };
    let org = MockOrg::builder().list(QUEUES, 10).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = redis.url();
    let wrong = url.replace("//", "//:not-the-password@");
    for (state, out, code, part) in [
        (&url[..], "q.jsonl", 11, "uthentication required"),
        (&wrong, "q.jsonl", 11, "can't connect to Redis at 127.0.0.1:"),
        ("redis://127.0.0.1:1/0", "q.jsonl", 9, "can't connect to Redis at 127.0.0.1:1"),
        ("redis://:not-the-password@host/x", "q.jsonl", 2, "invalid Redis URL"),
        (
            "http://:not-the-password@host/x",
            "q.jsonl",
            2,
            "can't keep the state at a URL with the scheme `http`",
        ),
        (&url, "-", 2, "standard output can't be resumed"),
    ] {
        let refused =
            run(Some(&org), folder.path(), &["export", QUEUES, "--out", out, "--state", state])
                .await;
        assert_eq!(refused.code, Some(code), "{state}: {}", refused.err);
        assert!(refused.err.contains(part), "{state}: {}", refused.err);
        assert!(!refused.err.contains("not-the-password"), "{}", refused.err);
    }
    assert_eq!(org.request_count(), 0);
    let done = program(Some(&org), folder.path())
        .args(["export", QUEUES, "--out", "q.jsonl", "--state", &url])
        .env("REDISCLI_AUTH", "pw-of-the-test")
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn uses_tls_for_rediss() {
    let Some((redis, certificate)) = Redis::with_tls() else { return };
    let org = MockOrg::builder().list(QUEUES, 50).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = redis.url().replace("redis://127.0.0.1", "rediss://localhost");
    let none = folder.path().join("none.pem");
    for (url, trusted, refused) in [
        (&url, &certificate, None),
        (&url.replace("localhost", "127.0.0.1"), &certificate, Some("certificate")),
        (&url, &none, Some("none.pem")),
    ] {
        let done = program(Some(&org), folder.path())
            .args(["export", QUEUES, "--out", "q.jsonl", "--batch", "10", "--state", url])
            .env("SSL_CERT_FILE", trusted)
            .env_remove("SSL_CERT_DIR")
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
        let err = String::from_utf8(done.stderr).unwrap();
        match refused {
            None => {
                assert!(done.status.success(), "{err}");
                let found = keys(&read(folder.path().join("q.jsonl")));
                assert_eq!(found, org.expected(QUEUES).unwrap().records);
            }
            Some(part) => {
                assert_eq!(done.status.code(), Some(11), "{err}");
                assert!(err.contains(part), "{err}");
            }
        }
    }
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_an_unresponsive_redis() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://me:top-secret@{}/0", silent.local_addr().unwrap());
    let err = signalled_while_waiting(&silent, &[], &["--out", "q.jsonl", "--state", &url]).await;
    assert!(err.contains("stopped while waiting for Redis at 127.0.0.1:"), "{err}");
    assert!(!err.contains("top-secret"), "{err}");
}
