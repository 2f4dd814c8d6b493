use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::ConnectionFault;
use crate::error::Error;
use crate::expected::Expected;
use crate::faults::{FaultPlan, Faults, Injected};
use crate::history::OrgTimeline;
use crate::journal::RecordedRequest;
use crate::limit::RateLimit;
use crate::response::CannedResponse;
use crate::scenario::Scenario;
use crate::script::{Fault, PageOverride, Script};
use crate::server::{Server, ServerKind};
use crate::service::{Service, Settings};

const MINUTE: Duration = Duration::from_secs(60);

/// A fake Genesys Cloud org that listens on loopback until it is dropped.
///
/// It runs on the Tokio runtime that started it.
pub struct MockOrg {
    service: Arc<Service>,
    server: Server,
    files: Server,
}

impl MockOrg {
    /// Starts an org with the settings of [`MockOrg::builder`].
    ///
    /// # Errors
    /// If it can't listen on loopback.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Returns a builder, to change the settings of an org.
    pub fn builder() -> MockOrgBuilder {
        MockOrgBuilder::default()
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    pub(crate) fn files(&self) -> &Server {
        &self.files
    }

    /// Returns the base URL of both API and login: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Returns the id of the only OAuth client that may log in.
    pub fn client_id(&self) -> String {
        self.service.login().client_id().to_owned()
    }

    /// Returns the id of the organization, as in `GET /api/v2/organizations/me` and `GET /api/v2/tokens/me`.
    pub fn organization(&self) -> String {
        self.service.organization()
    }

    /// Returns the secret of that OAuth client.
    pub fn client_secret(&self) -> String {
        self.service.login().client_secret().to_owned()
    }

    /// Issues an access token without a login.
    pub fn access_token(&self) -> String {
        self.service.login().issue()
    }

    /// Revokes all access tokens issued so far: the next call with one of them gets a 401.
    pub fn revoke_tokens(&self) {
        self.service.login().revoke_all();
    }

    /// Sets the number of records of a list, and clears its scenario.
    ///
    /// If the list is the results of a job, any job id is valid from now on, so that the results can be read
    /// without a job. [`MockOrg::set_job_records`] sets the number of results of submitted jobs only.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not return a list.
    pub fn set_list(&self, operation: &str, count: u64) -> Result<(), Error> {
        self.service.lists().set_size(self.service.endpoint(operation)?, count)
    }

    /// Sets the scenario of a list. The list gets the length that the scenario needs, with a default page size
    /// of [`Scenario::PAGE_SIZE`] or the nearest size that the operation accepts. Results of a job can then be
    /// read without a job, as with [`MockOrg::set_list`].
    ///
    /// # Errors
    /// If the API has no such operation, it does not return a list, or its list does not support the scenario.
    pub fn scenario(&self, operation: &str, scenario: Scenario) -> Result<(), Error> {
        let page_size = self.nearest_page_size(operation, Scenario::PAGE_SIZE)?;
        self.scenario_with_page_size(operation, scenario, page_size)
    }

    /// Returns the page size nearest to `page_size` that an operation accepts.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn nearest_page_size(&self, operation: &str, page_size: u64) -> Result<u64, Error> {
        Ok(self.service.endpoint(operation)?.nearest_page_size(page_size))
    }

    /// Like [`MockOrg::scenario`], with another page size, of at least two. The length of the list is a number
    /// of pages of this size, so a client should request no other size.
    ///
    /// # Errors
    /// As for [`MockOrg::scenario`].
    pub fn scenario_with_page_size(
        &self,
        operation: &str,
        scenario: Scenario,
        page_size: u64,
    ) -> Result<(), Error> {
        let endpoint = self.service.endpoint(operation)?;
        self.service.lists().set_scenario(endpoint, scenario, page_size)
    }

    /// Returns the scenarios that the list of an operation supports.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not return a list.
    pub fn scenarios(&self, operation: &str) -> Result<Vec<Scenario>, Error> {
        self.service.lists().scenarios(self.service.endpoint(operation)?)
    }

    /// Returns what a client must read from a list in its current state, if it requests the whole list, without
    /// filters and with the page size of the scenario.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not return a list.
    pub fn expected(&self, operation: &str) -> Result<Expected, Error> {
        self.service.lists().expected(self.service.endpoint(operation)?)
    }

    /// Returns the records of [`MockOrg::expected`] as the JSON that the org sends. In an org with a
    /// [timeline](MockOrgBuilder::timeline), [`MockOrg::expected_at`] returns the records that change.
    ///
    /// `path` is the path of the request, such as `/api/v2/routing/queues/7c1f9a52/members`: the links in the records
    /// depend on it.
    ///
    /// # Errors
    /// As for [`MockOrg::expected`].
    pub fn expected_records(&self, operation: &str, path: &str) -> Result<Vec<String>, Error> {
        self.service.lists().expected_records(self.service.endpoint(operation)?, path)
    }

    /// Expires all page tokens issued so far: a request with one of them gets a 400.
    pub fn expire_page_tokens(&self) {
        self.service.lists().expire_tokens();
    }

    /// Sets the fault plan, and resets the counts of requests and faults. `FaultPlan::new()` stops all faults.
    pub fn inject(&self, plan: FaultPlan) {
        *self.service.faults() = Faults::new(plan);
        self.service.limit().forget_refused();
    }

    /// Returns the faults injected so far, by the plan and by the rate limit.
    pub fn injected(&self) -> Injected {
        let limited = self.service.limit().refused();
        Injected { limited, ..self.service.faults().injected() }
    }

    /// Cuts the connection of the next request for an operation. Several faults apply in the order of the
    /// calls.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn cut_next(&self, operation: &str, fault: ConnectionFault) -> Result<(), Error> {
        let endpoint = self.service.endpoint(operation)?;
        self.service.script().push_connection_fault(&endpoint.operation.id, fault);
        Ok(())
    }

    /// Answers the next request for an operation with this response. Several responses are sent in the order of
    /// the calls.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn respond_next(&self, operation: &str, response: CannedResponse) -> Result<(), Error> {
        let endpoint = self.service.endpoint(operation)?;
        self.service.script().push_response(&endpoint.operation.id, response);
        Ok(())
    }

    /// Replaces one page of a list, in every response.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not page by
    /// [`Scheme::PageNumber`](crate::Scheme::PageNumber).
    pub fn override_page(
        &self,
        operation: &str,
        page_number: u64,
        page: PageOverride,
    ) -> Result<(), Error> {
        self.service.override_page(operation, page_number, page)
    }

    /// Returns the requests received, oldest first, including refused ones and logins. Only the last 10,000 are
    /// kept.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.service.journal().requests()
    }

    /// Returns the requests received for one operation, by its operationId.
    pub fn requests_for(&self, operation: &str) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.operation.as_deref() == Some(operation));
        requests
    }

    /// Returns the number of requests received, including those no longer kept.
    pub fn request_count(&self) -> u64 {
        self.service.journal().seen()
    }

    /// Returns the number of successful logins.
    pub fn logins(&self) -> u64 {
        self.service.login().logins()
    }

    /// Clears requests and logins, the fault plan and its counts, scripted responses, page overrides, scenarios
    /// and lies, including those of jobs. Tokens stay valid, submitted jobs continue, and lists keep their
    /// sizes and timelines.
    pub fn reset(&self) {
        *self.service.journal() = Default::default();
        self.inject(FaultPlan::new());
        *self.service.script() = Script::default();
        self.service.lists().forget_scenarios();
        self.service.jobs().forget_plans();
        self.service.lies().forget();
        *self.service.downloads() = Default::default();
        self.service.login().forget_logins();
    }

    /// Stops the org, and returns once its port is free. Dropping it also stops it, shortly afterwards.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
        self.files.shutdown().await;
    }
}

impl fmt::Debug for MockOrg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockOrg").field("url", &self.url()).finish_non_exhaustive()
    }
}

/// Settings of a [`MockOrg`].
#[must_use = "an org does not listen until it is started"]
pub struct MockOrgBuilder {
    settings: Settings,
    lists: Vec<(String, u64)>,
    available_until: Option<String>,
    port: u16,
}

impl Default for MockOrgBuilder {
    fn default() -> Self {
        let settings = Settings {
            seed: 0,
            organization: None,
            default_count: 100,
            latency: Duration::ZERO,
            token_lifetime: Duration::from_secs(86_400),
            job_lifetime: Duration::from_secs(86_400),
            rate_limit: RateLimit::window(1_000_000, MINUTE),
            faults: Vec::new(),
            plan: FaultPlan::new(),
            timeline: None,
            page_cache: 0,
        };
        Self { settings, lists: Vec::new(), available_until: None, port: 0 }
    }
}

impl MockOrgBuilder {
    /// Sets the seed of all generated data, 0 by default. Two orgs with the same seed are equal.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets the id of the organization. By default it is derived from the seed.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.settings.organization = Some(id.into());
        self
    }

    /// Sets the number of records of a list. Name the operation by its operationId, by method and path, or by
    /// its group and method in the client.
    pub fn list(mut self, operation: impl Into<String>, count: u64) -> Self {
        self.lists.push((operation.into(), count));
        self
    }

    /// Sets the number of records of every other paged list, 100 by default.
    pub fn default_count(mut self, count: u64) -> Self {
        self.settings.default_count = count;
        self
    }

    /// Sets the delay of every response, none by default.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// Sets the lifetime of access tokens, a day by default. The login response states it in whole seconds.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Sets how long a job and its results are kept, a day by default.
    pub fn job_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.job_lifetime = lifetime;
        self
    }

    /// Sets how many calls a token may make per minute before it gets a 429. The service allows 300; the
    /// default here is a million, so that tests do not wait.
    pub fn calls_per_minute(self, calls: u64) -> Self {
        self.rate_limit(RateLimit::window(calls, MINUTE))
    }

    /// Sets a rate limit other than a number of calls per minute.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.settings.rate_limit = limit;
        self
    }

    /// Sets the initial fault plan.
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.settings.plan = plan;
        self
    }

    /// Adds a custom fault.
    pub fn fault(mut self, fault: impl Fault) -> Self {
        self.settings.faults.push(Arc::new(fault));
        self
    }

    /// Lets the org change over time: records are created, changed and deleted, and POST, PUT, PATCH and DELETE
    /// persist. By default, an org does not change.
    pub fn timeline(mut self, timeline: OrgTimeline) -> Self {
        self.settings.timeline = Some(timeline);
        self
    }

    /// Caches pages, up to this many bytes, and resends them unchanged, so that a benchmark that reads a list
    /// twice measures only the client. 0 by default.
    pub fn page_cache(mut self, bytes: usize) -> Self {
        self.settings.page_cache = bytes;
        self
    }

    /// Sets the date up to which data is available to jobs; see [`MockOrg::set_data_available_until`].
    pub fn data_available_until(mut self, until: impl Into<String>) -> Self {
        self.available_until = Some(until.into());
        self
    }

    /// Sets the port to listen on, any free one by default. The address is always 127.0.0.1.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the org.
    ///
    /// # Errors
    /// If it can't listen on loopback, the API has no such list, or a date-time can't be parsed.
    pub async fn start(self) -> Result<MockOrg, Error> {
        if let Some(timeline) = &self.settings.timeline {
            timeline.check()?;
        }
        let service = Arc::new(Service::new(self.settings));
        for (operation, count) in &self.lists {
            service.lists().set_size(service.endpoint(operation)?, *count)?;
        }
        let server = Server::start(Arc::clone(&service), ServerKind::Api, self.port).await?;
        let files = Server::start(Arc::clone(&service), ServerKind::Files, 0).await?;
        service.lists().set_base(format!("http://{}", server.address()));
        service.jobs().store.set_base(format!("http://{}", files.address()));
        let org = MockOrg { service, server, files };
        if let Some(until) = self.available_until {
            org.set_data_available_until(&until)?;
        }
        Ok(org)
    }
}

impl fmt::Debug for MockOrgBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockOrgBuilder")
            .field("seed", &self.settings.seed)
            .field("lists", &self.lists)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
