//! Reading responses, in each form that an operation may return.

use bytes::Bytes;
use genesys_cloud::coaching::{PatchCoachingAppointmentReply, PostCoachingAppointmentsReply};
use genesys_cloud::endpoint::{Call, Method, Operation};
use genesys_cloud::types::{CreateCoachingAppointmentRequest, UpdateCoachingAppointmentRequest};
use genesys_cloud::{Client, Error, ErrorKind};
use genesys_cloud_mock::{CannedResponse, MockOrg};
use serde_json::{Value, json};

/// An org with this response for the next call of an operation.
async fn answering(operation: &str, response: CannedResponse) -> (MockOrg, Client) {
    let (org, _) = crate::org().await;
    org.respond_next(operation, response).expect("an operation");
    let client = crate::repeating_nothing(&org);
    (org, client)
}

fn text(status: u16, media: &str, body: impl Into<Bytes>) -> CannedResponse {
    let response = CannedResponse { status, headers: Vec::new(), body: body.into() };
    response.header("content-type", media)
}

/// The error of a call of `routing.queue` with this response.
async fn queue_error(response: CannedResponse) -> Error {
    let (_org, client) = answering("getRoutingQueue", response).await;
    client.routing().queue("q").send().await.expect_err("an error")
}

#[tokio::test]
async fn a_response_has_value_status_headers_and_correlation_id() {
    let response = CannedResponse::json(200, &json!({ "id": "q", "memberCount": 3 }));
    let response = response.header("ININ-Correlation-Id", "c0ffee").header("X-New", "1");
    let (_org, client) = answering("getRoutingQueue", response).await;
    let response = client.routing().queue("q").send().await.expect("a response");
    assert_eq!((response.status(), response.correlation_id()), (200, Some("c0ffee")));
    assert_eq!(response.headers()["x-new"], "1");
    assert_eq!(response.value().member_count, Some(3));
    assert_eq!(response.into_value().id.as_deref(), Some("q"));
}

#[tokio::test]
async fn an_undocumented_success_status_is_a_success() {
    let response = CannedResponse::json(203, &json!({ "id": "q" }));
    let (_org, client) = answering("getRoutingQueue", response).await;
    let response = client.routing().queue("q").send().await.expect("a response");
    assert_eq!((response.status(), response.value().id.as_deref()), (203, Some("q")));
}

#[tokio::test]
async fn an_empty_or_null_body_is_an_empty_value() {
    for response in [
        CannedResponse::empty(204),
        CannedResponse::empty(200),
        CannedResponse::json(200, &Value::Null),
    ] {
        let (org, client) = answering("getRoutingQueue", response.clone()).await;
        let queue = client.routing().queue("q").send().await.expect("a response").into_value();
        assert!(queue.id.is_none());

        org.respond_next("getUserProfileskills", response).expect("an operation");
        let skills =
            client.users().user_profileskills("u").send().await.expect("a response").into_value();
        assert!(skills.is_empty());
    }
}

#[tokio::test]
async fn an_operation_without_a_body_accepts_any_success() {
    for response in [CannedResponse::empty(204), CannedResponse::json(200, &json!({ "id": "m" }))] {
        let (_org, client) = answering("deleteRoutingQueueMember", response.clone()).await;
        let done = client.routing().delete_queue_member("q", "m").await.expect("a response");
        assert_eq!(done.status(), response.status);
        let () = done.into_value();
    }
}

#[tokio::test]
async fn the_response_to_head_has_no_body() {
    for status in [200, 204] {
        let (org, client) =
            answering("headNotificationsChannel", CannedResponse::empty(status)).await;
        let response = client.notifications().head_channel("c").await.expect("a response");
        assert_eq!(response.status(), status);
        org.respond_next("headNotificationsChannel", CannedResponse::empty(404))
            .expect("an operation");
        let error = client.notifications().head_channel("c").await.expect_err("no channel");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn an_optional_body_is_an_option() {
    let accepted = CannedResponse::json(202, &json!({ "id": "a" }));
    for (response, id) in [(accepted, Some("a")), (CannedResponse::empty(204), None)] {
        let (_org, client) = answering("deleteCoachingAppointment", response).await;
        let response =
            client.coaching().delete_appointment("a").await.expect("a response").into_value();
        assert_eq!(response.and_then(|it| it.id).as_deref(), id);
    }
}

#[tokio::test]
async fn not_modified_is_a_response_where_documented() {
    let (org, client) = answering("getScimUser", CannedResponse::empty(304)).await;
    let response = client.scim().user("u").if_none_match("\"1\"").send().await.expect("a response");
    assert_eq!((response.status(), response.value().is_none()), (304, true));

    org.respond_next("getRoutingQueue", CannedResponse::empty(304)).expect("an operation");
    let error = client.routing().queue("q").send().await.expect_err("unlisted");
    assert_eq!(error.status(), Some(304));
}

#[tokio::test]
async fn the_status_selects_the_type_of_a_response() {
    let body = json!({ "id": "a", "name": "First steps", "lengthInMinutes": 30 });
    for (status, form) in [(201, "created"), (202, "accepted"), (200, "created")] {
        let (_org, client) =
            answering("postCoachingAppointments", CannedResponse::json(status, &body)).await;
        let appointment = CreateCoachingAppointmentRequest::default();
        let response = client.coaching().post_appointments(appointment).await.expect("a response");
        assert_eq!(response.status(), status);
        match response.into_value() {
            PostCoachingAppointmentsReply::Created(appointment) => {
                assert_eq!((form, appointment.length_in_minutes), ("created", Some(30)));
            }
            PostCoachingAppointmentsReply::Accepted(reference) => {
                assert_eq!((form, reference.id.as_deref()), ("accepted", Some("a")));
            }
            other => panic!("{other:?}"),
        }
    }

    let (_org, client) =
        answering("patchCoachingAppointment", CannedResponse::json(202, &body)).await;
    let change = UpdateCoachingAppointmentRequest::default();
    let response = client.coaching().patch_appointment("a", change).await.expect("a response");
    assert!(matches!(response.into_value(), PatchCoachingAppointmentReply::Accepted(_)));
}

#[tokio::test]
async fn an_undocumented_response_is_returned_unchanged() {
    let (_org, client) = answering(
        "deleteRoutingQueue",
        text(202, "application/json; charset=utf-8", r#"{"id":7}"#),
    )
    .await;
    let response =
        client.routing().delete_queue("q").force_delete(true).send().await.expect("a response");
    let response = response.into_value();
    assert_eq!((response.status(), response.text().as_ref()), (202, r#"{"id":7}"#));
    assert_eq!(response.content_type(), Some("application/json; charset=utf-8"));
    assert_eq!(response.json::<Value>().expect("JSON"), json!({ "id": 7 }));
    assert!(response.json::<Vec<u8>>().is_err());
}

#[tokio::test]
async fn text_is_not_parsed_as_json() {
    for (media, body, read) in [
        ("text/plain", "Hello, Jane", "Hello, Jane"),
        (
            "text/plain;charset=UTF-8",
            r#"{"name": "${input.name}"}"#,
            r#"{"name": "${input.name}"}"#,
        ),
        ("text/plain", "{$input}", "{$input}"),
        ("text/plain", "[#foreach]", "[#foreach]"),
        ("text/plain", r#""quoted" and more"#, r#""quoted" and more"#),
        ("text/calendar", "BEGIN:VCALENDAR\r\n", "BEGIN:VCALENDAR\r\n"),
        ("text/plain", "", ""),
        // Some services send JSON with any content type.
        ("text/plain", r#""a\nb""#, "a\nb"),
        ("application/json", r#""a\nb""#, "a\nb"),
    ] {
        let (_org, client) =
            answering("getIntegrationsActionTemplate", text(200, media, body)).await;
        let template = client.integrations().action_template("a", "t.vm").await;
        assert_eq!(template.expect("a response").into_value(), read, "{body} as {media}");
    }
}

#[tokio::test]
async fn reads_json_with_any_content_type() {
    for media in
        ["application/json", "application/scim+json;charset=UTF-8", "text/plain", "text/html"]
    {
        let response = text(200, media, r#"{"id":"q"}"#);
        let (_org, client) = answering("getRoutingQueue", response).await;
        let queue = client.routing().queue("q").send().await.expect(media).into_value();
        assert_eq!(queue.id.as_deref(), Some("q"));
    }
}

#[tokio::test]
async fn a_request_can_read_any_type_of_response() {
    let bytes = Bytes::from_static(&[0, 159, 146, 150, 255]);
    let response = text(200, "audio/ogg", bytes.clone());
    let (_org, client) = answering("getAnalyticsDataextractionDownload", response).await;
    let path = "/api/v2/analytics/dataextraction/downloads/d";
    let call = Call::<Bytes>::new(&client, Operation::new("download", Method::Get, path));
    assert_eq!(call.await.expect("a response").into_value(), bytes);
}

#[tokio::test]
async fn the_status_determines_the_kind_of_error() {
    let error = async |status| queue_error(CannedResponse::error(status, "a.code", "Why")).await;
    assert_eq!(error(401).await.kind(), ErrorKind::Authentication);
    assert_eq!(error(403).await.kind(), ErrorKind::Forbidden);
    assert_eq!(error(404).await.kind(), ErrorKind::NotFound);
    assert_eq!(error(409).await.kind(), ErrorKind::Conflict);
    assert!(error(429).await.is_rate_limited());
    assert_eq!(error(500).await.kind(), ErrorKind::Server);
    assert_eq!(error(504).await.kind(), ErrorKind::Server);
    let error = error(400).await;
    assert_eq!((error.status(), error.code()), (Some(400), Some("a.code")));
    assert!(error.correlation_id().is_some());
}

#[tokio::test]
async fn a_type_error_names_the_field_and_not_the_value() {
    let response = json!({
        "id": "q",
        "mediaSettings": { "call": { "alertingTimeoutSeconds": "Jane, expected `1` at line 2" } },
    });
    let error = queue_error(CannedResponse::json(200, &response)).await;
    let message = error.to_string();
    assert!(message.contains("mediaSettings: call: alertingTimeoutSeconds: "), "{message}");
    assert!(message.contains("expected a 64-bit integer at line 1 column "), "{message}");
    assert!(!format!("{message} {error:?}").contains("Jane"), "{message}");
}

#[tokio::test]
async fn an_error_about_invalid_json_does_not_quote_it() {
    for body in
        ["<html>Jane</html>", r#"{"name":"Jane""#, r#"{"name":"Jane"} {}"#, r#"["Jane"]"#, "7"]
    {
        let error = queue_error(text(200, "application/json", body)).await;
        assert_eq!(error.status(), Some(200));
        assert!(!format!("{error} {error:?}").contains("Jane"), "{error}");
    }
}

/// A deeply nested response must not overflow the stack.
#[tokio::test]
async fn rejects_a_deeply_nested_response() {
    let deep = format!("{}{{}}{}", r#"{"manager":"#.repeat(10_000), "}".repeat(10_000));
    let (_org, client) = answering("getUser", text(200, "application/json", deep)).await;
    let error = client.users().user("u").send().await.expect_err("too deep");
    assert!(error.to_string().contains("recursion limit"), "{error}");
}
