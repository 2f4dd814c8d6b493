//! What runs do with a replica.

use genesys_cloud_sync::Memory;
use serde_json::json;

use crate::org::{DAY, HOUR, by, client, live, now, run, run_of, start};

const QUEUES: &str = "[tables.queues]\nread = 'routing.queues'\nmax_deletes = 100\n";

#[tokio::test]
async fn a_replica_follows_the_org() {
    let (org, memory) = (start(1, 12).await, Memory::new());
    let first = run(&org, QUEUES, &memory).await.expect("a run");
    let table = &first.tables[0];
    assert_eq!((table.inserted, table.changed, table.deleted), (30, 0, 0));
    assert_eq!(table.verdict, "complete");
    assert!(first.is_complete());
    let again = run(&org, QUEUES, &memory).await.expect("a run");
    assert_eq!((again.tables[0].unchanged, again.tables[0].inserted), (30, 0));
    let written = memory.rows("queues");
    assert!(written.iter().all(|row| row.run == first.run), "an unchanged row was written");

    org.advance(2 * DAY);
    let later = run(&org, QUEUES, &memory).await.expect("a run");
    let table = &later.tables[0];
    assert!(table.inserted > 0 && table.changed > 0 && table.deleted > 0, "{table:?}");
    let truth = org.expected_at("/api/v2/routing/queues", &org.now()).expect("records");
    assert_eq!(live(&memory, "queues"), by("id", truth));
    let deleted = memory.rows("queues").into_iter().filter(|row| !row.is_live());
    assert!(deleted.clone().all(|row| row.deleted_at == Some(now(&org))));
    assert_eq!(deleted.count() as u64, table.deleted);
    assert_eq!(memory.reports(), [&first, &again, &later].map(|it| it.tables[0].clone()));
}

#[tokio::test]
async fn history_has_every_version() {
    let plan = format!("{QUEUES}history = true");
    let (org, memory) = (start(2, 12).await, Memory::new());
    let mut truths = Vec::new();
    for _ in 0..4 {
        run(&org, &plan, &memory).await.expect("a run");
        let truth = org.expected_at("/api/v2/routing/queues", &org.now()).expect("records");
        truths.push((now(&org), by("id", truth)));
        org.advance(DAY);
    }
    let rows = memory.rows("queues");
    for (time, truth) in truths {
        let at = rows
            .iter()
            .filter(|row| row.valid_from <= time && row.valid_to.is_none_or(|to| time < to));
        let at: Vec<_> = at.map(|row| serde_json::from_str(row.record()).expect("JSON")).collect();
        assert_eq!(at.len(), truth.len());
        assert_eq!(by("id", at), truth, "{time}");
    }
}

#[tokio::test]
async fn deletes_beyond_the_limit_are_withheld() {
    let (org, memory) = (start(3, 0).await, Memory::new());
    let plan = "[tables.queues]\nread = 'routing.queues'\nmax_deletes = 5\ndeletes = 'remove'";
    run(&org, plan, &memory).await.expect("a run");
    let client = client(&org);
    for row in memory.rows("queues").iter().take(2) {
        delete(&client, row.record()).await;
    }
    let report = run(&org, plan, &memory).await.expect("a run");
    let table = &report.tables[0];
    assert_eq!((table.deleted, table.kept, memory.rows("queues").len()), (0, 2, 30));
    let why = "nothing was deleted: 2 of 30 rows are missing, more than `max_deletes` (5 %)";
    assert_eq!(table.deletes.as_deref(), Some(why));
    assert!(!report.is_complete());
    let allowed =
        run_of(&org, &client, plan).allow_deletes(true).run(&memory).await.expect("a run");
    assert_eq!((allowed.tables[0].deleted, memory.rows("queues").len()), (2, 28));
    assert!(allowed.is_complete());
}

async fn delete(client: &genesys_cloud_core::Client, record: &str) {
    use genesys_cloud_core::{Method, Operation, Request};
    let path = serde_json::from_str::<serde_json::Value>(record).expect("JSON");
    let operation =
        Operation::new("deleteRoutingQueue", Method::Delete, "/api/v2/routing/queues/{queueId}");
    let mut request = Request::new(operation);
    request.set_path("queueId", path["id"].as_str().expect("an ID").to_owned());
    client.execute(&request).await.expect("deleted");
}

#[tokio::test]
async fn children_of_a_deleted_parent_are_deleted() {
    let plan = "[tables.members]\nread = 'routing.queue_members'\nfor_each = 'routing.queues'\n";
    let (org, memory) = (start(4, 0).await, Memory::new());
    let first = run(&org, plan, &memory).await.expect("a run");
    assert_eq!(first.tables[0].inserted, 210, "{first:?}");
    let queues = org.expected_at("/api/v2/routing/queues", &org.now()).expect("records");
    let gone = queues[0]["id"].clone();
    delete(&client(&org), &queues[0].to_string()).await;
    let report = run(&org, plan, &memory).await.expect("a run");
    assert_eq!(report.tables[0].deleted, 7, "{report:?}");
    let rows = memory.rows("members");
    let of_queue = |row: &genesys_cloud_sync::MemoryRow| {
        serde_json::from_str::<serde_json::Value>(row.record()).expect("JSON")["queueId"] == gone
    };
    assert!(rows.iter().all(|row| row.is_live() != of_queue(row)));
}

#[tokio::test]
async fn a_range_reads_late_data_again_and_stops_at_available_data() {
    let plan = "[tables.calls]\nread = 'analytics.conversations_details_jobs'\n\
                since = 2026-05-01\nlookback = '2 days'\n";
    let (org, memory) = (start(5, 0).await, Memory::new());
    org.advance(4 * DAY + 6 * HOUR);
    let first = run(&org, plan, &memory).await.expect("a run");
    let table = &first.tables[0];
    assert!(first.is_complete(), "{table:?}");
    assert_eq!(table.watermark_after, Some(now(&org) - 2 * HOUR));
    org.advance(DAY);
    let second = run(&org, plan, &memory).await.expect("a run");
    let table = &second.tables[0];
    assert_eq!(table.watermark_before, first.tables[0].watermark_after);
    assert_eq!(table.watermark_after, Some(now(&org) - 2 * HOUR));
    assert!(table.inserted > 0 && table.unchanged > 0, "{table:?}");
    let until = (now(&org) - 2 * HOUR).format("%Y-%m-%dT%H:%M:%SZ");
    let truth = org.expected_events_at(
        "postAnalyticsConversationsDetailsJobs",
        &format!("2026-05-01T00:00:00Z/{until}"),
        &org.now(),
    );
    assert_eq!(live(&memory, "calls"), by("conversationId", truth.expect("events")));
    assert_eq!(json!(table.verdict), format!("complete (2026-05-03T00:00:00Z/{until})"));
}

#[tokio::test]
async fn a_list_that_sorts_by_change_is_read_up_to_a_known_record() {
    let plan = "[tables.numbers]\nread = 'routing.sms_phonenumbers'\nparams = { pageSize = 5 }\n\
                max_deletes = 100\nfull_every = '2 days'\n";
    let (org, memory) = (start(6, 4).await, Memory::new());
    org.advance(DAY);
    let first = run(&org, plan, &memory).await.expect("a run");
    assert_eq!(first.tables[0].verdict, "complete", "{first:?}");
    org.advance(6 * HOUR);
    let second = run(&org, plan, &memory).await.expect("a run");
    let table = &second.tables[0];
    assert!(table.verdict.starts_with("complete (changes since 2026-05-0"), "{table:?}");
    assert!(table.calls < first.tables[0].calls, "{table:?}");
    assert!(table.changed + table.inserted > 0 && table.deleted == 0, "{table:?}");
    let truth =
        by("id", org.expected_at("/api/v2/routing/sms/phonenumbers", &org.now()).expect("records"));
    let replica = live(&memory, "numbers");
    assert!(truth.iter().all(|(key, record)| replica.get(key) == Some(record)));
    // The complete comparison finds deletes.
    org.advance(3 * DAY);
    let third = run(&org, plan, &memory).await.expect("a run");
    assert_eq!(third.tables[0].verdict, "complete");
    assert!(third.tables[0].deleted > 0, "{third:?}");
    let truth =
        by("id", org.expected_at("/api/v2/routing/sms/phonenumbers", &org.now()).expect("records"));
    assert_eq!(live(&memory, "numbers"), truth);
}

#[tokio::test]
async fn an_error_of_one_table_does_not_stop_the_others() {
    let (org, memory) = (start(7, 0).await, Memory::new());
    let plan = format!(
        "{QUEUES}\n[tables.missing]\nread = 'routing.queue_members'\nparams.queueId = 'no'\n"
    );
    let report = run(&org, &plan, &memory).await.expect("a run");
    assert_eq!(report.tables[0].inserted, 30);
    let error = report.tables[1].error.as_deref().expect("an error");
    assert!(error.contains("404"), "{error}");
    assert!(report.has_errors() && memory.state("missing").is_none());
    assert_eq!(org.logins(), 1);
}

#[tokio::test]
async fn a_second_run_of_the_same_target_is_rejected() {
    use genesys_cloud_sync::Target as _;
    let (org, memory) = (start(8, 0).await, Memory::new());
    let session = memory.open("other").await.expect("a session");
    let error = run(&org, QUEUES, &memory).await.expect_err("locked");
    assert!(error.is_taken());
    assert_eq!(org.requests_for("getRoutingQueues").len(), 0);
    drop(session);
    run(&org, QUEUES, &memory).await.expect("a run");
}

#[tokio::test]
async fn rows_of_another_definition_are_not_compared() {
    let (org, memory) = (start(9, 0).await, Memory::new());
    run(&org, QUEUES, &memory).await.expect("a run");
    let filtered = format!("{QUEUES}params = {{ name = 'A*' }}\n");
    let report = run(&org, &filtered, &memory).await.expect("a run");
    let error = report.tables[0].error.as_deref().expect("an error");
    assert!(error.starts_with("table queues was read with other parameters"), "{error}");
    assert_eq!(live(&memory, "queues").len(), 30);
}
