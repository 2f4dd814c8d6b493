//! Loads all users into the table `users` of a PostgreSQL database: prints a script for `psql`.
//!
//! `cargo run -p genesys-cloud --example users_to_postgres | psql --set ON_ERROR_STOP=1 DATABASE`
//!
//! The script is one transaction, which is committed only if the list was read completely.

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;
use std::io::{BufWriter, Write as _, stdout};

use genesys_cloud::Verdict;
use genesys_cloud::test_util::mock::MockOrg;

const BEGIN: &str = "\
BEGIN;
CREATE TABLE IF NOT EXISTS users (id text PRIMARY KEY, name text, email text, state text, skills jsonb);
CREATE TEMPORARY TABLE incoming (LIKE users) ON COMMIT DROP;
COPY incoming (id, name, email, state, skills) FROM STDIN;
";
const COMMIT: &str = "\
\\.
INSERT INTO users SELECT * FROM incoming ON CONFLICT (id) DO UPDATE
    SET name = excluded.name, email = excluded.email, state = excluded.state, skills = excluded.skills;
COMMIT;
";

/// A value in PostgreSQL's text format for COPY.
fn field(value: Option<&str>) -> String {
    let Some(value) = value else { return "\\N".to_owned() };
    // A text of PostgreSQL can't hold NUL.
    let value = value.replace('\\', "\\\\").replace('\0', "\u{fffd}");
    value.replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _fake) = support::connect(MockOrg::builder().list("getUsers", 1_000)).await?;

    // Without `state`, the API lists active users only.
    let mut users = client.users().users().state("any").expand(["skills"]).paginate();
    let mut out = BufWriter::new(stdout().lock());
    out.write_all(BEGIN.as_bytes())?;
    while let Some(user) = users.try_next().await? {
        let skills = serde_json::to_string(&user.skills)?;
        let columns = [
            field(user.id.as_deref()),
            field(user.name.as_deref()),
            field(user.email.as_deref()),
            field(user.state.as_ref().map(|state| state.as_str())),
            field(Some(&skills)),
        ];
        writeln!(out, "{}", columns.join("\t"))?;
    }
    match users.report().verdict() {
        Verdict::Complete => out.write_all(COMMIT.as_bytes())?,
        incomplete => {
            writeln!(out, "\\.\nROLLBACK;")?;
            return Err(incomplete.to_string().into());
        }
    }
    Ok(out.flush()?)
}
