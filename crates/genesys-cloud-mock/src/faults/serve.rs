//! Applies the fault plan to requests.

use http::Response;

use super::kind::{FaultKind, RequestKind, RequestTraits};
use super::response::HugeBody;
use crate::connection::{ConnectionFault, ResponseBody};
use crate::limit::LimitStatus;
use crate::response::CannedResponse;
use crate::service::{Outcome, RoutedRequest, Service};
use crate::timestamp::Timestamp;

const LOGIN: RequestTraits =
    RequestTraits { kind: RequestKind::Login, has_page_token: false, is_counted: false };
const FILE: RequestTraits = RequestTraits { kind: RequestKind::File, ..LOGIN };

impl Service {
    /// Answers a call with a valid token.
    pub(crate) fn respond_by_plan(
        &self,
        routed: &RoutedRequest<'_>,
        limit_status: LimitStatus,
    ) -> Outcome {
        let Some(kind) = self.next_fault(routed) else {
            return self.respond_to_admitted(routed, limit_status);
        };
        match kind {
            FaultKind::PageTokensExpired => self.lists().expire_tokens(),
            FaultKind::RecordInserted => self.lists().insert_record(routed.endpoint),
            FaultKind::RecordDeleted => self.lists().delete_record(routed.endpoint),
            _ => {}
        }
        if let Some(response) = kind.instead(false, self.now()) {
            return response.into();
        }
        let outcome = self.respond_to_admitted(routed, limit_status);
        Outcome {
            response: kind.change(outcome.response),
            connection: kind.connection().or(outcome.connection),
            huge_body: HugeBody::of(kind),
            page: None,
            sent: outcome.sent.filter(|_| kind.is_readable()),
        }
    }

    /// Answers a login.
    pub(crate) fn log_in_by_plan(&self, log_in: impl FnOnce() -> CannedResponse) -> Outcome {
        let Some(kind) = self.faults().next(LOGIN) else { return log_in().into() };
        if let Some(response) = kind.instead(true, self.now()) {
            return response.into();
        }
        Outcome { connection: kind.connection(), ..log_in().into() }
    }

    /// Answers a download, and returns the connection fault.
    pub(crate) fn send_file_by_plan(
        &self,
        send: impl FnOnce() -> Response<ResponseBody>,
    ) -> (Response<ResponseBody>, Option<ConnectionFault>) {
        let Some(kind) = self.faults().next(FILE) else { return (send(), None) };
        match kind.instead(false, self.now()) {
            Some(response) => (response.into_response(), None),
            None => (send(), kind.connection()),
        }
    }

    /// The time on the clock of the service.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now().shifted(self.faults().clock_skew())
    }

    fn next_fault(&self, routed: &RoutedRequest<'_>) -> Option<FaultKind> {
        // Before the plan is locked, because this takes other locks.
        let (has_page_token, is_counted) =
            self.lists().request_traits(routed.endpoint, routed.request);
        self.faults().next(RequestTraits {
            kind: RequestKind::Operation,
            has_page_token,
            is_counted,
        })
    }
}
