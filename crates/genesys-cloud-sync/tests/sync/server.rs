//! A PostgreSQL server on loopback, if installed.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The user `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// A server, stopped on drop.
pub(crate) struct Server {
    folder: TempDir,
    pg_ctl: PathBuf,
    port: u16,
}

impl Server {
    /// Starts a server. `None`, with a message, if PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let debian = debian.map(|version| version.path().join("bin"));
        let mut places = std::env::split_paths(&path).chain(debian).map(|it| it.join("pg_ctl"));
        let Some(pg_ctl) = places.find(|program| program.is_file()) else {
            // `eprintln` is captured.
            let _ = writeln!(std::io::stderr(), "skipped: PostgreSQL is not installed");
            return None;
        };
        // The folder of Debian's programs, where `initdb` finds its files.
        let pg_ctl = pg_ctl.canonicalize().expect("a path");
        let folder = tempfile::tempdir().expect("a folder");
        if is_root() {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("an owner");
        }
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr();
        let server = Self { folder, pg_ctl, port: port.expect("an address").port() };
        let initdb = server.pg_ctl.with_file_name("initdb");
        server.run(
            &initdb,
            &[
                "--pgdata=data",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
        );
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off",
            server.port,
            server.folder.path().display()
        );
        server.run(
            &server.pg_ctl,
            &["start", "--pgdata=data", "--wait", "--log=log", "--options", &options],
        );
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let connected = tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// Runs a program of PostgreSQL, not as root.
    fn run(&self, program: &Path, arguments: &[&str]) {
        let mut command = Command::new(program);
        if is_root() {
            command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]);
            command.arg(program);
        }
        let done = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("a program");
        assert!(done.success(), "{} {arguments:?}", program.display());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run(&self.pg_ctl, &["stop", "--pgdata=data", "--mode=immediate"]);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}
