//! Lists below a record that show records of another list, and fields that refer to records.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::Value;

use crate::client::Client;

const START: &str = "2026-05-01T00:00:00Z";
const DAY: Duration = Duration::from_secs(86_400);
/// All users. The default is the active ones.
const USERS: &str = "/api/v2/users?state=any";
const QUEUES: &str = "/api/v2/routing/queues";

async fn org(lists: &[(&str, u64)]) -> (MockOrg, Client) {
    let timeline = OrgTimeline::new(START).changes_per_day(48);
    let mut builder = MockOrg::builder().seed(7).timeline(timeline);
    for (list, count) in lists {
        builder = builder.list(*list, *count);
    }
    let org = builder.start().await.expect("an org");
    let client = Client::of(&org).await;
    (org, client)
}

fn expected(org: &MockOrg, list: &str) -> Vec<Value> {
    org.expected_at(list, &org.now()).expect("a list")
}

fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}

fn by_id(records: &[Value]) -> HashMap<&str, &Value> {
    records.iter().map(|record| (id(record), record)).collect()
}

/// Reads all pages of a list with links.
async fn read(client: &mut Client, list: &str) -> Vec<Value> {
    let (mut records, mut next) = (Vec::new(), Some(list.to_owned()));
    while let Some(path) = next {
        let page = client.get(&path).await.json();
        records.extend(page["entities"].as_array().expect("a list").iter().cloned());
        next = page["nextUri"].as_str().map(str::to_owned);
    }
    records
}

#[tokio::test]
async fn members_of_queues_are_users_of_the_org() {
    let (org, mut client) = org(&[("getRoutingQueueMembers", 12)]).await;
    let (mut sets, mut inside) = (HashSet::new(), 0);
    for days in 0..3 {
        let users = expected(&org, USERS);
        let users = by_id(&users);
        for queue in &expected(&org, QUEUES)[..5] {
            let list = format!("{QUEUES}/{}/members", id(queue));
            let members = read(&mut client, &format!("{list}?pageSize=5")).await;
            assert_eq!(members.len(), 12);
            assert_eq!(members, expected(&org, &list));
            for member in &members {
                let user = users.get(id(member)).unwrap_or_else(|| panic!("{days}: {member}"));
                assert_eq!(member["name"], user["name"]);
                // Some records lack a field.
                if member["user"].is_object() {
                    inside += 1;
                    for field in ["id", "name", "selfUri"] {
                        assert_eq!(member["user"][field], user[field], "{member}");
                    }
                }
            }
            sets.insert(members.iter().map(|it| id(it).to_owned()).collect::<Vec<_>>());
        }
        org.advance(DAY);
    }
    assert!(inside > 150, "{inside}");
    assert!(sets.len() > 5, "queues have the same members, or members never change");
}

#[tokio::test]
async fn members_show_the_name_of_a_user_that_was_renamed() {
    let (org, mut client) = org(&[("getUsers", 3), ("getRoutingQueueMembers", 3)]).await;
    let user = &expected(&org, "/api/v2/users")[0];
    let path = user["selfUri"].as_str().expect("a path");
    client.send("PATCH", path, r#"{"name":"Ada Lovelace"}"#.into()).await;
    let mut inside = 0;
    for queue in &expected(&org, QUEUES)[..5] {
        let members = read(&mut client, &format!("{QUEUES}/{}/members", id(queue))).await;
        let member = by_id(&members)[id(user)];
        assert_eq!(member["name"], "Ada Lovelace");
        // Some records lack a field.
        if member["user"].is_object() {
            assert_eq!(member["user"]["name"], "Ada Lovelace");
            inside += 1;
        }
    }
    assert!(inside > 0);
}

#[tokio::test]
async fn lists_below_a_record_show_the_records_of_the_org() {
    let (org, _client) = org(&[]).await;
    for (parents, child, list) in [
        (QUEUES, "wrapupcodes", "/api/v2/routing/wrapupcodes"),
        ("/api/v2/groups", "members", USERS),
        ("/api/v2/teams", "members", USERS),
        ("/api/v2/users", "queues", QUEUES),
        ("/api/v2/users", "routingskills", "/api/v2/routing/skills"),
        ("/api/v2/users", "directreports", USERS),
    ] {
        let all = expected(&org, list);
        let all = by_id(&all);
        let parents = expected(&org, parents).into_iter().take(3);
        for path in
            parents.map(|parent| format!("{}/{child}", parent["selfUri"].as_str().expect("a path")))
        {
            let shown = expected(&org, &path);
            assert!(!shown.is_empty() && shown.len() < all.len(), "{path}: {}", shown.len());
            for record in &shown {
                let original = all.get(id(record)).unwrap_or_else(|| panic!("{path}: {record}"));
                for field in ["name", "description", "dateCreated", "selfUri"] {
                    if record.get(field).is_some() {
                        assert_eq!(record[field], original[field], "{path}: {field}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn fields_refer_to_records_of_the_org() {
    let (org, _client) = org(&[]).await;
    let ids = |list: &str| -> HashSet<String> {
        let records = org.expected_at(list, START).expect("a list");
        records.iter().map(|it| id(it).to_owned()).collect()
    };
    let (users, queues) = (ids(USERS), ids(QUEUES));
    let interval = "2026-04-30T00:00Z/2026-05-01T00:00Z";
    let query = "postAnalyticsConversationsDetailsQuery";
    let conversations = org.expected_events_at(query, interval, START).expect("conversations");
    let participants = conversations.iter().flat_map(|it| it["participants"].as_array()).flatten();
    let found: Vec<_> = participants.filter_map(|it| it["userId"].as_str()).collect();
    assert!(found.len() > 50 && found.iter().all(|id| users.contains(*id)), "{found:?}");

    let evaluations =
        org.expected_events_at("getQualityEvaluationsQuery", interval, START).expect("evaluations");
    for (field, ids) in [("agent", &users), ("evaluator", &users), ("queue", &queues)] {
        let found: Vec<_> = evaluations.iter().filter_map(|it| it[field]["id"].as_str()).collect();
        assert!(found.len() > 10 && found.iter().all(|id| ids.contains(*id)), "{field}: {found:?}");
    }
}

#[tokio::test]
async fn arrays_have_different_records_of_the_org() {
    let (org, _client) = org(&[]).await;
    let skills = expected(&org, "/api/v2/routing/skills");
    let skills = by_id(&skills);
    let users = expected(&org, "/api/v2/users?expand=skills");
    let arrays: Vec<_> = users.iter().filter_map(|user| user["skills"].as_array()).collect();
    assert!(arrays.iter().any(|array| array.len() > 1));
    for array in arrays {
        let ids: HashSet<_> = array.iter().map(id).collect();
        assert_eq!(ids.len(), array.len());
        assert!(array.iter().all(|skill| skill["name"] == skills[id(skill)]["name"]), "{array:?}");
    }
}

#[tokio::test]
async fn a_list_below_a_deleted_record_is_gone() {
    let (org, mut client) = org(&[]).await;
    let queue = &expected(&org, QUEUES)[0];
    let path = queue["selfUri"].as_str().expect("a path");
    let members = format!("{path}/members");
    assert!(!expected(&org, &members).is_empty());
    org.advance(DAY / 100);
    client.send("DELETE", path, "".into()).await;
    assert_eq!(client.get(&members).await.status, 404);
    assert_eq!(expected(&org, &members), Vec::<Value>::new());
    assert!(!org.expected_at(&members, START).expect("a list").is_empty());
    let unknown = format!("{QUEUES}/5f1ad1b4-5a0e-4d52-9a7f-0d6f0a3b7a11/members");
    assert_eq!(expected(&org, &unknown), Vec::<Value>::new());
}
