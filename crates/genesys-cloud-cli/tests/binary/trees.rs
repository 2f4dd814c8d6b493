//! `export --for-each`: a list that is read once for each record of another list.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use genesys_cloud_mock::{Call, CannedResponse, Fault, MockOrg};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::resume::{killed, to_the_end};
use crate::{Outcome, read, report, run};

const QUEUES: &str = "getRoutingQueues";
const MEMBERS: &str = "getRoutingQueueMembers";
const TREE: [&str; 4] = ["export", "routing.queue_members", "--for-each", "routing.queues"];

async fn org(queues: u64, members: u64) -> MockOrg {
    MockOrg::builder().list(QUEUES, queues).list(MEMBERS, members).start().await.unwrap()
}

/// An org that responds slowly enough for a kill before the end.
async fn slow(queues: u64, members: u64) -> MockOrg {
    let latency = Duration::from_millis(10);
    let org = MockOrg::builder().list(QUEUES, queues).list(MEMBERS, members).latency(latency);
    org.start().await.unwrap()
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The members of each queue as separate exports read them, with the ID of the queue as the first field.
async fn truth(org: &MockOrg, folder: &Path) -> Vec<Value> {
    let mut all = Vec::new();
    for queue in org.expected(QUEUES).unwrap().records {
        let param = format!("queueId={queue}");
        let members = run(Some(org), folder, &["export", MEMBERS, "--param", &param]).await;
        for member in records(members.done()) {
            let mut record = json!({ "queueId": queue });
            record.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
            all.push(record);
        }
    }
    assert_eq!(
        all.len(),
        org.expected(QUEUES).unwrap().records.len() * org.expected(MEMBERS).unwrap().records.len()
    );
    org.reset();
    all
}

/// The keys of records: queue and member.
fn keys(records: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().trim_matches('"').to_owned();
    records.iter().map(|it| (text(&it["queueId"]), text(&it["id"]))).collect()
}

async fn tree(org: &MockOrg, folder: &Path, options: &[&str]) -> Outcome {
    run(Some(org), folder, &[&TREE[..], options].concat()).await
}

#[tokio::test]
async fn a_tree_has_the_records_of_every_parent_in_one_run() {
    let org = org(12, 30).await;
    let folder = tempdir().unwrap();
    let truth = truth(&org, folder.path()).await;
    let logins = org.logins();
    let done = tree(&org, folder.path(), &["--out", "m.jsonl", "--page-size", "20"]).await;
    done.done();
    let text = read(folder.path().join("m.jsonl"));
    assert_eq!(records(&text), truth);
    assert!(text.lines().all(|line| line.starts_with("{\"queueId\":\"")));
    // One login; one page of queues, two pages of each queue.
    assert_eq!(org.logins() - logins, 1);
    assert_eq!(org.requests_for(QUEUES).len(), 1);
    assert_eq!(org.requests_for(MEMBERS).len(), 24);
    assert!(
        done.err.contains("complete: 360 records in 25 pages, 25 calls, of 12 parents"),
        "{}",
        done.err
    );
    let report = report(&folder.path().join("m.jsonl"));
    assert_eq!(
        report["parents"],
        json!({
            "opened": 12, "done": 12, "missing": 0, "forbidden": 0, "skipped": [],
        })
    );

    // One list at a time, with selected fields and a limit.
    let fields = ["--fields", "name,queueId", "--concurrency", "1", "--limit", "35"];
    let chosen = tree(&org, folder.path(), &fields).await;
    let wanted: Vec<Value> = truth[..35]
        .iter()
        .map(|it| json!({ "name": it["name"], "queueId": it["queueId"] }))
        .collect();
    assert_eq!(records(chosen.done()), wanted);
}

#[tokio::test]
async fn a_tree_resumes_at_the_exact_record_after_random_kills() {
    let org = slow(12, 24).await;
    let folder = tempdir().unwrap();
    let truth = truth(&org, folder.path()).await;
    for (out, more) in [("m.jsonl", &[][..]), ("m.csv", &[]), ("m.parquet", &["--row-group", "10"])]
    {
        if out.ends_with("parquet") && !cfg!(feature = "parquet") {
            continue;
        }
        let options =
            ["--out", out, "--batch", "9", "--page-size", "12", "--concurrency", "3", "--resume"];
        let arguments = [&TREE[..], &options, more].concat();
        let kills = to_the_end(&org, folder.path(), &arguments, 11).await;
        assert!(kills > 0, "{out}: {kills} kills");
        let path = folder.path().join(out);
        match out.rsplit_once('.').unwrap().1 {
            "jsonl" => assert_eq!(records(&read(&path)), truth),
            "csv" => {
                let once = tree(&org, folder.path(), &["--out", "once.csv"]).await;
                once.done();
                assert!(read(&path) == read(folder.path().join("once.csv")), "they differ");
                assert!(read(&path).starts_with("queueId,id,name,"));
                assert_eq!(read(&path).lines().count(), truth.len() + 1);
            }
            _ => {
                #[cfg(feature = "parquet")]
                {
                    let rows = crate::tables::rows(std::fs::read(&path).unwrap());
                    assert_eq!(keys(&rows), keys(&truth));
                    let once = tree(&org, folder.path(), &["--out", "once.parquet"]).await;
                    once.done();
                    let once = std::fs::read(folder.path().join("once.parquet")).unwrap();
                    assert_eq!(rows, crate::tables::rows(once));
                }
            }
        }
        assert_eq!(report(&path)["verdict"], "complete", "{out}");
    }
}

#[tokio::test]
async fn a_resumed_tree_reads_no_finished_list_again() {
    let org = slow(6, 30).await;
    let folder = tempdir().unwrap();
    let options = [
        "--out",
        "m.jsonl",
        "--batch",
        "10",
        "--page-size",
        "10",
        "--concurrency",
        "1",
        "--prefetch",
        "0",
    ];
    let arguments = [&TREE[..], &options].concat();
    assert!(killed(&org, folder.path(), &arguments, "saved", 9).await);
    org.reset();
    tree(&org, folder.path(), &[&options[..], &["--resume"]].concat()).await.done();
    // 18 pages in all; the first two queues were finished.
    let again: BTreeSet<String> =
        org.requests_for(MEMBERS).iter().map(|it| it.path.clone()).collect();
    assert!(org.requests_for(MEMBERS).len() <= 10, "{}", org.requests_for(MEMBERS).len());
    assert!(again.len() <= 4, "{again:?}");
    let all = records(&read(folder.path().join("m.jsonl")));
    assert_eq!(keys(&all), keys(&truth(&org, folder.path()).await));
}

#[tokio::test]
async fn a_tree_with_other_parents_is_not_resumed() {
    let org = slow(6, 30).await;
    let folder = tempdir().unwrap();
    let ids = org.expected(QUEUES).unwrap().records;
    std::fs::write(folder.path().join("ids.csv"), format!("queueId\n{}\n", ids.join("\n")))
        .unwrap();
    let from_file =
        ["export", MEMBERS, "--for-each", "ids.csv", "--out", "m.jsonl", "--batch", "10"];
    assert!(killed(&org, folder.path(), &from_file, "saved", 3).await);
    let resumed = [&from_file[..], &["--resume"]].concat();
    std::fs::write(folder.path().join("ids.csv"), format!("queueId\n{}\n", ids[2..].join("\n")))
        .unwrap();
    org.reset();
    let other = run(Some(&org), folder.path(), &resumed).await;
    assert_eq!(other.code, Some(2), "{}", other.err);
    assert!(other.err.contains("has different parents"), "{}", other.err);
    let list = tree(&org, folder.path(), &["--out", "m.jsonl", "--resume"]).await;
    assert!(list.err.contains("has different parents"), "{}", list.err);
    assert_eq!(org.requests_for(MEMBERS).len(), 0);
    std::fs::write(folder.path().join("ids.csv"), format!("queueId\n{}\n", ids.join("\n")))
        .unwrap();
    run(Some(&org), folder.path(), &resumed).await.done();
    let all = records(&read(folder.path().join("m.jsonl")));
    assert_eq!(keys(&all), keys(&truth(&org, folder.path()).await));
}

#[tokio::test]
async fn parents_come_from_a_file_or_another_field() {
    let org = org(4, 5).await;
    let folder = tempdir().unwrap();
    let truth = truth(&org, folder.path()).await;
    let exported = ["export", QUEUES, "--fields", "name,id", "--out", "queues.csv"];
    run(Some(&org), folder.path(), &exported).await.done();
    run(Some(&org), folder.path(), &["export", QUEUES, "--out", "queues.jsonl"]).await.done();
    for options in [
        &["--for-each", "queues.csv", "--bind", "queueId=id"][..],
        &["--for-each", "queues.jsonl", "--bind", "queueId=id"],
        &["--for-each", QUEUES, "--bind", "queueId=routing.queues.id"],
        &["--for-each", QUEUES, "--bind", "queueId=id", "--for-each-param", "sortOrder=asc"],
    ] {
        let done = run(Some(&org), folder.path(), &[&["export", MEMBERS], options].concat()).await;
        assert_eq!(records(done.done()), truth, "{options:?}");
    }
    let sent = org.requests_for(QUEUES);
    assert!(sent.last().unwrap().query.contains("sortOrder=asc"), "{:?}", sent.last());
}

#[tokio::test]
async fn a_tree_of_three_lists_has_the_keys_of_both_parents() {
    const BASES: &str = "getKnowledgeKnowledgebases";
    const DOCUMENTS: &str = "getKnowledgeKnowledgebaseDocuments";
    const VERSIONS: &str = "getKnowledgeKnowledgebaseDocumentVersions";
    let org = MockOrg::builder().list(BASES, 3).list(DOCUMENTS, 4).list(VERSIONS, 5);
    let org = org.start().await.unwrap();
    let folder = tempdir().unwrap();
    let arguments =
        ["export", VERSIONS, "--for-each", BASES, "--for-each", DOCUMENTS, "--out", "v.jsonl"];
    run(Some(&org), folder.path(), &arguments).await.done();
    let all = records(&read(folder.path().join("v.jsonl")));
    let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
    let found: BTreeSet<(String, String, String)> = all
        .iter()
        .map(|it| (text(it, "knowledgeBaseId"), text(it, "documentId"), text(it, "id")))
        .collect();
    let expected = |operation| org.expected(operation).unwrap().records;
    let mut wanted = BTreeSet::new();
    for base in expected(BASES) {
        for document in expected(DOCUMENTS) {
            for version in expected(VERSIONS) {
                wanted.insert((base.clone(), document.clone(), version));
            }
        }
    }
    assert_eq!((all.len(), found), (60, wanted));
    // A base that is gone is named, like a document.
    let gone = CannedResponse::error(404, "not.found", "gone");
    org.respond_next(DOCUMENTS, gone.clone()).unwrap();
    let arguments = [&arguments[..6], &["--concurrency", "1", "--quiet"]].concat();
    let drifted =
        run(Some(&org), folder.path(), &[&arguments[..], &["--out", "w.jsonl"]].concat()).await;
    assert_eq!(drifted.code, Some(4), "{}", drifted.err);
    let skipped = format!("/api/v2/knowledge/knowledgebases/{}/documents", expected(BASES)[0]);
    let parents = &report(&folder.path().join("w.jsonl"))["parents"];
    assert_eq!(parents["skipped"], json!([{ "path": skipped, "status": 404 }]));
    assert_eq!((&parents["missing"], &parents["done"]), (&json!(1), &json!(8)));
    // The outer key is given by hand.
    let base = format!("knowledgeBaseId={}", expected(BASES)[0]);
    let one = ["export", VERSIONS, "--for-each", DOCUMENTS, "--for-each-param", &base];
    let one = run(Some(&org), folder.path(), &one).await;
    assert_eq!(records(one.done()), all[..20]);
}

/// Refuses the lists of some queues.
struct Refused(Vec<(String, u16)>);

impl Fault for Refused {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let is_it = |(queue, _): &&(String, u16)| call.request.path.contains(&**queue);
        let (_, status) = self.0.iter().find(is_it).filter(|_| call.operation.id == MEMBERS)?;
        let code = if *status == 403 { "missing.any.permissions" } else { "not.found" };
        Some(CannedResponse::error(*status, code, "refused"))
    }
}

#[tokio::test]
async fn refused_parents_are_named_or_fail_the_export() {
    let plain = org(5, 3).await;
    let ids = plain.expected(QUEUES).unwrap().records;
    let refused = Refused(vec![(ids[1].clone(), 404), (ids[3].clone(), 403)]);
    let org = MockOrg::builder().list(QUEUES, 5).list(MEMBERS, 3).fault(refused);
    let org = org.start().await.unwrap();
    let folder = tempdir().unwrap();
    let forbidden = tree(&org, folder.path(), &["--out", "a.jsonl"]).await;
    assert_eq!(forbidden.code, Some(7), "{}", forbidden.err);
    assert!(forbidden.err.contains(&ids[3]), "{}", forbidden.err);
    let missing = ["--on-missing-parent", "fail", "--out", "b.jsonl"];
    let missing = tree(&org, folder.path(), &missing).await;
    assert_ne!(missing.code, Some(0));
    assert!(missing.err.contains(&ids[1]) && missing.err.contains("404"), "{}", missing.err);

    // A run that failed at a forbidden parent resumes when such parents are skipped.
    let options = ["--on-forbidden-parent", "skip", "--out", "a.jsonl", "--resume"];
    let skipped = tree(&org, folder.path(), &options).await;
    assert_eq!(skipped.code, Some(3), "{}", skipped.err);
    let first = skipped.err.lines().find(|line| line.starts_with("truncated")).unwrap();
    assert!(first.contains("of 3 parents, 2 parents skipped"), "{first}");
    let path = |at: usize| format!("/api/v2/routing/queues/{}/members", ids[at]);
    for note in [
        format!("note: skipped {}: not found (404)", path(1)),
        format!("note: skipped {}: forbidden (403)", path(3)),
    ] {
        assert!(skipped.err.contains(&note), "{note}: {}", skipped.err);
    }
    let accepted = [&options[..], &["--accept", "truncated", "--log", "json"]].concat();
    let accepted = tree(&org, folder.path(), &accepted).await;
    accepted.done();
    let found = records(&read(folder.path().join("a.jsonl")));
    let queues: BTreeSet<String> = keys(&found).into_iter().map(|(queue, _)| queue).collect();
    assert_eq!(
        (found.len(), queues.contains(&ids[1]), queues.contains(&ids[3])),
        (9, false, false)
    );
    let end = records(&accepted.err).into_iter().find(|it| it["event"] == "end").unwrap();
    let wanted = json!([{ "path": path(1), "status": 404 }, { "path": path(3), "status": 403 }]);
    assert_eq!(end["parents"]["skipped"], wanted);
    assert_eq!((&end["parents"]["missing"], &end["parents"]["forbidden"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_plan_counts_the_parents() {
    let org = MockOrg::builder().list(QUEUES, 5_000).list(MEMBERS, 12).calls_per_minute(300);
    let org = org.start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("ids.csv"), "queueId\na\nb\na\n").unwrap();
    for (options, parts) in [
        (
            &TREE[2..],
            &[
                "for each    routing.queues, GET /api/v2/routing/queues (getRoutingQueues), sets queueId = id",
                "parents     5,000",
                "pages       10 of 500",
                "calls       at least 5,010",
                "time        at least 16 min",
            ][..],
        ),
        (
            &["--for-each", "ids.csv"],
            &["for each    ids.csv, sets queueId", "parents     2", "calls       at least 2\n"],
        ),
    ] {
        let plan = [&["export", MEMBERS, "--plan"], options].concat();
        let plan = run(Some(&org), folder.path(), &plan).await;
        for part in parts {
            assert!(plan.done().contains(part), "{part}: {}", plan.out);
        }
    }
    assert_eq!((org.requests_for(QUEUES).len(), org.requests_for(MEMBERS).len()), (1, 0));
}

/// Commands that are invalid, and what the error says.
#[tokio::test]
async fn wrong_parents_are_refused_with_the_choices_and_without_a_call() {
    let org = org(3, 3).await;
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("ids.csv"), "id,name\n1,a\n").unwrap();
    std::fs::write(folder.path().join("empty.csv"), "id\n").unwrap();
    let mut text = String::new();
    for command in [
        "routing.queue_members --for-each routing.skills",
        "routing.queue_members --for-each routing.queus",
        "routing.queue_members --for-each routing.queue",
        "routing.queue_members --for-each routing.queues --bind queueid=id",
        "routing.queue_members --for-each routing.queues --bind queueId=idd",
        "routing.queue_members --for-each routing.queues --bind queueId=division",
        "routing.queue_members --for-each routing.queues --bind queueId=id --param queueId=a",
        "routing.queue_members --for-each routing.queues --param queueId=a",
        "routing.queue_members --for-each routing.queues --for-each-param nme=Support*",
        "routing.queue_members --for-each routing.queues --for-each-param pageNumber=2",
        "routing.queue_members --for-each routing.queues --interval 2024-05-01/2024-06-01",
        "routing.queue_members --for-each ids.csv",
        "routing.queue_members --for-each ids.csv --bind queueId=nam",
        "routing.queue_members --for-each ids.csv --bind queueId=id --for-each-param name=x",
        "routing.queue_members --for-each empty.csv --bind queueId=id",
        "routing.queue_members --for-each none.csv",
        "routing.queues --for-each routing.skills",
        "getKnowledgeKnowledgebaseDocumentVersions --for-each getKnowledgeKnowledgebaseDocuments",
        "routing.queue_members --for-each routing.queues --fields queueid,name",
        "routing.queue_members --bind queueId=id",
        "routing.queue_members --for-each a --for-each b --for-each c",
        "routing.queues --concurrency 2",
        "routing.queue_members --for-each routing.queues --out postgres://host/db --upsert queueId,idd",
        "routing.queue_members --for-each routing.queues --out postgres://host/db --fields id,name --upsert",
    ] {
        let words: Vec<&str> = ["export"].into_iter().chain(command.split(' ')).collect();
        let refused = run(Some(&org), folder.path(), &words).await;
        assert_eq!(refused.code, Some(2), "{command}: {}", refused.err);
        text += &format!("$ export {command}\n{}\n", refused.err);
    }
    assert_eq!(org.requests().len(), 0);
    insta::assert_snapshot!("wrong_parents", text.trim_end());
}

#[cfg(all(unix, feature = "postgres", feature = "redis"))]
#[tokio::test]
async fn a_table_has_each_record_of_each_parent_after_random_kills() {
    const ROWS: &str = "SELECT json_agg(json_build_array(queue_id, id, name, member_by, self_uri))::text \
                        FROM routing_queue_members";
    let Some(database) = crate::postgres::Database::new("trees").await else { return };
    let org = slow(8, 20).await;
    let folder = tempdir().unwrap();
    let set = |rows: &[Value]| rows.iter().map(Value::to_string).collect::<BTreeSet<String>>();
    let of =
        |it: &Value| json!([it["queueId"], it["id"], it["name"], it["memberBy"], it["selfUri"]]);
    let truth: Vec<Value> = truth(&org, folder.path()).await.iter().map(of).collect();
    let url = database.url_with_password();
    let table = ["--out", &url, "--create-table", "--upsert"];
    let killed = [&TREE[..], &table, &["--batch", "7", "--page-size", "10", "--resume"]].concat();
    assert!(to_the_end(&org, folder.path(), &killed, 3).await > 1);
    let rows = database.one(ROWS).await;
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    assert_eq!((rows.len(), set(&rows)), (160, set(&truth)));
    let key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' \
               AND conrelid = 'routing_queue_members'::regclass";
    assert_eq!(database.one(key).await, "PRIMARY KEY (queue_id, id)");

    // The next night: one row is missing, those of one member are old, and the others stay as they are.
    let member = org.expected(MEMBERS).unwrap().records.remove(0);
    let queue = org.expected(QUEUES).unwrap().records.remove(0);
    database
        .do_(&format!(
            "UPDATE routing_queue_members SET name = 'old' WHERE id = '{member}'; \
             DELETE FROM routing_queue_members WHERE id = '{member}' AND queue_id = '{queue}'; \
             ALTER TABLE routing_queue_members DROP CONSTRAINT routing_queue_members_pkey; \
             CREATE UNIQUE INDEX ON routing_queue_members (id, queue_id)"
        ))
        .await;
    let again = tree(&org, folder.path(), &["--out", &url, "--upsert", "queueId,id"]).await;
    again.done();
    assert!(again.err.contains("rows: 1 added, 7 updated, 152 unchanged"), "{}", again.err);
    let rows: Vec<Value> = serde_json::from_str(&database.one(ROWS).await).unwrap();
    assert_eq!((rows.len(), set(&rows)), (160, set(&truth)));

    // An index on other columns does not do.
    let other = tree(&org, folder.path(), &["--out", &url, "--upsert", "id"]).await;
    assert_ne!(other.code, Some(0));
    let why = "has no unique index on id alone; CREATE UNIQUE INDEX ON \"public\".\"routing_queue_members\" (\"id\")";
    assert!(other.err.contains(why), "{}", other.err);
}
