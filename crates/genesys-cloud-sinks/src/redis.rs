//! The state of an export in Redis.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use genesys_cloud_core::redact::Secrets;
use genesys_cloud_core::{CheckpointStore, MAX_STATE_SIZE, StoreError, StoreFuture};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo as _, Script};

use crate::watch::{Watch, unless_stopped};

/// Timeout of a connection and of a response.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Saves the state if it is still the version that this store read or saved last.
const SAVE: &str = "if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end \
    redis.call('HSET', KEYS[1], 'version', ARGV[2], 'state', ARGV[3]) return 1";

/// Removes the state if it is still the version that this store read or saved last.
const CLEAR: &str = "local found = redis.call('HGET', KEYS[1], 'version') or '' \
    if found ~= '' and found ~= ARGV[1] then return 0 end \
    redis.call('DEL', KEYS[1]) return 1";

/// A Redis database.
#[derive(Clone)]
pub struct RedisServer {
    client: Client,
    secrets: Secrets,
}

/// Keeps states in a Redis database, each in a hash with the text and its version.
///
/// It replaces only a version that it has read or saved, so that another writer of the same key is detected.
pub struct RedisStore {
    server: RedisServer,
    watch: Option<Watch>,
    connection: Option<MultiplexedConnection>,
    /// Distinguishes the versions of this run from those of others.
    run: u64,
    saves: u64,
    /// The last known version of each key.
    known: HashMap<String, String>,
}

impl RedisServer {
    /// Parses a URL, without connecting. If it has no password, uses the one in REDISCLI_AUTH.
    ///
    /// # Errors
    /// If the URL is invalid.
    pub fn new(url: &str) -> Result<Self, String> {
        let wrong = |error: redis::RedisError| match error.detail() {
            // The detail never quotes a password.
            Some(detail) => format!("invalid Redis URL: {detail}"),
            None => format!("invalid Redis URL: {error}"),
        };
        let mut info = url.into_connection_info().map_err(wrong)?;
        let settings = info.redis_settings();
        if settings.password().is_none()
            && let Ok(password) = std::env::var("REDISCLI_AUTH")
        {
            let settings = settings.clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        if let ConnectionAddr::TcpTls { .. } = info.addr() {
            // The client uses the process default, which is undefined if several providers are compiled in. Keep one that
            // is already installed.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let secrets = Secrets::new(info.redis_settings().password().map(Into::into));
        Ok(Self { client: Client::open(info).map_err(wrong)?, secrets })
    }
}

/// The server and the database, without secrets.
impl fmt::Display for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.client.get_connection_info();
        write!(f, "Redis at {}, database {}", info.addr(), info.redis_settings().db())
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl RedisStore {
    /// Creates a store in this database.
    pub fn new(server: &RedisServer) -> Self {
        Self {
            server: server.clone(),
            watch: None,
            connection: None,
            run: RandomState::new().hash_one(std::process::id()),
            saves: 0,
            known: HashMap::new(),
        }
    }

    /// Sets the watch, which interrupts waits for the server.
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    fn stopped(&self) -> StoreError {
        StoreError::stopped(format!("stopped while waiting for {}", self.server))
    }

    async fn connection(&mut self) -> Result<MultiplexedConnection, StoreError> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let made = self.server.client.get_multiplexed_async_connection_with_config(&config);
        let made = unless_stopped(self.watch.as_ref(), made).await;
        let made = made.ok_or_else(|| self.stopped())?.map_err(|error| {
            let text = format!("can't connect to {}: {}", self.server, self.why(&error));
            failed(&error, text)
        })?;
        Ok(self.connection.insert(made).clone())
    }

    async fn read(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        let mut size = redis::cmd("HSTRLEN");
        size.arg(key).arg("state");
        let size: u64 = self.ask(async |mut it| size.query_async(&mut it).await).await?;
        if size > MAX_STATE_SIZE {
            return Err(self.invalid(key, &format!("it has {size} bytes")));
        }
        let mut get = redis::cmd("HMGET");
        get.arg(key).arg("version").arg("state");
        let (version, state): (Option<String>, Option<Vec<u8>>) =
            self.ask(async |mut it| get.query_async(&mut it).await).await?;
        self.known.insert(key.to_owned(), version.unwrap_or_default());
        let text = state.map(String::from_utf8).transpose();
        text.map_err(|_| self.invalid(key, "it is not text"))
    }

    fn invalid(&self, key: &str, why: &str) -> StoreError {
        StoreError::unreadable(format!(
            "{} is not a saved state: {why}; remove it, or choose another location",
            self.location(key)
        ))
    }

    /// Changes the state by a script, unless another writer has changed it.
    async fn change(
        &mut self,
        script: &str,
        key: &str,
        arguments: &[&str],
    ) -> Result<(), StoreError> {
        let script = Script::new(script);
        let mut call = script.key(key);
        for argument in arguments {
            call.arg(*argument);
        }
        let is_changed: bool = self.ask(async |mut it| call.invoke_async(&mut it).await).await?;
        if is_changed {
            return Ok(());
        }
        Err(StoreError::conflict(format!(
            "another export saves its state at {}; this one has not replaced it",
            self.location(key)
        )))
    }

    async fn ask<T>(
        &mut self,
        call: impl AsyncFnOnce(MultiplexedConnection) -> Result<T, redis::RedisError>,
    ) -> Result<T, StoreError> {
        let connection = self.connection().await?;
        let answer = unless_stopped(self.watch.as_ref(), call(connection)).await;
        let answer = answer.ok_or_else(|| {
            // A late response must not be taken for that of another command.
            self.connection = None;
            self.stopped()
        })?;
        answer.map_err(|error| {
            let (server, why) = (&self.server, self.why(&error));
            let text = match error.is_io_error() {
                true => {
                    self.connection = None;
                    format!("the connection to {server} was lost: {why}")
                }
                false => format!("{server}: {why}"),
            };
            failed(&error, text)
        })
    }

    /// Returns the last known version of a key. Reads it the first time.
    async fn known(&mut self, key: &str) -> Result<String, StoreError> {
        if !self.known.contains_key(key) {
            self.read(key).await?;
        }
        Ok(self.known.get(key).cloned().unwrap_or_default())
    }

    async fn put(&mut self, key: &str, text: &str) -> Result<(), StoreError> {
        let known = self.known(key).await?;
        self.saves += 1;
        let next = format!("{:016x}-{}", self.run, self.saves);
        let saved = self.change(SAVE, key, &[&known, &next, text]).await;
        if let Err(error) = saved {
            // Servers close idle connections, for example while a job runs. A new connection shows whether the state
            // has arrived.
            if self.connection.is_some() || error.is_stopped() {
                return Err(error);
            }
            if self.read(key).await.is_err() {
                return Err(error);
            }
            if self.known.get(key) != Some(&next) {
                self.change(SAVE, key, &[&known, &next, text]).await?;
            }
        }
        self.known.insert(key.to_owned(), next);
        Ok(())
    }

    async fn remove(&mut self, key: &str) -> Result<(), StoreError> {
        // Without a known version, remove any.
        let known = self.known(key).await?;
        self.change(CLEAR, key, &[&known]).await?;
        self.known.insert(key.to_owned(), String::new());
        Ok(())
    }

    /// Describes an error without secrets.
    fn why(&self, error: &redis::RedisError) -> String {
        let text = match error.detail() {
            Some(detail) if !error.is_io_error() => detail.to_owned(),
            _ => error.to_string(),
        };
        self.server.secrets.redact(&text).into_owned()
    }
}

/// Creates an error: a transient one if the server can't be reached or is not ready.
fn failed(error: &redis::RedisError, text: String) -> StoreError {
    let is_busy = matches!(
        error.code(),
        Some("LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN" | "READONLY")
    );
    // Certificate errors are I/O errors, too.
    let is_certificate = text.contains("certificate") || text.contains("PEM");
    match is_busy || error.is_io_error() && !is_certificate {
        true => StoreError::unavailable(text),
        false => StoreError::new(text),
    }
}

impl CheckpointStore for RedisStore {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        Box::pin(self.read(key))
    }

    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.put(key, text))
    }

    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.remove(key))
    }

    fn location(&self, key: &str) -> String {
        format!("{key} in {}", self.server)
    }
}

/// Omits secrets.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStore").field(&self.server).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn a_location_omits_the_password() {
        let server = RedisServer::new("redis://u:secret@host:7/3").expect("a server");
        let store = RedisStore::new(&server);
        assert_eq!(store.location("a"), "a in Redis at host:7, database 3");
        assert!(!format!("{store:?} {server:?}").contains("secret"));
        for url in ["redis://u:secret@host/db", "redis://", "rediss://u:secret@host:x/0"] {
            let error = RedisServer::new(url).map(drop).expect_err(url);
            assert!(error.contains("invalid Redis URL") && !error.contains("secret"), "{error}");
        }
    }

    /// Starts a server that responds to everything with `answer`; never, if that is empty.
    async fn server(answer: &'static str) -> RedisServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 4_096];
                    while connection.read(&mut request).await.is_ok_and(|read| read > 0) {
                        let _ = connection.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        RedisServer::new(&format!("redis://user:top-secret@127.0.0.1:{port}/0")).expect("a server")
    }

    #[tokio::test]
    async fn redacts_a_password_that_the_server_quotes() {
        let answer = "-ERR AUTH user top-secret failed for redis://user:top-secret@host\r\n";
        let mut store = RedisStore::new(&server(answer).await);
        for error in [
            store.load("a").await.expect_err("refused"),
            store.save("a", "text").await.expect_err("refused"),
            store.clear("a").await.expect_err("refused"),
        ] {
            let text = format!("{error} {error:?}");
            assert!(text.contains("127.0.0.1") && !text.contains("top-secret"), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupt_ends_the_wait_for_an_unresponsive_server() {
        let server = server("").await;
        let stop = Arc::new(Notify::new());
        stop.notify_one();
        let watch = Watch::new(stop, |_| ());
        let mut store = RedisStore::new(&server).watch(watch);
        let error = store.load("a").await.expect_err("stopped");
        assert!(error.is_stopped(), "{error}");
        assert!(!error.to_string().contains("top-secret"), "{error}");
    }
}
