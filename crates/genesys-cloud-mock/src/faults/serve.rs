//! Applies the fault plan to requests.

use http::Response;

use super::kind::{Door, FaultKind, Reach};
use super::reply::Flood;
use crate::connection::{ConnectionFault, ReplyBody};
use crate::limit::Standing;
use crate::reply::CannedReply;
use crate::service::{Asked, Outcome, Service};
use crate::timestamp::Timestamp;

const LOGIN: Reach = Reach { door: Door::Login, has_page_token: false, is_counted: false };
const FILE: Reach = Reach { door: Door::File, ..LOGIN };

impl Service {
    /// Answers a call with a valid token.
    pub(crate) fn respond_by_plan(&self, asked: &Asked<'_>, standing: Standing) -> Outcome {
        let Some(kind) = self.next_fault(asked) else {
            return self.respond_to_admitted(asked, standing);
        };
        match kind {
            FaultKind::PageTokensExpired => self.lists().expire_tokens(),
            FaultKind::RecordInserted => self.lists().insert_record(asked.endpoint),
            FaultKind::RecordDeleted => self.lists().delete_record(asked.endpoint),
            _ => {}
        }
        if let Some(reply) = kind.instead(false, self.now()) {
            return reply.into();
        }
        let outcome = self.respond_to_admitted(asked, standing);
        Outcome {
            reply: kind.change(outcome.reply),
            connection: kind.connection().or(outcome.connection),
            flood: Flood::of(kind),
            page: None,
            sent: outcome.sent.filter(|_| kind.is_readable()),
        }
    }

    /// Answers a login.
    pub(crate) fn log_in_by_plan(&self, log_in: impl FnOnce() -> CannedReply) -> Outcome {
        let Some(kind) = self.faults().next(LOGIN) else { return log_in().into() };
        if let Some(reply) = kind.instead(true, self.now()) {
            return reply.into();
        }
        Outcome { connection: kind.connection(), ..log_in().into() }
    }

    /// Answers a download, and returns the connection fault.
    pub(crate) fn send_file_by_plan(
        &self,
        send: impl FnOnce() -> Response<ReplyBody>,
    ) -> (Response<ReplyBody>, Option<ConnectionFault>) {
        let Some(kind) = self.faults().next(FILE) else { return (send(), None) };
        match kind.instead(false, self.now()) {
            Some(reply) => (reply.into_response(), None),
            None => (send(), kind.connection()),
        }
    }

    /// The time on the clock of the service.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now().shifted(self.faults().clock_skew())
    }

    fn next_fault(&self, asked: &Asked<'_>) -> Option<FaultKind> {
        // Before the plan is locked, because this takes other locks.
        let (has_page_token, is_counted) = self.lists().traits_of(asked.endpoint, asked.request);
        self.faults().next(Reach { door: Door::Operation, has_page_token, is_counted })
    }
}
