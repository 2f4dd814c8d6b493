//! The tables of a replica, and the statements that change them.

use genesys_cloud_sinks::replica::{self, Connection, quoted, sql_type};

use crate::deletes::Deletes;
use crate::row::Scope;
use crate::schema::{PlaceKind, TableSchema};
use crate::target::TargetError;

/// The table of states.
pub(super) const TABLES: &str = "genesys_cloud_tables";

/// The table of reports. Exports write to it as well.
const RUNS: &str = "genesys_cloud_runs";

/// The staged records, and the parents whose lists were read.
pub(super) const STAGE: &str = "pg_temp.genesys_cloud_stage";
pub(super) const PARENTS: &str = "pg_temp.genesys_cloud_parents";

/// Creates the tables of states and reports.
pub(super) async fn prepare(connection: &mut Connection) -> Result<(), TargetError> {
    let schema = quoted(connection.schema());
    // Two first runs may be concurrent, also of exports.
    let create = format!(
        "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('genesys-cloud', 0)); \
         CREATE TABLE IF NOT EXISTS {schema}.{TABLES} (table_name text PRIMARY KEY, state json NOT NULL); \
         CREATE TABLE IF NOT EXISTS {schema}.{RUNS} (id text PRIMARY KEY, run text NOT NULL, \
         operation text NOT NULL, table_name text NOT NULL, started timestamptz NOT NULL, \
         ended timestamptz, exit text, verdict text, whole boolean, records bigint, \
         added bigint, updated bigint, unchanged bigint, report json NOT NULL); COMMIT"
    );
    Ok(connection.run(&create).await?)
}

/// The names of a table and its columns, quoted.
pub(super) struct Names {
    pub(super) table: String,
    pub(super) states: String,
    runs: String,
    /// The columns of the fields, with their types.
    fields: Vec<(String, &'static str)>,
    history: bool,
    deletes: Deletes,
    places: PlaceKind,
}

impl Names {
    pub(super) fn new(schema: &str, table: &TableSchema) -> Result<Self, TargetError> {
        let in_schema = |name: &str| format!("{}.{}", quoted(schema), quoted(name));
        let columns = table.columns.all();
        let names = replica::names(&table.columns)?;
        let types = columns.iter().map(|column| sql_type(column.kind));
        Ok(Self {
            table: in_schema(&table.name),
            states: in_schema(TABLES),
            runs: in_schema(RUNS),
            fields: names.iter().map(|name| quoted(name)).zip(types).collect(),
            history: table.history,
            deletes: table.deletes,
            places: table.places,
        })
    }

    /// The columns of the table other than those of the fields, with their types.
    fn metadata(&self) -> Vec<(&'static str, &'static str)> {
        let mut columns = vec![
            ("_key", "text NOT NULL"),
            ("_source_hash", "text NOT NULL"),
            ("_loaded_at", "timestamptz NOT NULL"),
            ("_run_id", "text NOT NULL"),
            ("_deleted_at", "timestamptz"),
        ];
        columns.extend_from_slice(match self.places {
            PlaceKind::List => &[],
            PlaceKind::Parent => &[("_parent", "text NOT NULL")],
            PlaceKind::Days => &[("_from_day", "date NOT NULL"), ("_to_day", "date NOT NULL")],
        });
        if self.history {
            columns.extend_from_slice(&[
                ("_valid_from", "timestamptz NOT NULL"),
                ("_valid_to", "timestamptz"),
                ("_is_current", "boolean NOT NULL"),
            ]);
        }
        columns
    }

    /// Creates the table.
    pub(super) fn create(&self) -> String {
        let fields = self.fields.iter().map(|(name, kind)| format!("{name} {kind}"));
        let metadata = self.metadata().into_iter().map(|(name, kind)| format!("{name} {kind}"));
        let columns: Vec<String> = fields.chain(metadata).collect();
        let unique = if self.history { " WHERE _is_current" } else { "" };
        let table = &self.table;
        format!(
            "BEGIN; CREATE TABLE {table} ({}); CREATE UNIQUE INDEX ON {table} (_key){unique}; COMMIT",
            columns.join(", ")
        )
    }

    /// Adds columns for fields that are new in the document. The rows then count as changed, so that the next run fills
    /// the columns. `None` if there are none.
    pub(super) fn widen(&self, found: &[String]) -> Option<String> {
        let is_new =
            |(name, _): &&(String, &str)| !found.iter().any(|found| quoted(found) == *name);
        let added: Vec<String> = self
            .fields
            .iter()
            .filter(is_new)
            .map(|(name, kind)| format!("ADD COLUMN {name} {kind}"))
            .collect();
        let table = &self.table;
        (!added.is_empty()).then(|| {
            format!(
                "BEGIN; ALTER TABLE {table} {}; UPDATE {table} t SET _source_hash = '' WHERE {}; COMMIT",
                added.join(", "),
                self.live()
            )
        })
    }

    /// Returns a metadata column that an existing table lacks.
    pub(super) fn missing(&self, found: &[String]) -> Option<&'static str> {
        let metadata = self.metadata().into_iter().map(|(name, _)| name);
        metadata.into_iter().find(|name| !found.iter().any(|found| found == name))
    }

    /// Creates the temporary tables.
    pub(super) fn create_stage(&self) -> String {
        let fields: Vec<String> =
            self.fields.iter().map(|(name, kind)| format!("{name} {kind}, ")).collect();
        format!(
            "CREATE TEMPORARY TABLE genesys_cloud_stage ({}_key text NOT NULL, _source_hash text NOT NULL, \
             _parent text, _from_day date, _to_day date, _is_fit boolean NOT NULL, \
             _row bigint GENERATED ALWAYS AS IDENTITY); \
             CREATE TEMPORARY TABLE genesys_cloud_parents (_key text NOT NULL, is_complete boolean NOT NULL, \
             _row bigint GENERATED ALWAYS AS IDENTITY)",
            fields.concat()
        )
    }

    /// Copies into the temporary table.
    pub(super) fn copy(&self) -> String {
        format!(
            "COPY {STAGE} ({}_key, _source_hash, _parent, _from_day, _to_day, _is_fit) FROM STDIN",
            self.list("")
        )
    }

    /// The columns of the fields, each followed by a comma.
    fn list(&self, prefix: &str) -> String {
        self.fields.iter().map(|(name, _)| format!("{prefix}{name}, ")).collect()
    }

    /// The columns of the place, each preceded by a comma.
    fn places(&self, prefix: &str) -> String {
        match self.places {
            PlaceKind::List => String::new(),
            PlaceKind::Parent => format!(", {prefix}_parent"),
            PlaceKind::Days => format!(", {prefix}_from_day, {prefix}_to_day"),
        }
    }

    /// The condition on a row `t` that its record is not deleted.
    pub(super) fn live(&self) -> &'static str {
        if self.history { "t._is_current" } else { "t._deleted_at IS NULL" }
    }

    /// The condition on a row `t` that it is in the scope.
    pub(super) fn scope(&self, scope: &Scope) -> String {
        match (scope, self.places) {
            (Scope::List, _) => "true".to_owned(),
            (Scope::Parents { has_all_parents }, PlaceKind::Parent) => {
                let of_parent = format!("SELECT FROM {PARENTS} p WHERE p._key = t._parent");
                let gone = if *has_all_parents {
                    format!(" OR NOT EXISTS ({of_parent})")
                } else {
                    String::new()
                };
                format!("(EXISTS ({of_parent} AND p.is_complete){gone})")
            }
            (Scope::Days(days), PlaceKind::Days) => {
                let days = days.iter().map(|days| {
                    format!("(t._from_day >= '{}' AND t._to_day <= '{}')", days.from, days.to)
                });
                format!("({})", days.collect::<Vec<_>>().join(" OR "))
            }
            _ => "false".to_owned(),
        }
    }

    /// Counts records that are new, changed, unchanged.
    pub(super) fn differences(&self) -> String {
        format!(
            "SELECT count(*) FILTER (WHERE t._key IS NULL), \
             count(*) FILTER (WHERE t._source_hash <> s._source_hash), \
             count(*) FILTER (WHERE t._source_hash = s._source_hash) \
             FROM {STAGE} s LEFT JOIN {} t ON t._key = s._key AND {} WHERE s._is_fit",
            self.table,
            self.live()
        )
    }

    /// Counts the rows of a scope, and those without a record.
    pub(super) fn missing_rows(&self, scope: &Scope) -> String {
        format!(
            "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM {STAGE} s WHERE s._key = t._key)) \
             FROM {} t WHERE {} AND {}",
            self.table,
            self.live(),
            self.scope(scope)
        )
    }

    /// The statements that apply the difference, with the run and the time as literals.
    pub(super) fn apply(
        &self,
        scope: &Scope,
        has_deletes: bool,
        run: &str,
        time: &str,
    ) -> Vec<String> {
        let (table, live) = (&self.table, self.live());
        let (run, time) = (literal(run), format!("{}::timestamptz", literal(time)));
        let mut statements = Vec::new();
        if self.places == PlaceKind::Days {
            // An unchanged record may have been read in further days.
            statements.push(format!(
                "UPDATE {table} t SET _from_day = least(t._from_day, s._from_day), \
                 _to_day = greatest(t._to_day, s._to_day) FROM {STAGE} s \
                 WHERE t._key = s._key AND {live} AND (s._from_day < t._from_day OR s._to_day > t._to_day)"
            ));
            // Those of a changed record include the earlier ones.
            statements.push(format!(
                "UPDATE {STAGE} s SET _from_day = least(t._from_day, s._from_day), \
                 _to_day = greatest(t._to_day, s._to_day) FROM {table} t \
                 WHERE t._key = s._key AND {live} AND (t._from_day < s._from_day OR t._to_day > s._to_day)"
            ));
        }
        if has_deletes {
            let missing = format!(
                "{live} AND {} AND NOT EXISTS (SELECT FROM {STAGE} s WHERE s._key = t._key)",
                self.scope(scope)
            );
            statements.push(match (self.deletes, self.history) {
                (Deletes::Remove, _) => format!("DELETE FROM {table} t WHERE {missing}"),
                (_, false) => format!("UPDATE {table} t SET _deleted_at = {time} WHERE {missing}"),
                (_, true) => format!(
                    "UPDATE {table} t SET _deleted_at = {time}, _valid_to = {time}, _is_current = false \
                     WHERE {missing}"
                ),
            });
        }
        let current = match self.history {
            true => {
                statements.push(format!(
                    "UPDATE {table} t SET _valid_to = {time}, _is_current = false FROM {STAGE} s \
                     WHERE t._key = s._key AND t._is_current AND s._is_fit AND t._source_hash <> s._source_hash"
                ));
                " AND t._is_current"
            }
            false => {
                let set = |name: &str| format!("{name} = s.{name}, ");
                let fields: String = self.fields.iter().map(|(name, _)| set(name)).collect();
                let places = match self.places {
                    PlaceKind::List => String::new(),
                    PlaceKind::Parent => set("_parent"),
                    PlaceKind::Days => set("_from_day") + &set("_to_day"),
                };
                statements.push(format!(
                    "UPDATE {table} t SET {fields}{places}_source_hash = s._source_hash, _loaded_at = {time}, \
                     _run_id = {run}, _deleted_at = NULL FROM {STAGE} s WHERE t._key = s._key AND s._is_fit \
                     AND (t._source_hash <> s._source_hash OR t._deleted_at IS NOT NULL)"
                ));
                ""
            }
        };
        let (versions, values) = match self.history {
            true => (", _valid_from, _is_current", format!(", {time}, true")),
            false => ("", String::new()),
        };
        statements.push(format!(
            "INSERT INTO {table} ({}_key, _source_hash, _loaded_at, _run_id{}{versions}) \
             SELECT {}s._key, s._source_hash, {time}, {run}{}{values} FROM {STAGE} s WHERE s._is_fit \
             AND NOT EXISTS (SELECT FROM {table} t WHERE t._key = s._key{current})",
            self.list(""),
            self.places(""),
            self.list("s."),
            self.places("s."),
        ));
        statements
    }

    /// Stores a report: `$1` the ID, `$2` the run, `$3` the table, `$4` the report.
    pub(super) fn report(&self) -> String {
        format!(
            "INSERT INTO {} (id, run, table_name, operation, started, ended, exit, verdict, whole, records, added, \
             updated, unchanged, report) SELECT $1::text, $2::text, $3::text, r->>'operation', \
             (r->>'time')::timestamptz, now(), CASE WHEN (r->>'is_complete')::boolean THEN 'complete' END, \
             r->>'verdict', (r->>'is_complete')::boolean, \
             (r->>'inserted')::bigint + (r->>'changed')::bigint + (r->>'unchanged')::bigint, \
             (r->>'inserted')::bigint, (r->>'changed')::bigint, (r->>'unchanged')::bigint, r \
             FROM (SELECT $4::text::json) AS given (r)",
            self.runs
        )
    }
}

/// Quotes a text as a literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
