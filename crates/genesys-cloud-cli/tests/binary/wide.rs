//! Memory is bounded for records of a megabyte, with every sink.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use genesys_cloud_mock::{Call, CannedResponse, Fault, MockOrg};
use tempfile::tempdir;

#[cfg(feature = "buckets")]
use crate::s3::S3;
use crate::{program, read};

const QUEUES: &str = "getRoutingQueues";
const RECORDS: usize = 60;

/// Limit in megabytes. A page of 20 records has 21, and the program in a debug build needs about 35; parts of an upload
/// that wait for a busy machine take more. By default, all records would be one page of 63, held several times.
const MOST: u64 = 130;

/// Responds with records of a megabyte that hardly compress.
struct Wide {
    text: String,
}

impl Wide {
    fn new() -> Self {
        let (mut text, mut chance) = (String::with_capacity(1 << 20), 7_u64);
        while text.len() < 1 << 20 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            text += &format!("{chance:016x}");
        }
        Self { text }
    }
}

impl Fault for Wide {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        if call.operation.id != QUEUES {
            return None;
        }
        let query = |name: &str| {
            let pairs = call.request.query.split('&');
            let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(it, _)| *it == name);
            value.map(|(_, value)| value.parse::<usize>().unwrap())
        };
        let size = query("pageSize").unwrap();
        let first = (query("pageNumber").unwrap_or(1) - 1) * size;
        let past = RECORDS.min(first + size);
        let mut body = String::with_capacity((past.saturating_sub(first) + 1) << 20);
        body += "{\"entities\":[";
        for n in first..past {
            let comma = if n == first { "" } else { "," };
            body += &format!("{comma}{{\"id\":\"r{n}\",\"name\":\"n\",\"description\":\"");
            body += &self.text;
            body += "\"}";
        }
        let pages = RECORDS.div_ceil(size);
        body += &format!(
            "],\"pageSize\":{size},\"pageNumber\":{},\"pageCount\":{pages},\"total\":{RECORDS}}}",
            first / size + 1
        );
        let mut reply = CannedResponse::empty(200);
        reply.body = body.into();
        Some(reply.header("content-type", "application/json"))
    }
}

/// The peak memory of a run, in megabytes.
async fn peak(
    org: &MockOrg,
    folder: &Path,
    environment: &[(&str, String)],
    arguments: &[&str],
) -> u64 {
    let mut child = program(Some(org), &folder.join("state"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args(["export", QUEUES, "--fields", "id,name,description", "--out"])
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id().unwrap());
    let mut peak = 0;
    loop {
        tokio::select! {
            ended = child.wait() => {
                assert!(ended.unwrap().success(), "{arguments:?}");
                return peak;
            }
            () = tokio::time::sleep(Duration::from_millis(2)) => {
                let text = std::fs::read_to_string(&status).unwrap_or_default();
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let found = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
                peak = peak.max(found.unwrap_or(0_u64) / 1000);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded() {
    let org = MockOrg::builder().list(QUEUES, 1).fault(Wide::new()).start().await.unwrap();
    let folder = tempdir().unwrap();
    let mut peaks = Vec::new();
    for name in [
        "w.jsonl",
        "w.jsonl.gz",
        #[cfg(feature = "parquet")]
        "w.parquet",
    ] {
        peaks.push((name, peak(&org, folder.path(), &[], &[name]).await));
        assert!(
            std::fs::metadata(folder.path().join(name)).unwrap().len() > (RECORDS as u64) << 19
        );
        if name == "w.jsonl" {
            let text = read(folder.path().join(name));
            assert_eq!(
                crate::keys(&text),
                (0..RECORDS).map(|n| format!("r{n}")).collect::<Vec<_>>()
            );
            // Pages of 500, 100 and 20 records: a dropped response counts as a call but not as a page.
            let report = crate::report(&folder.path().join(name));
            assert_eq!(report["verdict"], "complete", "{report}");
            let counts = ["records", "pages", "calls", "page_size"].map(|it| report[it].as_u64());
            assert_eq!(counts, [RECORDS as u64, 3, 5, 20].map(Some), "{report}");
        }
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    #[cfg(feature = "buckets")]
    {
        let s3 = S3::start().await;
        let out = ["s3://bucket/w.jsonl"];
        peaks.push((out[0], peak(&org, folder.path(), &s3.environment(), &out).await));
        assert!(s3.object("w.jsonl").unwrap().len() > RECORDS << 20);
    }
    #[cfg(all(unix, feature = "postgres", feature = "redis"))]
    if let Some(server) = crate::servers::Postgres::shared() {
        let password = [("PGPASSWORD", crate::servers::Postgres::PASSWORD.to_owned())];
        let url = server.url();
        let out = [&url[..], "--create-table", "--table", "wide"];
        peaks.push(("postgres", peak(&org, folder.path(), &password, &out).await));
        let found =
            server.client().await.query_one("SELECT count(*) FROM wide", &[]).await.unwrap();
        assert_eq!(found.get::<_, i64>(0), RECORDS as i64);
    }
    assert!(peaks.iter().all(|(_, peak)| *peak > 0 && *peak < MOST), "in MB: {peaks:?}");
}
