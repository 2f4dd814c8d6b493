//! What a call sends.

use chrono::{DateTime, Utc};
use genesys_cloud::endpoint::{Call, Method, Operation};
use genesys_cloud::types::{
    CreateQueueRequest, MediaSettings, QueueMediaSettings, RoutingRule, ServiceLevel,
    SkillGroupMemberDivisions, UpdateUser, WritableDivision, WritableEntity,
};
use genesys_cloud::{Client, Error, ErrorKind, OperationCall as _};
use genesys_cloud_mock::{MockOrg, RecordedRequest};
use serde_json::{Value, json};

use crate::{only_request, org};

/// Method, path and query of the only request received.
fn line(org: &MockOrg) -> String {
    let RecordedRequest { method, path, query, .. } = only_request(org);
    format!("{method} {path}?{query}")
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

#[tokio::test]
async fn a_path_parameter_may_be_any_string() {
    for (id, encoded) in [
        ("7c1f9a52-0b3e", "7c1f9a52-0b3e"),
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("...", "..."),
        ("ü", "%C3%BC"),
        ("a b+c", "a%20b%2Bc"),
        ("?a=1&b#c", "%3Fa%3D1%26b%23c"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("a;b,c:d@e", "a%3Bb%2Cc%3Ad%40e"),
        ("\"\\\r\n\u{0}", "%22%5C%0D%0A%00"),
    ] {
        let (org, client) = org().await;
        let queue = client.routing().queue(id).send().await.expect("a response").into_value();
        assert_eq!(only_request(&org).path, format!("/api/v2/routing/queues/{encoded}"));
        assert_eq!(queue.id.as_deref(), Some(id), "the org has understood it");
    }
}

#[tokio::test]
async fn rejects_a_path_parameter_that_changes_the_path() {
    let (org, client) = org().await;
    for id in ["", ".", ".."] {
        let error = client.routing().delete_queue_member("q", id).await.expect_err("no such path");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(
            error.to_string(),
            format!(
                "DELETE /api/v2/routing/queues/{{queueId}}/members/{{memberId}} \
                 (deleteRoutingQueueMember) was not sent: path parameter `memberId` must not be {id:?}"
            )
        );
    }
    assert_eq!(org.request_count(), 0);
}

#[tokio::test]
async fn sends_only_the_parameters_that_are_set() {
    let (org, client) = org().await;
    client.routing().queues().send().await.expect("a response");
    let request = only_request(&org);
    assert_eq!((request.query.as_str(), request.body.as_ref()), ("", b"".as_slice()));
    assert_eq!(request.header("content-type"), None);
}

#[tokio::test]
async fn sends_query_parameters_of_every_type() {
    let (org, client) = org().await;
    let call = client.routing().queues().name("a&b=c/ü").page_size(10).has_peer(true);
    call.sort_order("a new order").send().await.expect("a response");
    assert_eq!(
        line(&org),
        "GET /api/v2/routing/queues?name=a%26b%3Dc%2F%C3%BC&pageSize=10&hasPeer=true&\
         sortOrder=a%20new%20order"
    );
}

#[tokio::test]
async fn a_list_in_the_query_repeats_its_name() {
    let (org, client) = org().await;
    let ids = vec!["b".to_owned(), "c d".to_owned()];
    let call = client.routing().queues().id(["a"]).id(ids).division_id(["home"]);
    call.send().await.expect("a response");
    assert_eq!(line(&org), "GET /api/v2/routing/queues?id=b&id=c%20d&divisionId=home");
}

#[tokio::test]
async fn required_query_parameters_are_arguments() {
    let (org, client) = org().await;
    let numbers = client.routing().sms_availablephonenumbers("US", "local").city("Reno");
    numbers.send().await.expect("a response");
    assert_eq!(
        line(&org),
        "GET /api/v2/routing/sms/availablephonenumbers?countryCode=US&phoneNumberType=local&city=Reno"
    );
}

#[tokio::test]
async fn sends_date_times_in_the_documented_format() {
    let (org, client) = org().await;
    let from = instant("2024-05-01T12:30:00+02:00");
    client
        .telephony()
        .siptraces(from, instant("2024-05-02T00:00:00.25Z"))
        .send()
        .await
        .expect("a response");
    assert_eq!(
        line(&org),
        "GET /api/v2/telephony/siptraces?dateStart=2024-05-01T10%3A30%3A00.000Z&\
         dateEnd=2024-05-02T00%3A00%3A00.250Z"
    );
}

#[tokio::test]
async fn sends_documented_and_other_headers() {
    let (org, client) = org().await;
    let user = client.scim().user("u").if_none_match("\"42\"").attributes(["name"]);
    user.header("X-Trace", "t-1").query("new", 1).await.expect("a response");
    let request = only_request(&org);
    assert_eq!(request.header("if-none-match"), Some("\"42\""));
    assert_eq!(request.header("x-trace"), Some("t-1"));
    assert_eq!(request.query, "attributes=name&new=1");
    assert!(request.bearer);
    let agent = request.header("user-agent").expect("a user agent");
    assert!(agent.starts_with("genesys-cloud-rust/"), "{agent}");
}

#[tokio::test]
async fn rejects_an_invalid_header_before_sending() {
    let (org, client) = org().await;
    for value in ["a\nX-Other: b", "a\u{0}"] {
        let error =
            client.scim().user("u").if_none_match(value).send().await.expect_err("no header");
        assert!(
            error.kind() == ErrorKind::InvalidRequest && !error.to_string().contains("X-Other"),
            "{error}"
        );
    }
    let error = client.scim().user("u").attributes(["a"]).header("Authorization", "Basic x").await;
    assert!(error.expect_err("the client's own").kind() == ErrorKind::InvalidRequest);
    assert_eq!(org.request_count(), 0);
}

/// Returns the body that a call sends.
async fn body(call: impl AsyncFnOnce(Client) -> Result<(), Error>) -> Value {
    let (org, client) = org().await;
    call(client).await.expect("a response");
    let request = only_request(&org);
    assert_eq!(request.header("content-type"), Some("application/json"));
    serde_json::from_slice(&request.body).expect("JSON")
}

#[tokio::test]
async fn a_body_has_only_the_fields_that_are_set() {
    let sent = body(async |client| {
        let call = MediaSettings {
            alerting_timeout_seconds: Some(30),
            service_level: Some(ServiceLevel {
                percentage: Some(0.8),
                duration_ms: Some(20_000),
                ..Default::default()
            }),
            ..Default::default()
        };
        let queue = CreateQueueRequest {
            name: Some("Support \"é\"".to_owned()),
            division: Some(WritableDivision { id: Some("home".to_owned()), ..Default::default() }),
            media_settings: Some(
                QueueMediaSettings { call: Some(call), ..Default::default() }.into(),
            ),
            routing_rules: Some(Vec::new()),
            scoring_method: Some("A New Method".into()),
            enable_transcription: Some(false),
            date_created: Some(instant("2024-05-01T12:30:00Z")),
            ..Default::default()
        };
        let created = client.routing().post_queues(queue).await?.into_value();
        assert_eq!(created.name.as_deref(), Some("Support \"é\""));
        Ok(())
    });
    assert_eq!(
        sent.await,
        json!({
            "name": "Support \"é\"",
            "division": { "id": "home" },
            "mediaSettings": {
                "call": {
                    "alertingTimeoutSeconds": 30,
                    "serviceLevel": { "percentage": 0.8, "durationMs": 20_000 },
                },
            },
            "routingRules": [],
            "scoringMethod": "A New Method",
            "enableTranscription": false,
            "dateCreated": "2024-05-01T12:30:00.000Z",
        })
    );
}

#[tokio::test]
async fn a_body_may_be_a_list() {
    let members = vec![
        WritableEntity { id: Some("u".to_owned()), ..Default::default() },
        WritableEntity::default(),
    ];
    let sent = body(async |client| {
        client.routing().post_queue_members("q", members).delete(true).send().await.map(drop)
    });
    assert_eq!(sent.await, json!([{ "id": "u" }, {}]));
    let sent = body(async |client| {
        client.users().put_user_profileskills("u", vec!["Rust".to_owned()]).await.map(drop)
    });
    assert_eq!(sent.await, json!(["Rust"]));
}

#[tokio::test]
async fn set_null_clears_a_field() {
    let sent = body(async |client| {
        let user = UpdateUser { version: Some(3), ..Default::default() };
        client.users().patch_user("u", user).set_null("/manager").set_null("/title").await.map(drop)
    });
    assert_eq!(sent.await, json!({ "version": 3, "manager": null, "title": null }));
}

#[tokio::test]
async fn rejects_numbers_that_json_does_not_support() {
    let (org, client) = org().await;
    let rule = RoutingRule { wait_seconds: Some(f64::NAN), ..Default::default() };
    let rules = Some(vec![RoutingRule::default(), rule]);
    let queue = CreateQueueRequest { routing_rules: rules, ..Default::default() };
    let error = client.routing().post_queues(queue).await.expect_err("NaN");
    assert!(error.kind() == ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("/routingRules/1/waitSeconds is NaN"), "{error}");
    assert_eq!(org.request_count(), 0);
}

#[tokio::test]
async fn set_null_clears_a_nested_field_of_a_field_that_is_set() {
    let settings =
        QueueMediaSettings { call: Some(MediaSettings::default()), ..Default::default() };
    let queue = CreateQueueRequest { media_settings: Some(settings.into()), ..Default::default() };
    let sent = body(async |client| {
        let call = client.routing().post_queues(queue.clone());
        call.set_null("/mediaSettings/call/serviceLevel").await.map(drop)
    });
    assert_eq!(sent.await, json!({ "mediaSettings": { "call": { "serviceLevel": null } } }));

    let (org, client) = org().await;
    let call = client.routing().post_queues(queue).set_null("/mediaSettings/chat/serviceLevel");
    let error = call.await.expect_err("no chat settings");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("`/mediaSettings/chat` is not in the body"), "{error}");
    assert_eq!(org.request_count(), 0);
}

#[tokio::test]
async fn sends_an_optional_body_if_set() {
    let (org, client) = org().await;
    let call = client.routing().post_skillgroup_members_divisions("g");
    call.clone().send().await.expect("a response");
    let divisions = SkillGroupMemberDivisions {
        add_division_ids: Some(vec!["home".to_owned()]),
        ..Default::default()
    };
    call.body(divisions).await.expect("a response");

    let [without, with] = org.requests().try_into().expect("two requests");
    assert_eq!(
        (without.body.as_ref(), without.header("content-length")),
        (b"".as_slice(), Some("0"))
    );
    assert_eq!(without.header("content-type"), None);
    assert_eq!(with.body, r#"{"addDivisionIds":["home"]}"#);
}

#[tokio::test]
async fn sends_every_http_method() {
    let (org, client) = org().await;
    client.notifications().head_channel("c").await.expect("a response");
    client.routing().delete_queue_member("q", "m").await.expect("a response");
    client.users().patch_user("u", Default::default()).await.expect("a response");
    client.users().put_user_profileskills("u", Vec::new()).await.expect("a response");
    client.routing().post_queues(Default::default()).await.expect("a response");
    let lines = org.requests().into_iter().map(|it| format!("{} {}", it.method, it.path));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "HEAD /api/v2/notifications/channels/c",
            "DELETE /api/v2/routing/queues/q/members/m",
            "PATCH /api/v2/users/u",
            "PUT /api/v2/users/u/profileskills",
            "POST /api/v2/routing/queues",
        ]
    );
}

#[tokio::test]
async fn a_call_can_be_cloned_and_resent() {
    let (org, client) = org().await;
    let call = client.routing().queue("q").expand(["identityresolution"]);
    let once = call.clone().send().await.expect("a response").into_value();
    let twice = call.send().await.expect("a response").into_value();
    assert_eq!(once.name, twice.name);
    let [first, second] = org.requests().try_into().expect("two requests");
    assert_eq!((first.path, first.query), (second.path, second.query));
}

#[tokio::test]
async fn a_call_is_not_sent_until_awaited() {
    let (org, client) = org().await;
    let call = client.routing().delete_queue_member("q", "m");
    drop(call.clone().send());
    assert_eq!(org.request_count(), 0);
    call.await.expect("a response");
    assert_eq!(org.request_count(), 1);
}

#[tokio::test]
async fn calls_an_unknown_operation_by_its_path() {
    let (org, client) = org().await;
    let operation = Operation::new("getQueue", Method::Get, "/api/v2/routing/queues/{id}");
    let mut call: Call<genesys_cloud::types::Queue> = Call::new(&client, operation);
    call.request_mut().set_path("id", "a b");
    let queue = call.await.expect("a response").into_value();
    assert_eq!(queue.id.as_deref(), Some("a b"));
    assert_eq!(only_request(&org).path, "/api/v2/routing/queues/a%20b");
}
