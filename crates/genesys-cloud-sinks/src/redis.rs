//! The state of an export in Redis.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo as _};

use super::{Keeper, SinkError, SinkFuture};

/// How long a connection and an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Changes the state if it is still that of this export: what it saved or read last. A writer that does not know
/// of another one finds out here, before it overwrites anything.
const SAVE: &str = "if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end \
    redis.call('HSET', KEYS[1], 'version', ARGV[2], 'state', ARGV[3]) return 1";

/// The same to remove it.
const CLEAR: &str = "local found = redis.call('HGET', KEYS[1], 'version') or '' \
    if found ~= '' and found ~= ARGV[1] then return 0 end \
    redis.call('DEL', KEYS[1]) return 1";

/// A server and a database of it.
#[derive(Clone)]
pub struct RedisPlace {
    client: Client,
}

/// A hash under a key: the state, and by which save it came there.
pub struct RedisKeeper {
    place: RedisPlace,
    key: String,
    connection: Option<MultiplexedConnection>,
    /// Tells the saves of this run from those of others.
    run: u64,
    saves: u64,
    /// The version that is there as far as this export knows; `None` before it has looked.
    known: Option<String>,
}

impl RedisPlace {
    /// The database of this URL. REDISCLI_AUTH has the password where the URL has none.
    ///
    /// # Errors
    /// When the URL is wrong.
    pub fn new(url: &str) -> Result<Self, String> {
        let wrong =
            |error: redis::RedisError| format!("the URL of Redis is wrong: {}", why(&error));
        let mut info = url.into_connection_info().map_err(wrong)?;
        let settings = info.redis_settings();
        if settings.password().is_none()
            && let Ok(password) = std::env::var("REDISCLI_AUTH")
        {
            let settings = settings.clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        if let ConnectionAddr::TcpTls { .. } = info.addr() {
            // The client takes the provider of the process, and there may be several to choose from. If one
            // is chosen already, that is as good.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        Ok(Self { client: Client::open(info).map_err(wrong)? })
    }

    /// Keeps a state under this key.
    pub fn keeper(&self, key: String) -> RedisKeeper {
        RedisKeeper {
            place: self.clone(),
            key,
            connection: None,
            run: RandomState::new().hash_one(std::process::id()),
            saves: 0,
            known: None,
        }
    }
}

/// The server and the database, without what is secret.
impl fmt::Display for RedisPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.client.get_connection_info();
        write!(f, "Redis at {}, database {}", info.addr(), info.redis_settings().db())
    }
}

impl fmt::Debug for RedisPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl RedisKeeper {
    async fn connection(&mut self) -> Result<&mut MultiplexedConnection, SinkError> {
        let place = &self.place;
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE));
                let made = place.client.get_multiplexed_async_connection_with_config(&config).await;
                let made = made.map_err(|error| {
                    failed(&error, format!("can't connect to {place}: {}", why(&error)))
                })?;
                Ok(none.insert(made))
            }
        }
    }

    async fn read(&mut self) -> Result<Option<String>, SinkError> {
        let mut get = redis::cmd("HMGET");
        get.arg(&self.key).arg("version").arg("state");
        let found: (Option<String>, Option<String>) = self.ask(&get).await?;
        self.known = Some(found.0.unwrap_or_default());
        Ok(found.1)
    }

    /// Has a script change the state, unless it is that of somebody else by now.
    async fn change(&mut self, script: &str, arguments: &[&str]) -> Result<(), SinkError> {
        let mut change = redis::cmd("EVAL");
        change.arg(script).arg(1).arg(&self.key).arg(arguments);
        let is_changed: bool = self.ask(&change).await?;
        if is_changed {
            return Ok(());
        }
        Err(SinkError::taken(format!(
            "another export saves its state under {} in {}; this one has saved nothing over it",
            self.key, self.place
        )))
    }

    async fn ask<T: redis::FromRedisValue>(
        &mut self,
        command: &redis::Cmd,
    ) -> Result<T, SinkError> {
        let answer = command.query_async(self.connection().await?).await;
        answer.map_err(|error: redis::RedisError| {
            let place = &self.place;
            let text = match error.is_io_error() {
                true => {
                    self.connection = None;
                    format!("the connection to {place} was lost: {}", why(&error))
                }
                false => format!("{place}: {}", why(&error)),
            };
            failed(&error, text)
        })
    }

    /// What is there as far as this export knows: what it has seen last.
    async fn known(&mut self) -> Result<String, SinkError> {
        if self.known.is_none() {
            self.read().await?;
        }
        Ok(self.known.clone().unwrap_or_default())
    }

    async fn put(&mut self, state: &str) -> Result<(), SinkError> {
        let known = self.known().await?;
        self.saves += 1;
        let next = format!("{:016x}-{}", self.run, self.saves);
        let saved = self.change(SAVE, &[&known, &next, state]).await;
        if let Err(error) = saved {
            // Servers end connections that were idle for long, as they are while a job runs. A new one tells
            // whether the state has arrived.
            if self.connection.is_some() {
                return Err(error);
            }
            if self.read().await.is_err() {
                return Err(error);
            }
            if self.known.as_deref() != Some(&next) {
                self.change(SAVE, &[&known, &next, state]).await?;
            }
        }
        self.known = Some(next);
        Ok(())
    }

    async fn remove(&mut self) -> Result<(), SinkError> {
        // Who throws a state away without having looked at it means whatever is there.
        let known = self.known().await?;
        self.change(CLEAR, &[&known]).await?;
        self.known = Some(String::new());
        Ok(())
    }
}

/// An error of these words: one that may pass, where the server can't be reached or says that it is not ready.
fn failed(error: &redis::RedisError, text: String) -> SinkError {
    let is_busy = matches!(
        error.code(),
        Some("LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN" | "READONLY")
    );
    // Those of certificates are errors of the system as well.
    let is_certificate = text.contains("certificate") || text.contains("PEM");
    match is_busy || error.is_io_error() && !is_certificate {
        true => SinkError::unavailable(text),
        false => SinkError::new(text),
    }
}

/// What went wrong, in words.
fn why(error: &redis::RedisError) -> String {
    match error.detail() {
        // The description alone says of a password no more than that it is wrong.
        Some(detail) if !error.is_io_error() => detail.to_owned(),
        _ => error.to_string(),
    }
}

impl Keeper for RedisKeeper {
    fn load(&mut self) -> SinkFuture<'_, Option<String>> {
        Box::pin(self.read())
    }

    fn save<'a>(&'a mut self, state: &'a str) -> SinkFuture<'a> {
        Box::pin(self.put(state))
    }

    fn clear(&mut self) -> SinkFuture<'_> {
        Box::pin(self.remove())
    }

    fn place(&self) -> String {
        format!("{} in {}", self.key, self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_no_password() {
        let place = RedisPlace::new("redis://u:secret@host:7/3").expect("a place");
        assert_eq!(place.to_string(), "Redis at host:7, database 3");
        assert!(!format!("{place:?}").contains("secret"));
        for url in ["redis://u:secret@host/db", "redis://", "rediss://u:secret@host:x/0"] {
            let error = RedisPlace::new(url).expect_err(url);
            assert!(error.contains("wrong") && !error.contains("secret"), "{error}");
        }
    }
}
