//! The twelve recipes of the guide, with the command alone, against an org that changes: each is run on one day and again
//! on the next, and its output is what a correct reader must have at that time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use genesys_cloud_mock::{Expected, JobScenario, MockOrg, OrgTimeline};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::jobs::ENDS_BY_NOTIFICATION;
use crate::{read, run};

const QUEUES: &str = "getRoutingQueues";
const MEMBERS: &str = "getRoutingQueueMembers";
const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";

const DAY: Duration = Duration::from_hours(24);

/// An org on its fourth day, and the folder of the exports.
struct Site {
    org: MockOrg,
    folder: TempDir,
}

impl Site {
    async fn new() -> Self {
        let timeline = OrgTimeline::new("2026-05-01T00:00:00Z")
            .changes_per_day(24)
            .events_per_day(60)
            .late_by(Duration::from_hours(6));
        let org = MockOrg::builder().timeline(timeline).list(QUEUES, 8).list(MEMBERS, 12);
        let org = org.list("getUsers", 40).start().await.unwrap();
        org.advance(3 * DAY + DAY / 2);
        Self { org, folder: tempdir().unwrap() }
    }

    /// Runs an export to a file, and returns its records.
    async fn export(&self, export: &[&str]) -> Vec<Value> {
        let out = ["--out", "out.jsonl", "--quiet"];
        self.run(&[&["export"], export, &out].concat()).await;
        records(&read(self.folder.path().join("out.jsonl")))
    }

    async fn run(&self, arguments: &[&str]) -> String {
        run(Some(&self.org), self.folder.path(), arguments).await.done().to_owned()
    }

    fn write(&self, name: &str, body: &Value) {
        std::fs::write(self.folder.path().join(name), body.to_string()).unwrap();
    }

    /// The records of a list now.
    fn truth(&self, path: &str) -> Vec<Value> {
        self.org.expected_at(path, &self.org.now()).unwrap()
    }

    /// The events of an interval, as far as they are known now. Their links are those of no request.
    fn events(&self, operation: &str, interval: &str) -> Vec<Value> {
        without_links(self.org.expected_events_at(operation, interval, &self.org.now()).unwrap())
    }

    fn ids(&self, path: &str) -> Vec<String> {
        self.truth(path).iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn without_links(mut records: Vec<Value>) -> Vec<Value> {
    for record in &mut records {
        record.as_object_mut().unwrap().remove("selfUri");
    }
    records
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Compares records by their content, in any order, and checks that there are some.
fn assert_same(found: &[Value], truth: &[Value]) {
    let counted = |records: &[Value]| {
        records.iter().fold(BTreeMap::new(), |mut all: BTreeMap<String, usize>, record| {
            *all.entry(record.to_string()).or_default() += 1;
            all
        })
    };
    assert!(!truth.is_empty());
    assert_eq!(found.len(), truth.len());
    let (found, truth) = (counted(found), counted(truth));
    let differs = truth.iter().find(|(record, count)| found.get(*record) != Some(count));
    assert!(differs.is_none(), "{differs:?}");
}

/// The same record with a key of its parent.
fn with_key(name: &str, key: &str, record: &Value) -> Value {
    let mut keyed = json!({ name: key });
    keyed.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
    keyed
}

#[tokio::test]
async fn all_queues_with_their_members() {
    let site = Site::new().await;
    let mut earlier = Vec::new();
    for _ in 0..2 {
        let found = site.export(&["routing.queue_members", "--for-each", "routing.queues"]).await;
        let mut truth = Vec::new();
        for queue in site.ids("/api/v2/routing/queues") {
            let members = site.truth(&format!("/api/v2/routing/queues/{queue}/members"));
            truth.extend(members.iter().map(|member| with_key("queueId", &queue, member)));
        }
        assert_same(&found, &truth);
        assert_ne!(truth, earlier, "the queues change");
        earlier = truth;
        site.org.advance(DAY);
    }
}

#[tokio::test]
async fn all_users_with_their_skills() {
    let site = Site::new().await;
    let mut earlier = Vec::new();
    for _ in 0..2 {
        let query = ["--param", "expand=skills,languages", "--param", "state=any"];
        let found = site.export(&[&["users.users"], &query[..]].concat()).await;
        let truth = site.truth("/api/v2/users?expand=skills,languages&state=any");
        assert_same(&found, &truth);
        let has = |wanted: fn(&Value) -> bool| found.iter().any(wanted);
        assert!(has(|user| user["skills"].is_array()) && has(|user| user["state"] == "inactive"));
        assert_ne!(truth, earlier, "the users change");
        earlier = truth;
        site.org.advance(DAY);
    }
}

#[tokio::test]
async fn the_conversations_of_a_month() {
    let site = Site::new().await;
    let export = |name: &'static str, interval: &'static str| {
        ["analytics.conversations_details_jobs", "--window", "1d", "--concurrency", "8"]
            .into_iter()
            .chain([name, interval])
            .collect::<Vec<_>>()
    };
    let mut earlier = 0;
    for _ in 0..2 {
        let month = "2026-05-01/2026-06-01";
        let found = site
            .export(&[&export("--interval", month)[..], &["--accept", "unknown"]].concat())
            .await;
        // Conversations that arrived since, late, and those of the next day.
        let truth = site.events(DETAILS, month);
        assert_same(&found, &truth);
        assert!(truth.len() > earlier, "{} after {earlier}", truth.len());
        earlier = truth.len();
        site.org.advance(DAY);
    }
    // The last hours, without a job.
    let tail = "2026-05-05T00:00Z/2026-05-05T12:00Z";
    let found = site.export(&["analytics.conversations_details_query", "--interval", tail]).await;
    assert_same(&found, &site.events("postAnalyticsConversationsDetailsQuery", tail));
}

#[tokio::test]
async fn the_status_history_of_agents() {
    let site = Site::new().await;
    for interval in ["2026-05-01/2026-05-04", "2026-05-02/2026-05-05"] {
        let found = site.export(&["analytics.users_details_jobs", "--interval", interval]).await;
        assert_same(&found, &site.events("postAnalyticsUsersDetailsJobs", interval));
        let has_changes = |user: &Value| !user["primaryPresence"].as_array().unwrap().is_empty();
        assert!(found.iter().any(has_changes));
        site.org.advance(DAY);
    }
}

#[tokio::test]
async fn interval_metrics_for_a_warehouse() {
    let site = Site::new().await;
    let body = json!({ "granularity": "PT30M", "groupBy": ["queueId"], "metrics": ["nOffered"] });
    site.write("body.json", &body);
    let days = ["--interval", "2026-05-01/2026-05-04", "--window", "1d", "--body", "body.json"];
    let found =
        site.export(&[&["analytics.conversations_aggregates_query"], &days[..]].concat()).await;
    let query = "postAnalyticsConversationsAggregatesQuery";
    let truth = site.org.expected(query).unwrap().records;
    let keys: Vec<String> = found.iter().map(Expected::key).collect();
    // The fake org returns the same rows for each day.
    assert_eq!(keys, [&truth[..], &truth, &truth].concat());
    let sent: Vec<Value> = site
        .org
        .requests_for(query)
        .iter()
        .map(|it| serde_json::from_slice(&it.body).unwrap())
        .collect();
    let days: Vec<&str> = sent.iter().map(|it| it["interval"].as_str().unwrap()).collect();
    assert_eq!(days.len(), 3, "{days:?}");
    assert!(sent.iter().all(|it| it["granularity"] == "PT30M"));
}

#[tokio::test]
async fn the_audit_trail() {
    let site = Site::new().await;
    let queue = site.ids("/api/v2/routing/queues").remove(0);
    let queue_id = format!("queueId={queue}");
    site.run(&["call", "routing.delete_queue", "--param", &queue_id]).await;
    let days = ["--interval", "2026-05-01/2026-05-05"];
    let found = site.export(&[&["audit.audits_query"], &days[..]].concat()).await;
    assert_same(&found, &site.events("postAuditsQuery", days[1]));
    let is_deletion =
        |audit: &&Value| audit["action"] == "Delete" && audit["entity"]["id"] == queue.as_str();
    assert_eq!(found.iter().filter(is_deletion).count(), 1);
    // The last 14 days, without a job.
    let found = site.export(&[&["audit.audits_query_realtime"], &days[..]].concat()).await;
    assert_same(&found, &site.events("postAuditsQueryRealtime", days[1]));
}

#[tokio::test]
async fn workforce_management_schedules() {
    const SCHEDULES: &str = "getWorkforcemanagementBusinessunitWeekSchedules";
    let site = Site::new().await;
    let week = ["--for-each", "workforce_management.businessunits", "--param", "weekId=2026-05-04"];
    let export = [&["workforce_management.businessunit_week_schedules"], &week[..]].concat();
    for _ in 0..2 {
        let found = site.export(&export).await;
        let mut truth = Vec::new();
        for unit in site.ids("/api/v2/workforcemanagement/businessunits") {
            let path = format!(
                "/api/v2/workforcemanagement/businessunits/{unit}/weeks/2026-05-04/schedules"
            );
            let schedules = site.org.expected_records(SCHEDULES, &path).unwrap();
            let schedules = records(&schedules.join("\n"));
            truth.extend(schedules.iter().map(|it| with_key("businessUnitId", &unit, it)));
        }
        assert_same(&found, &truth);
        site.org.advance(DAY);
    }

    // The shifts of agents are in the response, or announced by a notification, for which the command has no place.
    site.write("body.json", &json!({}));
    let unit = site.ids("/api/v2/workforcemanagement/managementunits").remove(0);
    let unit = format!("managementUnitId={unit}");
    let shifts = ["-p", &unit, "--body", "body.json", "--restart"];
    let shifts = [&[ENDS_BY_NOTIFICATION], &shifts[..]].concat();
    let announced = [&["export"], &shifts[..], &["--out", "out.jsonl"]].concat();
    let announced = run(Some(&site.org), site.folder.path(), &announced).await;
    assert_eq!(announced.code, Some(10), "{}", announced.err);
    assert!(announced.err.contains("only by notification"), "{}", announced.err);
    site.org.job_scenario(ENDS_BY_NOTIFICATION, JobScenario::InlineAtOnce).unwrap();
    assert!(!site.export(&shifts).await.is_empty());
}

#[tokio::test]
async fn the_adherence_of_agents() {
    const ADHERENCE: &str = "postWorkforcemanagementManagementunitHistoricaladherencequery";
    let site = Site::new().await;
    site.write("body.json", &json!({ "startDate": "2026-05-01T00:00:00Z" }));
    let export = [
        "workforce_management.post_managementunit_historicaladherencequery",
        "--for-each",
        "workforce_management.managementunits",
        "--bind",
        "managementUnitId=id",
        "--body",
        "body.json",
    ];
    for scenario in [JobScenario::Download, JobScenario::DroppedDownload] {
        site.org.job_scenario(ADHERENCE, scenario).unwrap();
        let found = site.export(&export).await;
        let results = site.org.expected_job(ADHERENCE).unwrap().records;
        let units = site.ids("/api/v2/workforcemanagement/managementunits");
        let keys: Vec<(String, String)> = found
            .into_iter()
            .map(|mut record| {
                let unit =
                    record.as_object_mut().unwrap().remove("parentManagementUnitId").unwrap();
                (unit.as_str().unwrap().to_owned(), Expected::key(&record))
            })
            .collect();
        let of_unit = |unit: &String| {
            results.iter().map(|key| (unit.clone(), key.clone())).collect::<Vec<_>>()
        };
        let truth: Vec<(String, String)> = units.iter().flat_map(of_unit).collect();
        assert!(!truth.is_empty());
        assert_eq!(keys, truth);
        site.org.advance(DAY);
    }
}

#[tokio::test]
async fn transcripts() {
    let site = Site::new().await;
    let query = json!({
        "types": ["transcripts"],
        "query": [{ "type": "EXACT", "fields": ["language"], "value": "en-us" }],
    });
    site.write("body.json", &query);
    let search = ["search.speechandtextanalytics_transcripts_search", "--body", "body.json"];
    let found = site.export(&search).await;
    let search = "postSpeechandtextanalyticsTranscriptsSearch";
    let truth = site.org.expected(search).unwrap().records;
    assert_eq!(found.iter().map(Expected::key).collect::<Vec<_>>(), truth);
    let conversation = site.events(DETAILS, "2026-05-01/2026-05-02").remove(0);
    let ids = ["conversationId", "communicationId"]
        .map(|name| format!("{name}={}", conversation["conversationId"].as_str().unwrap()));
    let url = "speech_and_text_analytics.conversation_communication_transcripturl";
    let url = site.run(&["call", url, "--param", &ids[0], "--param", &ids[1]]).await;
    assert!(serde_json::from_str::<Value>(&url).unwrap()["url"].is_string(), "{url}");
}

#[tokio::test]
async fn recordings() {
    let site = Site::new().await;
    let mut earlier = 0;
    for day in ["2026-05-01/2026-05-02", "2026-05-01/2026-05-03"] {
        let export = [
            "recording.conversation_recordings",
            "--for-each",
            "analytics.conversations_details_jobs",
            "--bind",
            "conversationId=conversationId",
            "--interval",
            day,
        ];
        let found = site.export(&export).await;
        let keys: Vec<(String, String)> = found
            .iter()
            .map(|it| (it["parentConversationId"].as_str().unwrap().to_owned(), Expected::key(it)))
            .collect();
        let mut truth = Vec::new();
        for conversation in site.events(DETAILS, day) {
            let id = conversation["conversationId"].as_str().unwrap();
            let recordings = site.truth(&format!("/api/v2/conversations/{id}/recordings"));
            truth.extend(recordings.iter().map(|it| (id.to_owned(), Expected::key(it))));
        }
        assert!(truth.len() > earlier);
        assert_eq!(keys, truth);
        earlier = truth.len();
    }
}

#[tokio::test]
async fn evaluations() {
    let site = Site::new().await;
    for (start, end) in
        [("2026-05-01T00:00Z", "2026-05-03T00:00Z"), ("2026-05-02T00:00Z", "2026-05-05T00:00Z")]
    {
        let (from, to) = (format!("startTime={start}"), format!("endTime={end}"));
        let agent = site.ids("/api/v2/users").remove(0);
        let agent = format!("agentUserId={agent}");
        let export = ["quality.evaluations_query", "-p", &from, "-p", &to, "-p", &agent];
        let found = without_links(site.export(&export).await);
        assert_same(&found, &site.events("getQualityEvaluationsQuery", &format!("{start}/{end}")));
        site.org.advance(DAY);
    }
}

#[tokio::test]
async fn external_contacts_contact_lists_and_work_items() {
    const LIST: &str = "postOutboundContactlistExport";
    let site = Site::new().await;
    let keys = |found: Vec<Value>| found.iter().map(Expected::key).collect::<Vec<String>>();
    let found = keys(site.export(&["external_contacts.scan_contacts"]).await);
    assert_eq!(found, site.org.expected("getExternalcontactsScanContacts").unwrap().records);
    site.write("body.json", &json!({}));
    let found =
        keys(site.export(&["task_management.workitems_query", "--body", "body.json"]).await);
    assert_eq!(found, site.org.expected("postTaskmanagementWorkitemsQuery").unwrap().records);
    let list = site.ids("/api/v2/outbound/contactlists").remove(0);
    let list = format!("contactListId={list}");
    site.run(&["export", "outbound.post_contactlist_export", "-p", &list, "--out", "list.csv"])
        .await;
    let written = std::fs::read(Path::new(site.folder.path()).join("list.csv")).unwrap();
    assert_eq!(written, site.org.expected_job(LIST).unwrap().files[0]);
}
