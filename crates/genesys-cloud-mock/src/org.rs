use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::ConnectionFault;
use crate::error::Error;
use crate::expected::Expected;
use crate::faults::{FaultPlan, Faults, Injected};
use crate::journal::RecordedRequest;
use crate::limit::RateLimit;
use crate::reply::CannedReply;
use crate::scenario::Scenario;
use crate::script::{Fault, PageOverride, Script};
use crate::server::{Door, Server};
use crate::service::{Service, Settings};

const MINUTE: Duration = Duration::from_secs(60);

/// A fake Genesys Cloud org that listens on loopback until it is dropped.
///
/// It runs on the tokio runtime that started it.
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

    /// An org to your taste.
    pub fn builder() -> MockOrgBuilder {
        MockOrgBuilder::default()
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    pub(crate) fn files(&self) -> &Server {
        &self.files
    }

    /// Where the org is, for the API and for the login alike: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The id of the only client that may log in.
    pub fn client_id(&self) -> String {
        self.service.login().client_id().to_owned()
    }

    /// The id of the organization, as `GET /api/v2/organizations/me` and `GET /api/v2/tokens/me` say it.
    pub fn organization(&self) -> String {
        self.service.organization()
    }

    /// The secret of that client.
    pub fn client_secret(&self) -> String {
        self.service.login().client_secret().to_owned()
    }

    /// A new token, without a login.
    pub fn access_token(&self) -> String {
        self.service.login().issue()
    }

    /// Ends every token given out so far: the next call with one of them gets a 401.
    pub fn revoke_tokens(&self) {
        self.service.login().revoke_all();
    }

    /// Sets how many records a list has from now on, and ends its scenario.
    ///
    /// Where the list is the results of a job, any id of a job leads to it from now on, so that it
    /// can be read as a list of its own. [`MockOrg::set_job_records`] leaves it to those jobs that
    /// were submitted.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not answer with a list.
    pub fn set_list(&self, operation: &str, count: u64) -> Result<(), Error> {
        self.service.lists().set_size(self.service.endpoint(operation)?, count)
    }

    /// Lets a list behave in a certain way from now on, and be as long as that needs, with pages of
    /// [`Scenario::PAGE_SIZE`] where a request doesn't ask for others, or the nearest size that the operation takes.
    /// Results of a job can then be read without one, as by [`MockOrg::set_list`].
    ///
    /// # Errors
    /// If the API has no such operation, it does not answer with a list, or its list can't
    /// behave like that.
    pub fn scenario(&self, operation: &str, scenario: Scenario) -> Result<(), Error> {
        let page_size = self.nearest_page_size(operation, Scenario::PAGE_SIZE)?;
        self.scenario_of_size(operation, scenario, page_size)
    }

    /// The page size that the service allows for an operation and that is the nearest to another.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn nearest_page_size(&self, operation: &str, page_size: u64) -> Result<u64, Error> {
        Ok(self.service.endpoint(operation)?.nearest_page_size(page_size))
    }

    /// [`MockOrg::scenario`] with pages of another size, of two records at least. The list is so
    /// many pages long of this size: a client should ask for no other.
    ///
    /// # Errors
    /// As for [`MockOrg::scenario`].
    pub fn scenario_of_size(
        &self,
        operation: &str,
        scenario: Scenario,
        page_size: u64,
    ) -> Result<(), Error> {
        let endpoint = self.service.endpoint(operation)?;
        self.service.lists().stage(endpoint, scenario, page_size)
    }

    /// Every scenario that the list of an operation can go through.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not answer with a list.
    pub fn scenarios(&self, operation: &str) -> Result<Vec<Scenario>, Error> {
        self.service.lists().scenarios(self.service.endpoint(operation)?)
    }

    /// What a client must get out of a list as it is now, if it asks for all of it, without
    /// filters and in pages of the scenario's size.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not answer with a list.
    pub fn expected(&self, operation: &str) -> Result<Expected, Error> {
        self.service.lists().expected(self.service.endpoint(operation)?)
    }

    /// Ends every token of a next page given out so far: a request with one of them gets a 400.
    pub fn expire_page_tokens(&self) {
        self.service.lists().expire_tokens();
    }

    /// Lets things go wrong by this plan from now on. Requests are counted from here, and so are faults;
    /// nothing goes wrong any more after `FaultPlan::new()`.
    pub fn inject(&self, plan: FaultPlan) {
        *self.service.faults() = Faults::new(plan);
        self.service.limit().forget_refused();
    }

    /// What has gone wrong so far by the plan, and by the rate limit.
    pub fn injected(&self) -> Injected {
        let limited = self.service.limit().refused();
        Injected { limited, ..self.service.faults().injected() }
    }

    /// Cuts the connection of the next request for an operation; faults given one after another
    /// are used one after another.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn cut_next(&self, operation: &str, fault: ConnectionFault) -> Result<(), Error> {
        let endpoint = self.service.endpoint(operation)?;
        self.service.script().push_connection_fault(&endpoint.operation.id, fault);
        Ok(())
    }

    /// Answers the next request for an operation with a reply of your own; replies given one
    /// after another are used one after another.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn respond_next(&self, operation: &str, reply: CannedReply) -> Result<(), Error> {
        let endpoint = self.service.endpoint(operation)?;
        self.service.script().push_reply(&endpoint.operation.id, reply);
        Ok(())
    }

    /// Answers every request for one page of a list with something else.
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

    /// The requests that came, oldest first, refused ones and logins too. Only the last
    /// 10,000 are kept.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.service.journal().requests()
    }

    /// The requests that came for one operation, by its operationId.
    pub fn requests_for(&self, operation: &str) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.operation.as_deref() == Some(operation));
        requests
    }

    /// How many requests came, those no longer kept included.
    pub fn request_count(&self) -> u64 {
        self.service.journal().seen()
    }

    /// How many logins succeeded.
    pub fn logins(&self) -> u64 {
        self.service.login().logins()
    }

    /// Forgets all requests and logins, the plan of faults and what was injected, scripted replies,
    /// overridden pages, scenarios and lies, those of jobs too. Tokens stay good, jobs that were submitted run on, and lists keep their sizes and
    /// timelines.
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

    /// Stops the org, and returns when its port is free. Dropping it stops it as well, a
    /// moment later.
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
#[must_use = "an org listens only once it is started"]
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
            page_cache: 0,
        };
        Self { settings, lists: Vec::new(), available_until: None, port: 0 }
    }
}

impl MockOrgBuilder {
    /// What all made-up data follow from, 0 by default: two orgs of the same seed are the same.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// The id of the organization, one that follows from the seed by default.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.settings.organization = Some(id.into());
        self
    }

    /// How many records a list has. The operation is named by its operationId, by its method
    /// and path or by its group and name in the client.
    pub fn list(mut self, operation: impl Into<String>, count: u64) -> Self {
        self.lists.push((operation.into(), count));
        self
    }

    /// How many records every other paged list has, 100 by default.
    pub fn default_count(mut self, count: u64) -> Self {
        self.settings.default_count = count;
        self
    }

    /// How long every reply takes, no time by default.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// How long a token is good, a day by default; the login says it in whole seconds.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// How long a job and its results are kept, a day by default.
    pub fn job_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.job_lifetime = lifetime;
        self
    }

    /// How many calls a token may make in a minute before it gets a 429. The service allows
    /// 300; here it is a million, so that a test doesn't wait unless it wants to.
    pub fn calls_per_minute(self, calls: u64) -> Self {
        self.rate_limit(RateLimit::window(calls, MINUTE))
    }

    /// How many calls a token may make before it gets a 429, where that is not a number a minute.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.settings.rate_limit = limit;
        self
    }

    /// What goes wrong from the start, by a plan.
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.settings.plan = plan;
        self
    }

    /// Something of your own making that goes wrong.
    pub fn fault(mut self, fault: impl Fault) -> Self {
        self.settings.faults.push(Arc::new(fault));
        self
    }

    /// Keeps pages that were made once, up to so many bytes in all, and sends them again as they
    /// are: a benchmark that reads a list twice then measures the client alone. None by default.
    pub fn page_cache(mut self, bytes: usize) -> Self {
        self.settings.page_cache = bytes;
        self
    }

    /// Up to when the data is available that jobs search, all of it by default: see
    /// [`MockOrg::set_data_available_until`].
    pub fn data_available_until(mut self, until: impl Into<String>) -> Self {
        self.available_until = Some(until.into());
        self
    }

    /// The port to listen on, any free one by default. The address is always 127.0.0.1.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the org.
    ///
    /// # Errors
    /// If it can't listen on loopback, a list was named that the API doesn't have, or a date-time can't be read.
    pub async fn start(self) -> Result<MockOrg, Error> {
        let service = Arc::new(Service::new(self.settings));
        for (operation, count) in &self.lists {
            service.lists().set_size(service.endpoint(operation)?, *count)?;
        }
        let server = Server::start(Arc::clone(&service), Door::Api, self.port).await?;
        let files = Server::start(Arc::clone(&service), Door::Files, 0).await?;
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
