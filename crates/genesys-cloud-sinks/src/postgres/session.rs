//! A connection to the database, and descriptions of its errors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use genesys_cloud_core::redact::Secrets;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::sql_errors::{cause, describe, is_end, is_untranslatable, of, refused};
use super::table::Found;
use super::target::{Target, environment, place};
use super::tls;
use crate::{SinkError, Watch};

/// How long to wait for the lock of a killed export's connection.
const LOCK_TIMEOUT: &str = "5s";

/// A savepoint before each COPY.
const SAVEPOINT: &str = "SAVEPOINT genesys_cloud_rows";
const KEEP: &str = "RELEASE SAVEPOINT genesys_cloud_rows";
const TAKE_BACK: &str =
    "ROLLBACK TO SAVEPOINT genesys_cloud_rows; RELEASE SAVEPOINT genesys_cloud_rows";

/// A connection that holds the lock of a table.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// The server process.
    pub(super) pid: i32,
    pub(super) watch: Option<Watch>,
    /// Whether the user interrupted a statement.
    pub(super) is_stopped: AtomicBool,
    /// The task of the connection. It ends with the error of the connection.
    task: Option<JoinHandle<Result<(), Error>>>,
    /// Secrets to remove from messages.
    pub(super) secrets: Secrets,
    /// The database and server, for messages.
    pub(super) place: String,
    pub(super) user: String,
    /// The schema of the table.
    pub(super) schema: String,
    is_open: bool,
    is_lost: bool,
}

/// The error of a COMMIT.
pub(super) struct Uncommitted {
    pub(super) error: SinkError,
    /// Whether the transaction may have been committed.
    pub(super) is_unknown: bool,
}

impl From<Uncommitted> for SinkError {
    fn from(why: Uncommitted) -> Self {
        why.error
    }
}

/// A unique index.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

impl Key {
    /// Returns whether the index is on these columns, in any order.
    pub(super) fn is_on(&self, columns: &[&str]) -> bool {
        self.columns.len() == columns.len()
            && self.columns.iter().all(|column| columns.contains(&&**column))
    }
}

impl Session {
    /// Connects, and locks the table.
    pub(super) async fn open(target: &Target, watch: Option<Watch>) -> Result<Self, SinkError> {
        let mut this = Self::connect(target, watch).await?;
        this.lock(&target.table).await?;
        Ok(this)
    }

    /// Connects, without a lock.
    pub(super) async fn connect(target: &Target, watch: Option<Watch>) -> Result<Self, SinkError> {
        let access = target.access(environment).map_err(SinkError::new)?;
        let place = place(&access.config);
        let user = access.config.get_user().unwrap_or("(system user)").to_owned();
        let tls = tls::connector(&access.trust).map_err(SinkError::new)?;
        let connected = match &watch {
            None => access.config.connect(tls.clone()).await,
            Some(watch) => tokio::select! {
                biased;
                connected = access.config.connect(tls.clone()) => connected,
                () = watch.stopped() => {
                    return Err(SinkError::stopped(format!("stopped while connecting to {place}")));
                }
            },
        };
        let secrets = access.secrets;
        let (client, connection) = connected.map_err(|error| {
            let redacted = |text: &str| secrets.redact(text).into_owned();
            refused(&error, &place, &user).reworded(redacted)
        })?;
        let task = Some(tokio::spawn(connection));
        let schema = String::new();
        let mut this = Self {
            client,
            config: access.config,
            tls,
            pid: 0,
            watch,
            is_stopped: AtomicBool::new(false),
            task,
            secrets,
            place,
            user,
            schema,
            is_open: false,
            is_lost: false,
        };
        this.pid = this.one("SELECT pg_backend_pid()", &[]).await?.get(0);
        this.run(&format!(
            "SET lock_timeout = '{LOCK_TIMEOUT}'; SET TIME ZONE 'UTC'; SET datestyle = 'ISO, YMD'; \
             SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
        ))
        .await?;
        // Moving records may take long, and an export is idle while a job runs. Settings of the client, such as PGOPTIONS,
        // are kept.
        this.all(
            "SELECT set_config(name, '0', false) FROM pg_settings WHERE source <> 'client' AND name IN \
             ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')",
            &[],
        )
        .await?;
        this.schema = match &target.schema {
            Some(schema) => schema.clone(),
            None => {
                let found = this.one("SELECT current_schema()", &[]).await?;
                found.get::<_, Option<String>>(0).ok_or_else(|| {
                    SinkError::new(format!(
                        "{} has no schema in the search path that user {} may use; set it with --table schema.name",
                        this.place, this.user
                    ))
                })?
            }
        };
        Ok(this)
    }

    /// Locks further tables.
    pub(super) async fn lock_all(&mut self, tables: &[String]) -> Result<(), SinkError> {
        for table in tables {
            self.run(&format!("SET lock_timeout = '{LOCK_TIMEOUT}'")).await?;
            self.lock(table).await?;
        }
        Ok(())
    }

    /// Locks the table until the connection ends.
    async fn lock(&mut self, table: &str) -> Result<(), SinkError> {
        let name = format!("genesys-cloud {}.{table}", self.schema);
        let lock = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
        match self.wait(self.client.execute(lock, &[&name])).await {
            Ok(_) => self.run("RESET lock_timeout").await,
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                Err(SinkError::unavailable(format!(
                    "another export is writing to table {}.{table} of {}",
                    self.schema, self.place
                )))
            }
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// Returns the columns of a table, if it exists.
    pub(super) async fn columns(&mut self, table: &str) -> Result<Option<Vec<Found>>, SinkError> {
        let rows = self
            .all(
                "SELECT a.attname, a.atttypid, a.atttypmod, a.attgenerated <> '' OR a.attidentity = 'a', \
                 a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', \
                 EXISTS (SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod WHERE o.opcdefault \
                 AND m.amname = 'btree' AND o.opcintype = a.atttypid), \
                 has_column_privilege(c.oid, a.attnum, 'INSERT'), has_column_privilege(c.oid, a.attnum, 'UPDATE') \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_attribute a ON a.attrelid = c.oid WHERE n.nspname = $1 AND c.relname = $2 \
                 AND c.relkind IN ('r', 'p', 'f', 'v') AND a.attnum > 0 AND NOT a.attisdropped \
                 ORDER BY a.attnum",
                &[&self.schema.clone(), &table],
            )
            .await?;
        let found = rows.iter().map(|row| {
            // Types that are not built in accept text.
            let kind = Type::from_oid(row.get(1)).unwrap_or(Type::TEXT);
            Found {
                name: row.get(0),
                kind,
                modifier: row.get(2),
                is_generated: row.get(3),
                is_required: row.get(4),
                has_equality: row.get(5),
                may_insert: row.get(6),
                may_update: row.get(7),
            }
        });
        Ok((!rows.is_empty()).then(|| found.collect()))
    }

    /// Returns whether the database encoding does not have all characters.
    pub(super) async fn is_narrow(&mut self) -> Result<bool, SinkError> {
        let encoding: String = self.one("SELECT getdatabaseencoding()::text", &[]).await?.get(0);
        // With SQL_ASCII, the server stores any bytes.
        Ok(!matches!(&*encoding, "UTF8" | "SQL_ASCII"))
    }

    /// Returns whether the database can store a string.
    pub(super) async fn can_hold(&mut self, text: &str) -> Result<bool, SinkError> {
        if self.is_open {
            self.run(SAVEPOINT).await?;
        }
        let asked = self.wait(self.client.query_one("SELECT $1::text IS NOT NULL", &[&text])).await;
        if self.is_open {
            self.run(TAKE_BACK).await?;
        }
        match asked {
            Ok(_) => Ok(true),
            Err(error) if is_untranslatable(&error) => Ok(false),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// Copies rows, and rolls them back if one is refused. The inner error is that of the row.
    pub(super) async fn try_copy(
        &mut self,
        statement: &Statement,
        rows: Bytes,
    ) -> Result<Result<u64, Error>, SinkError> {
        self.run(SAVEPOINT).await?;
        let copied = self.copy(statement, rows).await;
        match &copied {
            Ok(_) => self.run(KEEP).await?,
            // After a lost connection, nothing can be rolled back.
            Err(error) if error.as_db_error().is_some() && !is_end(error) => {
                self.run(TAKE_BACK).await?;
            }
            Err(_) => {}
        }
        Ok(copied)
    }

    /// Returns the unique indexes of a table without expressions, predicates and deferral, the primary key first.
    pub(super) async fn keys(&mut self, table: &str) -> Result<Vec<Key>, SinkError> {
        let rows = self
            .all(
                "SELECT x.relname, ARRAY(SELECT a.attname::text \
                 FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place) \
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number \
                 WHERE k.place <= i.indnkeyatts ORDER BY k.place) \
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
                 JOIN pg_class x ON x.oid = i.indexrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid \
                 AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL \
                 ORDER BY NOT i.indisprimary, x.relname",
                &[&self.schema.clone(), &table],
            )
            .await?;
        Ok(rows.iter().map(|row| Key { name: row.get(0), columns: row.get(1) }).collect())
    }

    /// Returns the comment on a table, whose name is quoted, if any.
    pub(super) async fn comment(&mut self, table: &str) -> Result<Option<String>, SinkError> {
        let query = "SELECT obj_description(to_regclass($1::text), 'pg_class')";
        Ok(self.one(query, &[&table]).await?.get(0))
    }

    /// Returns whether a table, whose name is quoted, has rows that the user may read.
    pub(super) async fn has_rows(&mut self, table: &str) -> Result<bool, SinkError> {
        let may = self.one("SELECT has_table_privilege($1::text, 'SELECT')", &[&table]).await?;
        if !may.get::<_, bool>(0) {
            return Ok(false);
        }
        let found = self.one(&format!("SELECT EXISTS (SELECT FROM {table})"), &[]).await?;
        Ok(found.get(0))
    }

    /// Starts a transaction, unless one is open.
    pub(super) async fn begin(&mut self) -> Result<(), SinkError> {
        if !self.is_open {
            self.run("BEGIN").await?;
            self.is_open = true;
        }
        Ok(())
    }

    /// Commits. The error says whether the outcome is unknown. `what` is the effect, such as `the last batch was
    /// stored`.
    pub(super) async fn commit(&mut self, what: &str) -> Result<(), Uncommitted> {
        let Err(error) = self.wait(self.client.batch_execute("COMMIT")).await else {
            self.is_open = false;
            return Ok(());
        };
        // Only an error of the transaction proves that nothing was committed. Others may occur after the commit.
        let is_refused = error.as_db_error().is_some() && !is_end(&error);
        let error = self.failed(error).await;
        Err(match is_refused && !self.is_lost {
            true => Uncommitted { error, is_unknown: false },
            false => Uncommitted {
                error: SinkError::unavailable(format!(
                    "{error}; this happened during a COMMIT, so it is unknown whether {what}; --resume finds out"
                )),
                is_unknown: true,
            },
        })
    }

    /// Rolls back the transaction. After a lost connection, the server does.
    pub(super) async fn roll_back(&mut self) -> Result<(), SinkError> {
        if self.is_open && !self.is_lost {
            self.run("ROLLBACK").await?;
        }
        self.is_open = false;
        Ok(())
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Runs statements without parameters.
    pub(super) async fn run(&mut self, statements: &str) -> Result<(), SinkError> {
        match self.wait(self.client.batch_execute(statements)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// Runs statements without parameters, and returns the error of the database.
    pub(super) async fn attempt(&mut self, statements: &str) -> Result<(), Error> {
        self.wait(self.client.batch_execute(statements)).await
    }

    pub(super) async fn execute(
        &mut self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, SinkError> {
        match self.wait(self.client.execute(statement, parameters)).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.failed(error).await),
        }
    }

    pub(super) async fn all(
        &mut self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, SinkError> {
        match self.wait(self.client.query(query, parameters)).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.failed(error).await),
        }
    }

    async fn one(
        &mut self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, SinkError> {
        match self.wait(self.client.query_one(query, parameters)).await {
            Ok(row) => Ok(row),
            Err(error) => Err(self.failed(error).await),
        }
    }

    pub(super) async fn prepare(&mut self, statement: &str) -> Result<Statement, SinkError> {
        match self.wait(self.client.prepare(statement)).await {
            Ok(statement) => Ok(statement),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// Copies rows, and returns the error of the database, which names the row.
    pub(super) async fn copy(&mut self, statement: &Statement, rows: Bytes) -> Result<u64, Error> {
        use futures::SinkExt as _;
        self.wait(async {
            let mut copy = std::pin::pin!(self.client.copy_in(statement).await?);
            copy.send(rows).await?;
            copy.finish().await
        })
        .await
    }

    /// Runs a statement, and returns the number of rows written, or the error of the database.
    pub(super) async fn written(&mut self, statement: &str) -> Result<u64, Error> {
        self.wait(self.client.execute(statement, &[])).await
    }

    /// Describes an error without the password, which a server may quote.
    pub(super) async fn failed(&mut self, error: Error) -> SinkError {
        let error = self.explained(error).await;
        error.reworded(|text| self.secrets.redact(text).into_owned())
    }

    async fn explained(&mut self, error: Error) -> SinkError {
        // The error of the connection is more specific than that of the call.
        let ended = match (error.is_closed(), self.task.take()) {
            (true, Some(task)) => {
                self.is_lost = true;
                let ended = tokio::time::timeout(Duration::from_secs(1), task).await;
                ended.ok().and_then(Result::ok).and_then(Result::err)
            }
            (_, task) => {
                self.task = task;
                None
            }
        };
        let error = ended.unwrap_or(error);
        if self.is_stopped.load(Ordering::Relaxed) {
            return SinkError::stopped(format!("stopped while waiting for {}", self.place));
        }
        self.is_lost |= is_end(&error);
        if self.is_lost {
            let why = error.as_db_error().map_or_else(|| cause(&error), describe);
            let text = format!("the connection to {} was lost: {why}", self.place);
            return SinkError::unavailable(text);
        }
        match error.as_db_error() {
            Some(error) if *error.code() == SqlState::INSUFFICIENT_PRIVILEGE => {
                SinkError::new(format!(
                    "user {} lacks a privilege in {}: {}",
                    self.user,
                    self.place,
                    error.message()
                ))
            }
            Some(error) => of(error.code(), format!("{}: {}", self.place, describe(error))),
            None => SinkError::new(format!("{}: {}", self.place, cause(&error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Starts a server that refuses each connection with this message.
    async fn server(message: &str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let fields = format!("SFATAL\0VFATAL\0C28000\0M{message}\0D{message}\0\0");
        let mut answer = vec![b'E'];
        answer.extend_from_slice(&(fields.len() as u32 + 4).to_be_bytes());
        answer.extend_from_slice(fields.as_bytes());
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = [0; 4_096];
                let _ = connection.read(&mut request).await;
                let _ = connection.write_all(&answer).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn redacts_a_password_that_the_server_quotes() {
        let message = "no entry for postgres://me:top%2Dsecret@host/crm with password top-secret";
        let port = server(message).await;
        let url = format!("postgres://me:top%2Dsecret@127.0.0.1:{port}/crm?sslmode=disable");
        let mut target = Target::new(&url);
        target.table("queues").expect("a table");
        let error = Session::open(&target, None).await.map(drop).expect_err("refused");
        let text = format!("{error} {error:?} {target} {target:?}");
        assert!(text.contains("no entry for"), "{text}");
        assert!(!text.contains("top-secret") && !text.contains("top%2Dsecret"), "{text}");
    }
}
