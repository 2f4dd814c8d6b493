//! A PostgreSQL database as the target.

mod sql;
mod writer;

use std::fmt;
use std::sync::Arc;

use futures::lock::Mutex;
use genesys_cloud_sinks::replica::Connection;
use genesys_cloud_sinks::{SinkError, Target as Address};

use self::sql::Names;
use self::writer::Writer;
use crate::schema::TableSchema;
use crate::target::{TableWriter, Target, TargetError, TargetFuture, TargetSession};

/// A PostgreSQL database as the target.
///
/// Each table of a plan is a table of the schema. Records are copied into a temporary table while they are read; one
/// short transaction then applies the difference, so the replica can be queried while it is updated. The states are in
/// the table `genesys_cloud_tables`, the reports in `genesys_cloud_runs`.
///
/// A session lock on the schema excludes a second run. TLS and passwords are those of libpq: `sslmode` in the URL,
/// `PGPASSWORD`, `PGSSLROOTCERT`.
#[derive(Clone)]
pub struct Postgres {
    address: Arc<Address>,
}

impl Postgres {
    /// Creates a target in the database at this URL, without connecting. Without a schema, the tables are in the first
    /// one of the search path.
    ///
    /// # Errors
    /// If the URL or the name of the schema is invalid. The message does not contain the password.
    pub fn new(url: &str, schema: Option<&str>) -> Result<Self, TargetError> {
        let mut address = Address::new(url);
        address.check().map_err(TargetError::new)?;
        if let Some(schema) = schema {
            let table = format!("{schema}.{}", sql::TABLES);
            address.table(&table).map_err(TargetError::new)?;
        }
        Ok(Self { address: Arc::new(address) })
    }
}

/// The database and the server, without secrets.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({})", self.address)
    }
}

impl From<SinkError> for TargetError {
    fn from(error: SinkError) -> Self {
        match error.is_taken() {
            true => Self::taken(error.to_string()),
            false => Self::new(error.to_string()),
        }
    }
}

impl Target for Postgres {
    fn open<'a>(&'a self, _run: &'a str) -> TargetFuture<'a, Box<dyn TargetSession>> {
        Box::pin(async {
            let mut lock = Connection::open(&self.address).await?;
            if !lock.lock(sql::TABLES).await? {
                let text = format!("another sync is writing to {}", lock.place());
                return Err(TargetError::taken(text));
            }
            sql::prepare(&mut lock).await?;
            let session = Session { address: Arc::clone(&self.address), lock: Mutex::new(lock) };
            Ok(Box::new(session) as Box<dyn TargetSession>)
        })
    }
}

struct Session {
    address: Arc<Address>,
    /// Holds the lock until it is dropped.
    lock: Mutex<Connection>,
}

impl TargetSession for Session {
    fn begin<'a>(&'a self, schema: &'a TableSchema) -> TargetFuture<'a, Box<dyn TableWriter>> {
        Box::pin(async move {
            // One connection per table: each has its own transaction and its own temporary table.
            let mut connection = Connection::open(&self.address).await?;
            connection.run("RESET lock_timeout").await?;
            let names = Names::new(connection.schema(), schema)?;
            // Without the lock, another run may have started.
            self.lock.lock().await.run("SELECT 1").await?;
            let writer = Writer::new(connection, schema.clone(), names).await?;
            Ok(Box::new(writer) as Box<dyn TableWriter>)
        })
    }

    fn close(self: Box<Self>) -> TargetFuture<'static> {
        Box::pin(
            async move { Ok(self.lock.into_inner().run("SELECT pg_advisory_unlock_all()").await?) },
        )
    }
}
