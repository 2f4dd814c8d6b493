use std::collections::HashSet;

use genesys_cloud_catalogue::{Catalogue, Kind, Location};
use genesys_cloud_mock::MockOrg;
use serde_json::{Value, json};

use crate::client::Client;

async fn queues(seed: u64) -> Vec<Value> {
    let org = MockOrg::builder().seed(seed).default_count(500).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let page = client.get("/api/v2/routing/queues?pageSize=500").await.json();
    page["entities"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn the_same_seed_makes_the_same_records() {
    let (one, other) = (queues(42).await, queues(42).await);
    assert_eq!(one, other);
    let ids = |queues: &[Value]| -> HashSet<String> {
        queues.iter().map(|queue| queue["id"].to_string()).collect()
    };
    assert!(ids(&one).is_disjoint(&ids(&queues(43).await)));
}

#[tokio::test]
async fn a_record_looks_like_one_of_the_service() {
    let queue = queues(42).await.swap_remove(1);
    assert_eq!(queue["name"], "Sales Queue 0002");
    let id = queue["id"].as_str().expect("an id");
    assert_eq!(queue["selfUri"], format!("/api/v2/routing/queues/{id}"));
    assert!(queue["dateCreated"].as_str() < queue["dateModified"].as_str());
    assert!(queue["division"]["id"].is_string());
}

/// The service omits fields, sends null, and has values newer than any document.
#[tokio::test]
async fn a_few_fields_are_missing_null_or_unknown() {
    let queues = queues(42).await;
    let count = |odd: &dyn Fn(&Value) -> bool| queues.iter().filter(|queue| odd(queue)).count();
    for odd in [
        count(&|queue| queue.get("description").is_none()),
        count(&|queue| queue.get("description").is_some_and(Value::is_null)),
        count(&|queue| queue["scoringMethod"] == "NewerThanTheDocument"),
    ] {
        assert!((1..40).contains(&odd), "{odd} of {}", queues.len());
    }
    assert_eq!(count(&|queue| !queue["id"].is_string() || !queue["name"].is_string()), 0);
}

#[tokio::test]
async fn finds_a_listed_record_by_its_id() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let page = client.get("/api/v2/routing/queues").await.json();
    let listed = &page["entities"][7];
    let id = listed["id"].as_str().expect("an id");
    assert_eq!(&client.get(&format!("/api/v2/routing/queues/{id}")).await.json(), listed);
}

#[tokio::test]
async fn any_other_id_has_a_record_too() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let queue = client.get("/api/v2/routing/queues/my%22queue").await.json();
    assert_eq!(queue["id"], "my\"queue");
    assert!(queue["name"].as_str().is_some_and(|name| name.contains("Queue")));
}

#[tokio::test]
async fn a_change_returns_the_changed_record() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let body = json!({ "name": "Mine", "id": "not mine", "unheard": "of" });
    let first = client.post("/api/v2/routing/queues", &body).await.json();
    let second = client.post("/api/v2/routing/queues", &body).await.json();
    assert_eq!((&first["name"], first.get("unheard")), (&"Mine".into(), None));
    assert_ne!(first["id"], "not mine");
    assert_ne!(first["id"], second["id"]);

    let body = json!({ "description": "new" }).to_string();
    let put = client.send("PUT", "/api/v2/routing/queues/q1", body.into()).await.json();
    assert_eq!((&put["id"], &put["description"]), (&"q1".into(), &"new".into()));
}

#[tokio::test]
async fn a_deletion_has_a_documented_status() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let response = client.send("DELETE", "/api/v2/routing/wrapupcodes/w1", "".into()).await;
    let replies = &Catalogue::embedded()
        .operation("DELETE /api/v2/routing/wrapupcodes/{codeId}")
        .expect("an operation")
        .replies;
    assert!(
        replies.iter().any(|it| it.status.unwrap_or(204) == response.status),
        "{}",
        response.status
    );
    assert!(response.bytes.is_empty());
}

/// Operations on a job need an id that the org has returned, such as one from a list.
#[tokio::test]
async fn every_operation_returns_a_documented_response() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let catalogue = Catalogue::embedded();
    let queues = client.get("/api/v2/routing/queues").await.json();
    let known = queues["entities"][0]["id"].as_str().expect("an id");
    let mut of_jobs = 0;
    for operation in catalogue.operations().filter(|it| it.method != "HEAD") {
        let mut path = operation.path.replace(['{', '}'], "");
        for parameter in operation.parameters_in(Location::Path) {
            if parameter.kind == Kind::Integer {
                path = path.replace(&parameter.name, "1");
            }
        }
        let required: Vec<_> = operation
            .parameters_in(Location::Query)
            .filter(|parameter| parameter.required)
            .map(|parameter| match parameter.kind {
                // An empty search.
                _ if parameter.name == "q64" => "q64=e30".to_owned(),
                Kind::Boolean => format!("{}=true", parameter.name),
                _ => format!("{}=1", parameter.name),
            })
            .collect();
        let path = format!("{path}?{}", required.join("&"));
        let body = if operation.body.is_some() { "{}" } else { "" };
        let mut response = client.send(&operation.method, &path, body.into()).await;
        if response.status == 404 {
            let (_, job) = operation.path.rsplit_once('{').expect("an id of a job");
            let job = job.split('}').next().expect("its name");
            let path = path.replace(&format!("/{job}"), &format!("/{known}"));
            response = client.send(&operation.method, &path, body.into()).await;
            of_jobs += 1;
        }
        let status = response.status;
        let documented = operation.replies.iter().any(|it| it.status.is_none_or(|it| it == status));
        assert!(
            (200..300).contains(&status) && documented,
            "{path}: {status} {:?}",
            response.bytes
        );
        match operation.reply().map(|schema| catalogue.resolve(schema)) {
            None => assert!(response.bytes.is_empty(), "{path}"),
            Some(schema) => {
                let value = response.json();
                let fits = match schema.kind {
                    Some(Kind::Array) => value.is_array(),
                    Some(Kind::String | Kind::File) => value.is_string(),
                    Some(Kind::Integer | Kind::Number) => value.is_number(),
                    Some(Kind::Boolean) => value.is_boolean(),
                    _ => value.is_object(),
                };
                assert!(fits, "{path}: {value}");
            }
        }
    }
    // A new document may change the number.
    assert_eq!(of_jobs, 194);
}

/// Clients identify an organization by these ids.
#[tokio::test]
async fn a_token_identifies_its_organization_and_client() {
    let ids = async |org: &MockOrg| {
        let mut client = Client::of(org).await;
        let token = client.get("/api/v2/tokens/me").await.json();
        let me = client.get("/api/v2/organizations/me").await.json();
        assert_eq!(token["organization"]["id"], org.organization());
        assert_eq!(token["OAuthClient"]["id"], org.client_id());
        assert_eq!(me["id"], org.organization());
        org.organization()
    };
    let one = MockOrg::builder().seed(7).start().await.expect("an org");
    let same = MockOrg::builder().seed(7).start().await.expect("an org");
    let other = MockOrg::builder().seed(8).start().await.expect("an org");
    let named = MockOrg::builder().seed(7).organization("org-1").start().await.expect("an org");
    let first = ids(&one).await;
    assert_eq!(ids(&same).await, first);
    assert_ne!(ids(&other).await, first);
    assert_eq!(ids(&named).await, "org-1");
}
