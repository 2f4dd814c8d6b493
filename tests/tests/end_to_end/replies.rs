//! What comes of a reply, in each form that an operation can answer in.

use bytes::Bytes;
use genesys_cloud::coaching::{PatchCoachingAppointmentReply, PostCoachingAppointmentsReply};
use genesys_cloud::endpoint::{Call, Method, Operation};
use genesys_cloud::types::{CreateCoachingAppointmentRequest, UpdateCoachingAppointmentRequest};
use genesys_cloud::{Client, Error, ErrorKind};
use genesys_cloud_mock::{CannedReply, MockOrg};
use serde_json::{Value, json};

/// An org that answers the next call of this operation so.
async fn answering(operation: &str, reply: CannedReply) -> (MockOrg, Client) {
    let (org, _) = crate::org().await;
    org.respond_next(operation, reply).expect("an operation");
    let client = crate::repeating_nothing(&org);
    (org, client)
}

fn text(status: u16, media: &str, body: impl Into<Bytes>) -> CannedReply {
    let reply = CannedReply { status, headers: Vec::new(), body: body.into() };
    reply.header("content-type", media)
}

/// The error of a call of `routing.queue` that is answered so.
async fn queue_error(reply: CannedReply) -> Error {
    let (_org, client) = answering("getRoutingQueue", reply).await;
    client.routing().queue("q").send().await.expect_err("an error")
}

#[tokio::test]
async fn a_reply_brings_value_status_headers_and_correlation_id() {
    let reply = CannedReply::json(200, &json!({ "id": "q", "memberCount": 3 }));
    let reply = reply.header("ININ-Correlation-Id", "c0ffee").header("X-New", "1");
    let (_org, client) = answering("getRoutingQueue", reply).await;
    let reply = client.routing().queue("q").send().await.expect("a reply");
    assert_eq!((reply.status(), reply.correlation_id()), (200, Some("c0ffee")));
    assert_eq!(reply.headers()["x-new"], "1");
    assert_eq!(reply.value().member_count, Some(3));
    assert_eq!(reply.into_value().id.as_deref(), Some("q"));
}

#[tokio::test]
async fn a_success_that_the_document_does_not_list_is_none_the_less_one() {
    let reply = CannedReply::json(203, &json!({ "id": "q" }));
    let (_org, client) = answering("getRoutingQueue", reply).await;
    let reply = client.routing().queue("q").send().await.expect("a reply");
    assert_eq!((reply.status(), reply.value().id.as_deref()), (203, Some("q")));
}

#[tokio::test]
async fn a_body_that_is_empty_or_null_is_an_empty_value() {
    for reply in
        [CannedReply::empty(204), CannedReply::empty(200), CannedReply::json(200, &Value::Null)]
    {
        let (org, client) = answering("getRoutingQueue", reply.clone()).await;
        let queue = client.routing().queue("q").send().await.expect("a reply").into_value();
        assert!(queue.id.is_none());

        org.respond_next("getUserProfileskills", reply).expect("an operation");
        let skills =
            client.users().user_profileskills("u").send().await.expect("a reply").into_value();
        assert!(skills.is_empty());
    }
}

#[tokio::test]
async fn an_operation_that_returns_nothing_takes_any_success() {
    for reply in [CannedReply::empty(204), CannedReply::json(200, &json!({ "id": "m" }))] {
        let (_org, client) = answering("deleteRoutingQueueMember", reply.clone()).await;
        let done = client.routing().delete_queue_member("q", "m").await.expect("a reply");
        assert_eq!(done.status(), reply.status);
        let () = done.into_value();
    }
}

#[tokio::test]
async fn the_reply_to_head_has_no_body() {
    for status in [200, 204] {
        let (org, client) = answering("headNotificationsChannel", CannedReply::empty(status)).await;
        let reply = client.notifications().head_channel("c").await.expect("a reply");
        assert_eq!(reply.status(), status);
        org.respond_next("headNotificationsChannel", CannedReply::empty(404))
            .expect("an operation");
        let error = client.notifications().head_channel("c").await.expect_err("no channel");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_reply_that_may_lack_a_body_is_an_option() {
    let accepted = CannedReply::json(202, &json!({ "id": "a" }));
    for (reply, id) in [(accepted, Some("a")), (CannedReply::empty(204), None)] {
        let (_org, client) = answering("deleteCoachingAppointment", reply).await;
        let reply = client.coaching().delete_appointment("a").await.expect("a reply").into_value();
        assert_eq!(reply.and_then(|it| it.id).as_deref(), id);
    }
}

#[tokio::test]
async fn not_modified_is_an_answer_where_the_document_lists_it() {
    let (org, client) = answering("getScimUser", CannedReply::empty(304)).await;
    let reply = client.scim().user("u").if_none_match("\"1\"").send().await.expect("a reply");
    assert_eq!((reply.status(), reply.value().is_none()), (304, true));

    org.respond_next("getRoutingQueue", CannedReply::empty(304)).expect("an operation");
    let error = client.routing().queue("q").send().await.expect_err("unlisted");
    assert_eq!(error.status(), Some(304));
}

#[tokio::test]
async fn a_reply_of_several_forms_is_read_by_its_status() {
    let body = json!({ "id": "a", "name": "First steps", "lengthInMinutes": 30 });
    for (status, form) in [(201, "created"), (202, "accepted"), (200, "created")] {
        let (_org, client) =
            answering("postCoachingAppointments", CannedReply::json(status, &body)).await;
        let appointment = CreateCoachingAppointmentRequest::default();
        let reply = client.coaching().post_appointments(appointment).await.expect("a reply");
        assert_eq!(reply.status(), status);
        match reply.into_value() {
            PostCoachingAppointmentsReply::Created(appointment) => {
                assert_eq!((form, appointment.length_in_minutes), ("created", Some(30)));
            }
            PostCoachingAppointmentsReply::Accepted(reference) => {
                assert_eq!((form, reference.id.as_deref()), ("accepted", Some("a")));
            }
            other => panic!("{other:?}"),
        }
    }

    let (_org, client) = answering("patchCoachingAppointment", CannedReply::json(202, &body)).await;
    let change = UpdateCoachingAppointmentRequest::default();
    let reply = client.coaching().patch_appointment("a", change).await.expect("a reply");
    assert!(matches!(reply.into_value(), PatchCoachingAppointmentReply::Accepted(_)));
}

#[tokio::test]
async fn a_reply_that_the_document_does_not_describe_comes_as_it_is() {
    let (_org, client) = answering(
        "deleteRoutingQueue",
        text(202, "application/json; charset=utf-8", r#"{"id":7}"#),
    )
    .await;
    let reply =
        client.routing().delete_queue("q").force_delete(true).send().await.expect("a reply");
    let reply = reply.into_value();
    assert_eq!((reply.status(), reply.text().as_ref()), (202, r#"{"id":7}"#));
    assert_eq!(reply.content_type(), Some("application/json; charset=utf-8"));
    assert_eq!(reply.json::<Value>().expect("JSON"), json!({ "id": 7 }));
    assert!(reply.json::<Vec<u8>>().is_err());
}

#[tokio::test]
async fn text_is_text_whatever_it_begins_with() {
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
        // Some services write JSON whatever they say.
        ("text/plain", r#""a\nb""#, "a\nb"),
        ("application/json", r#""a\nb""#, "a\nb"),
    ] {
        let (_org, client) =
            answering("getIntegrationsActionTemplate", text(200, media, body)).await;
        let template = client.integrations().action_template("a", "t.vm").await;
        assert_eq!(template.expect("a reply").into_value(), read, "{body} as {media}");
    }
}

#[tokio::test]
async fn json_is_read_whatever_it_is_called() {
    for media in
        ["application/json", "application/scim+json;charset=UTF-8", "text/plain", "text/html"]
    {
        let reply = text(200, media, r#"{"id":"q"}"#);
        let (_org, client) = answering("getRoutingQueue", reply).await;
        let queue = client.routing().queue("q").send().await.expect(media).into_value();
        assert_eq!(queue.id.as_deref(), Some("q"));
    }
}

#[tokio::test]
async fn any_form_of_reply_can_be_asked_for() {
    let bytes = Bytes::from_static(&[0, 159, 146, 150, 255]);
    let reply = text(200, "audio/ogg", bytes.clone());
    let (_org, client) = answering("getAnalyticsDataextractionDownload", reply).await;
    let path = "/api/v2/analytics/dataextraction/downloads/d";
    let call = Call::<Bytes>::new(&client, Operation::new("download", Method::Get, path));
    assert_eq!(call.await.expect("a reply").into_value(), bytes);
}

#[tokio::test]
async fn errors_are_told_apart_by_their_status() {
    let error = async |status| queue_error(CannedReply::error(status, "a.code", "Why")).await;
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
async fn a_value_of_another_type_is_told_by_its_place_and_not_repeated() {
    let reply = json!({
        "id": "q",
        "mediaSettings": { "call": { "alertingTimeoutSeconds": "Jane, expected `1` at line 2" } },
    });
    let error = queue_error(CannedReply::json(200, &reply)).await;
    let told = error.to_string();
    assert!(told.contains("mediaSettings: call: alertingTimeoutSeconds: "), "{told}");
    assert!(told.contains("expected a 64-bit integer at line 1 column "), "{told}");
    assert!(!format!("{told} {error:?}").contains("Jane"), "{told}");
}

#[tokio::test]
async fn a_reply_that_is_no_json_is_an_error_that_holds_nothing_of_it() {
    for body in
        ["<html>Jane</html>", r#"{"name":"Jane""#, r#"{"name":"Jane"} {}"#, r#"["Jane"]"#, "7"]
    {
        let error = queue_error(text(200, "application/json", body)).await;
        assert_eq!(error.status(), Some(200));
        assert!(!format!("{error} {error:?}").contains("Jane"), "{error}");
    }
}

/// Such as one that a service makes of its own data; a program must not overflow its stack over it.
#[tokio::test]
async fn a_reply_that_is_nested_too_deeply_is_an_error() {
    let deep = format!("{}{{}}{}", r#"{"manager":"#.repeat(10_000), "}".repeat(10_000));
    let (_org, client) = answering("getUser", text(200, "application/json", deep)).await;
    let error = client.users().user("u").send().await.expect_err("too deep");
    assert!(error.to_string().contains("recursion limit"), "{error}");
}
