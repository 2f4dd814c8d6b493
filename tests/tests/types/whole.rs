//! Complete records as the service sends them are read and written back unchanged.

use genesys_cloud::types::{AnalyticsConversation, Queue, QueueEntityListing, User};
use serde_json::{Value, json};

use crate::{read, there_and_back};

fn queue() -> Value {
    json!({
        "id": "5a1bd8d4-3c4e-4b9d-8f8a-0d1c7e6f2a10",
        "name": "Support EMEA",
        "division": { "id": "d1", "name": "Home", "selfUri": "/api/v2/authorization/divisions/d1" },
        "dateCreated": "2024-05-01T12:30:00.000Z",
        "memberCount": 12,
        "mediaSettings": {
            "call": {
                "enableAutoAnswer": false,
                "alertingTimeoutSeconds": 30,
                "serviceLevel": { "percentage": 0.8, "durationMs": 20_000 },
            },
            "callback": { "alertingTimeoutSeconds": 30, "answeringMachineReactionType": "HANG_UP" },
        },
        "routingRules": [{ "operator": "MEETS_THRESHOLD", "threshold": 9, "waitSeconds": 300.0 }],
        "bullseye": {
            "rings": [
                { "expansionCriteria": [{ "type": "TIMEOUT_SECONDS", "threshold": 60.0 }], "actions": {} },
                { "memberGroups": [{ "id": "g", "type": "TEAM" }] },
            ],
        },
        "scoringMethod": "TimestampAndPriority",
        "acwSettings": { "wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 300_000 },
        "skillEvaluationMethod": "BEST",
        "autoAnswerOnly": true,
        "defaultScripts": { "CALL": { "id": "s", "pages": [] } },
        "outboundEmailAddress": { "domain": { "id": "example.com" }, "route": { "id": "r", "pattern": "help" } },
        "selfUri": "/api/v2/routing/queues/5a1bd8d4-3c4e-4b9d-8f8a-0d1c7e6f2a10",
    })
}

fn user() -> Value {
    json!({
        "id": "u",
        "name": "Jane Roe",
        "division": { "id": "d1" },
        "chat": { "jabberId": "j@example.com" },
        "primaryContactInfo": [
            { "address": "jane@example.com", "mediaType": "EMAIL", "type": "PRIMARY" },
            { "address": "+4930123", "display": "+49 30 123", "mediaType": "PHONE", "type": "WORK" },
        ],
        "state": "active",
        "manager": { "id": "b", "selfUri": "/api/v2/users/b" },
        "version": 42,
        "biography": { "education": [{ "school": "TU", "dateStart": "2001-10-01" }] },
        "routingStatus": { "userId": "u", "status": "OFF_QUEUE", "startTime": "2024-05-01T12:30:00.250Z" },
        "presence": { "presenceDefinition": { "id": "p", "systemPresence": "Available" } },
        "authorization": { "roles": [{ "id": "r", "name": "employee" }], "permissions": ["routing:queue:view"] },
        "skills": [{ "id": "s", "name": "Rust", "proficiency": 4.5, "state": "active" }],
        "locations": [{ "coordinates": { "x": 1.5, "y": 2.0 } }],
        "acdAutoAnswer": false,
    })
}

fn conversation() -> Value {
    json!({
        "conversationId": "c",
        "conversationStart": "2024-05-01T12:30:00.123Z",
        "divisionIds": ["d1"],
        "mediaStatsMinConversationMos": 4.882_812_5,
        "originatingDirection": "inbound",
        "participants": [{
            "participantId": "p",
            "purpose": "acd",
            "attributes": { "case": "17", "": "empty" },
            "sessions": [{
                "mediaType": "voice",
                "direction": "inbound",
                "ani": "tel:+4930123",
                "requestedRoutings": ["Standard", "Something New"],
                "mediaEndpointStats": [{ "codecs": ["audio/opus"], "minMos": 4.88, "receivedPackets": 5_000_000_000_i64 }],
                "metrics": [{ "emitDate": "2024-05-01T12:31:00.000Z", "name": "tAnswered", "value": 4_321 }],
                "segments": [{
                    "segmentStart": "2024-05-01T12:30:01.000Z",
                    "segmentType": "interact",
                    "conference": false,
                    "sipResponseCodes": [410],
                    "properties": [{ "propertyType": "bool", "property": "x", "value": "true" }],
                }],
            }],
        }],
    })
}

#[test]
fn writes_back_every_field() {
    for record in [queue(), json!({})] {
        assert_eq!(there_and_back::<Queue>(&record.to_string()), record);
    }
    assert_eq!(there_and_back::<User>(&user().to_string()), user());
    assert_eq!(
        there_and_back::<AnalyticsConversation>(&conversation().to_string()),
        conversation()
    );
}

#[test]
fn reads_a_page_of_records() {
    let page = json!({
        "entities": [queue(), {}, queue()],
        "pageSize": 25,
        "pageNumber": 1,
        "total": 3,
        "pageCount": 1,
        "firstUri": "/api/v2/routing/queues?pageSize=25&pageNumber=1",
        "selfUri": "/api/v2/routing/queues?pageSize=25&pageNumber=1",
    });
    assert_eq!(there_and_back::<QueueEntityListing>(&page.to_string()), page);
}

#[test]
fn writes_fields_in_the_order_of_the_document() {
    let queue: Queue = read(r#"{"selfUri":"/","memberCount":1,"name":"n","id":"q"}"#);
    assert_eq!(
        serde_json::to_string(&queue).expect("JSON"),
        r#"{"id":"q","name":"n","memberCount":1,"selfUri":"/"}"#
    );
}

#[test]
fn debug_shows_what_is_set() {
    let queue: Queue = read(r#"{"id":"q","division":{"id":"d"},"scoringMethod":"New"}"#);
    assert_eq!(
        format!("{queue:?}"),
        r#"Queue { id: "q", division: Division { id: "d" }, scoring_method: Unrecognized("New") }"#
    );
}
