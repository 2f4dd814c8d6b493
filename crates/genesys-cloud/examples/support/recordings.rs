//! Two recordings in the fake org, which otherwise has none to download.

use genesys_cloud::test_util::mock::{Call, CannedResponse, Fault};
use serde_json::json;

/// Completes each job with two recordings and serves their files.
pub(crate) struct Recordings;

impl Fault for Recordings {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let host = call.request.header("host")?;
        match call.operation.id.as_str() {
            "getRecordingBatchrequest" => {
                let result = |number| {
                    json!({
                        "conversationId": format!("c-{number}"),
                        "recordingId": format!("r-{number}"),
                        "resultUrl": format!("http://{host}/api/v2/downloads/r-{number}"),
                        "contentType": "audio/wav",
                    })
                };
                let results = [result(1), result(2)];
                let job =
                    json!({"status": "Completed", "expectedResultCount": 2, "results": results});
                Some(CannedResponse::json(200, &job))
            }
            "getDownload" => {
                let body = [b"RIFF".as_slice(), &[0; 2_000]].concat();
                let reply = CannedResponse { status: 200, headers: Vec::new(), body: body.into() };
                Some(reply.header("content-type", "audio/wav"))
            }
            _ => None,
        }
    }
}
