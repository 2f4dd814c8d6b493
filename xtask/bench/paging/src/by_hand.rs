//! The loop to write without the SDK.

use std::env;
use std::hint::black_box;
use std::io::Write;

use reqwest::{Client, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{PAGE_SIZE, Result};

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "Q: DeserializeOwned")]
struct Page<Q> {
    #[serde(default)]
    entities: Vec<Q>,
    page_count: u64,
}

/// A list, read page by page.
pub(crate) struct List {
    http: Client,
    url: String,
    token: String,
    pages: u64,
    page_count: u64,
}

impl List {
    pub(crate) async fn log_in() -> Result<Self> {
        let http = Client::builder().no_proxy().build()?;
        let url = format!("{}/oauth/token", env::var("GENESYS_CLOUD_LOGIN_URL")?);
        let (id, secret) =
            (env::var("GENESYS_CLOUD_CLIENT_ID")?, env::var("GENESYS_CLOUD_CLIENT_SECRET")?);
        let login = http.post(url).basic_auth(id, Some(secret));
        let login = login.form(&[("grant_type", "client_credentials")]);
        let token: Token = login.send().await?.error_for_status()?.json().await?;
        let url = format!("{}/api/v2/routing/queues", env::var("GENESYS_CLOUD_API_URL")?);
        Ok(Self { http, url, token: token.access_token, pages: 0, page_count: 1 })
    }

    /// Reads the next page in the usual way, and returns its number of queues; 0 at the end.
    pub(crate) async fn json<Q: DeserializeOwned>(&mut self) -> Result<u64> {
        if self.pages == self.page_count {
            return Ok(0);
        }
        let page: Page<Q> = self.fetch().await?.json().await?;
        Ok(self.take(page))
    }

    /// Reads the next page as fast as serde_json can: validates UTF-8 once for the body, not per string. Calls `due`
    /// when the body has arrived and before it is parsed.
    pub(crate) async fn text<Q: DeserializeOwned>(&mut self, due: impl FnOnce()) -> Result<u64> {
        if self.pages == self.page_count {
            return Ok(0);
        }
        let body = self.fetch().await?.bytes().await?;
        due();
        let page: Page<Q> = serde_json::from_str(str::from_utf8(&body)?)?;
        Ok(self.take(page))
    }

    /// Reads the next page and writes each queue as a line, as received.
    pub(crate) async fn copy(&mut self, out: &mut impl Write) -> Result<u64> {
        if self.pages == self.page_count {
            return Ok(0);
        }
        let body = self.fetch().await?.bytes().await?;
        let page: Page<Box<RawValue>> = serde_json::from_str(str::from_utf8(&body)?)?;
        for queue in &page.entities {
            out.write_all(queue.get().as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(self.take(page))
    }

    /// Reads the next page and writes each queue as a line, through a type.
    pub(crate) async fn write<Q>(&mut self, out: &mut impl Write) -> Result<u64>
    where
        Q: DeserializeOwned + Serialize,
    {
        if self.pages == self.page_count {
            return Ok(0);
        }
        let page: Page<Q> = self.fetch().await?.json().await?;
        for queue in &page.entities {
            serde_json::to_writer(&mut *out, queue)?;
            out.write_all(b"\n")?;
        }
        Ok(self.take(page))
    }

    async fn fetch(&self) -> Result<Response> {
        // Byte for byte the query of the SDK, by which the org finds the cached page.
        let url = format!("{}?pageSize={PAGE_SIZE}&pageNumber={}", self.url, self.pages + 1);
        let call = self.http.get(url).bearer_auth(&self.token);
        Ok(call.send().await?.error_for_status()?)
    }

    fn take<Q>(&mut self, page: Page<Q>) -> u64 {
        let mut queues = 0;
        for queue in page.entities {
            black_box(queue);
            queues += 1;
        }
        self.pages += 1;
        self.page_count = page.page_count;
        queues
    }
}
