//! An org that changes over time.

use std::time::Duration;

use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::{Value, json};

use crate::client::Client;

const START: &str = "2026-05-01T00:00:00Z";
const DAY: Duration = Duration::from_secs(86_400);
const QUEUES: &str = "/api/v2/routing/queues";
const SKILL_GROUPS: &str = "/api/v2/routing/skillgroups";

async fn org(changes_per_day: u64) -> (MockOrg, Client) {
    let timeline = OrgTimeline::new(START).changes_per_day(changes_per_day);
    let org = MockOrg::builder().seed(7).timeline(timeline).start().await.expect("an org");
    let client = Client::of(&org).await;
    (org, client)
}

/// Reads all pages of a list that pages by number.
async fn read(client: &mut Client, list: &str) -> Vec<Value> {
    let separator = if list.contains('?') { '&' } else { '?' };
    let mut records = Vec::new();
    for number in 1.. {
        let page = client.get(&format!("{list}{separator}pageSize=40&pageNumber={number}")).await;
        assert_eq!(page.status, 200, "{list}");
        let page = page.json();
        records.extend(page["entities"].as_array().expect("a list").iter().cloned());
        if page["pageCount"].as_u64().expect("a count") <= number {
            return records;
        }
    }
    records
}

/// Compares record by record, so that a failure shows one record.
fn assert_same(one: &[Value], other: &[Value]) {
    assert_eq!(ids(one), ids(other));
    one.iter().zip(other).for_each(|(one, other)| assert_eq!(one, other));
}

fn ids(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn records_change_only_when_the_clock_advances() {
    let (org, mut client) = org(24).await;
    let first = read(&mut client, QUEUES).await;
    assert_eq!((first.len(), org.now()), (100, START.to_owned()));
    assert_eq!(read(&mut client, QUEUES).await, first);

    org.advance(3 * DAY);
    assert_eq!(org.now(), "2026-05-04T00:00:00Z");
    let later = read(&mut client, QUEUES).await;
    let (before, after) = (ids(&first), ids(&later));
    assert!(before.iter().any(|id| !after.contains(id)), "nothing was deleted");
    assert!(after.iter().any(|id| !before.contains(id)), "nothing was created");
    let is_changed = |record: &&Value| {
        !first.contains(record) && before.contains(&ids(std::slice::from_ref(*record))[0])
    };
    let changed: Vec<_> = later.iter().filter(is_changed).collect();
    assert!(!changed.is_empty(), "nothing was changed");
    for record in changed {
        let modified = record["dateModified"].as_str().expect("a time");
        assert!((START..org.now().as_str()).contains(&modified), "{record}");
    }
    for record in &first {
        let created = record["dateCreated"].as_str();
        assert!(created.is_none_or(|created| created < START), "{record}");
    }
}

#[tokio::test]
async fn a_reader_has_what_the_org_expects_at_that_time() {
    let (org, mut client) = org(48).await;
    let mut states = Vec::new();
    for _ in 0..4 {
        for list in [QUEUES, "/api/v2/users", "/api/v2/routing/wrapupcodes"] {
            let records = read(&mut client, list).await;
            assert_same(&org.expected_at(list, &org.now()).expect("a list"), &records);
            states.push((list, org.now(), records));
        }
        org.advance(DAY);
    }
    for (list, time, records) in states {
        assert_same(&org.expected_at(list, &time).expect("a list"), &records);
    }
    org.expected_at(QUEUES, "2026-06-01T00:00Z").expect_err("the future");
    org.expected_at(QUEUES, "soon").expect_err("no time");
    org.expected_at("/api/v2/tokens/me", START).expect_err("no list");
    let still = MockOrg::start().await.expect("an org");
    still.expected_at(QUEUES, START).expect_err("no timeline");
}

#[tokio::test]
async fn a_list_and_its_single_records_agree() {
    let (org, mut client) = org(48).await;
    let first = read(&mut client, QUEUES).await;
    org.advance(5 * DAY);
    let later = read(&mut client, QUEUES).await;
    for record in &later {
        let path = record["selfUri"].as_str().expect("a path");
        assert_eq!(&client.get(path).await.json(), record);
    }
    let gone: Vec<_> = ids(&first).into_iter().filter(|id| !ids(&later).contains(id)).collect();
    assert!(!gone.is_empty());
    for id in gone {
        assert_eq!(client.get(&format!("{QUEUES}/{id}")).await.status, 404);
        assert_eq!(client.get(&format!("{QUEUES}/{id}/members")).await.status, 404);
    }
    assert_eq!(client.get(&format!("{QUEUES}/unknown")).await.status, 404);
}

#[tokio::test]
async fn writes_persist() {
    let (org, mut client) = org(0).await;
    let body = json!({ "name": "Night shift", "id": "ignored" });
    let made = client.post(QUEUES, &body).await.json();
    assert_eq!((&made["name"], &made["dateCreated"]), (&json!("Night shift"), &json!(START)));
    let path = made["selfUri"].as_str().expect("a path");
    assert_eq!(client.get(path).await.json(), made);
    assert_eq!(read(&mut client, QUEUES).await.last(), Some(&made));
    let found = read(&mut client, &format!("{QUEUES}?name=night*")).await;
    assert_eq!(found, std::slice::from_ref(&made));

    org.advance(DAY);
    let changed = json!({ "name": "Day shift" }).to_string();
    let changed = client.send("PUT", path, changed.into()).await.json();
    assert_eq!(changed["name"], "Day shift");
    assert_eq!(changed["dateModified"], "2026-05-02T00:00:00Z");
    assert_eq!(client.get(path).await.json(), changed);

    org.advance(DAY);
    let deleted = client.send("DELETE", path, "".into()).await;
    assert!((200..300).contains(&deleted.status) && deleted.bytes.is_empty(), "{deleted:?}");
    assert_eq!(client.get(path).await.status, 404);
    assert_eq!(client.send("DELETE", path, "".into()).await.status, 404);
    assert_eq!(read(&mut client, QUEUES).await.len(), 100);

    let last = |time: &str| org.expected_at(QUEUES, time).expect("a list").pop().expect("a record");
    assert_eq!(last(START), made);
    assert_eq!(last("2026-05-02T12:00Z"), changed);
    assert_ne!(last("2026-05-03T00:00Z")["id"], made["id"]);
}

#[tokio::test]
async fn a_token_continues_after_its_record() {
    let (_org, mut client) = org(0).await;
    let first = client.get(&format!("{SKILL_GROUPS}?pageSize=10")).await.json();
    let all = first["entities"].as_array().expect("a list");
    assert_eq!(all.len(), 10);
    for record in &all[..3] {
        let path = record["selfUri"].as_str().expect("a path");
        assert!(client.send("DELETE", path, "".into()).await.status < 300);
    }
    let rest = client.get(first["nextUri"].as_str().expect("a next page")).await.json();
    let tenth = all[9]["name"].as_str().expect("a name");
    let eleventh = rest["entities"][0]["name"].as_str().expect("a name");
    assert!(tenth.ends_with("0010") && eleventh.ends_with("0011"), "{tenth} {eleventh}");
}

#[tokio::test]
async fn children_differ_by_parent() {
    let (_org, mut client) = org(0).await;
    let list = "/api/v2/externalcontacts/contacts";
    let contacts = read(&mut client, list).await;
    let mut notes = Vec::new();
    for contact in &contacts[..2] {
        let id = contact["id"].as_str().expect("an id");
        let path = format!("{list}/{id}/notes");
        let page = client.get(&path).await.json();
        let children = page["entities"].as_array().expect("a list").clone();
        assert!(children.len() > 1);
        let path = format!("{path}/{}", children[0]["id"].as_str().expect("an id"));
        assert_eq!(client.get(&path).await.json(), children[0]);
        notes.push(children);
    }
    let (one, other) = (ids(&notes[0]), ids(&notes[1]));
    assert!(one.iter().all(|id| !other.contains(id)));
}

#[tokio::test]
async fn rejects_a_timeline_without_a_time_or_with_a_negative_speed() {
    for timeline in [OrgTimeline::new("soon"), OrgTimeline::new(START).speed(-1.0)] {
        MockOrg::builder().timeline(timeline).start().await.expect_err("no timeline");
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_runs_at_the_given_speed() {
    let timeline = OrgTimeline::new(START).speed(3_600.0);
    let org = MockOrg::builder().timeline(timeline).start().await.expect("an org");
    tokio::time::advance(Duration::from_secs(24)).await;
    assert_eq!(org.now(), "2026-05-02T00:00:00Z");
}

#[tokio::test]
async fn filters_and_sorts_as_the_document_defines() {
    let (_org, mut client) = org(0).await;
    let codes = "/api/v2/routing/wrapupcodes";
    let all = read(&mut client, codes).await;
    let sorted = read(&mut client, &format!("{codes}?sortBy=name&sortOrder=descending")).await;
    let names = |records: &[Value]| -> Vec<String> {
        records.iter().map(|it| it["name"].as_str().expect("a name").to_owned()).collect()
    };
    let mut expected = names(&all);
    expected.sort();
    expected.reverse();
    assert_eq!(names(&sorted), expected);

    let [one, other] = [&all[3], &all[8]].map(|it| it["id"].as_str().expect("an id"));
    let found = read(&mut client, &format!("{codes}?id={one}&id={other}")).await;
    assert_eq!(found, [all[3].clone(), all[8].clone()]);

    let divisions = read(&mut client, "/api/v2/authorization/divisions").await;
    let division = all.iter().find_map(|code| code["division"]["id"].as_str()).expect("a division");
    assert!(ids(&divisions).contains(&division));
    let found = read(&mut client, &format!("{codes}?divisionId={division}")).await;
    assert!(!found.is_empty() && found.len() < all.len());
    assert!(found.iter().all(|code| code["division"]["id"] == division));
}
