//! PostgreSQL and Redis servers for tests, if installed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

/// A free port.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Finds a program on the path, or in one of these folders.
fn program(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(folders);
    places.map(|folder| folder.join(name)).find(|program| program.is_file())
}

pub(crate) fn skipped(what: &str) {
    // `eprintln` is captured.
    let _ = writeln!(std::io::stderr(), "skipped: {what} is not installed");
}

/// A PostgreSQL server, stopped on drop.
pub(crate) struct Postgres {
    folder: TempDir,
    pg_ctl: PathBuf,
    port: u16,
    /// Additional options.
    options: &'static str,
}

impl Postgres {
    pub(crate) const PASSWORD: &'static str = "pw-of-the-test";

    /// The server that concurrent tests share. `None`, with a message, if PostgreSQL is not installed.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    /// A separate server.
    pub(crate) fn start() -> Option<Self> {
        Self::prepare("").inspect(Self::resume)
    }

    /// A server with TLS, and its self-signed certificate for `localhost`.
    /// `None` if `openssl` is not installed.
    pub(crate) fn with_tls() -> Option<(Self, PathBuf)> {
        let openssl = installed("openssl", "openssl")?;
        let server =
            Self::prepare(" -c ssl=on -c ssl_cert_file=../tls.pem -c ssl_key_file=../tls.key")?;
        server.run(&openssl, &CERTIFICATE.split_whitespace().collect::<Vec<_>>());
        server.resume();
        let certificate = server.folder.path().join("tls.pem");
        Some((server, certificate))
    }

    /// Prepares a server without starting it.
    fn prepare(options: &'static str) -> Option<Self> {
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
        let debian = debian.flatten().map(|version| version.path().join("bin"));
        let Some(pg_ctl) = program("pg_ctl", debian) else {
            skipped("PostgreSQL");
            return None;
        };
        // The folder of Debian's programs, where `initdb` finds its files.
        let pg_ctl = pg_ctl.canonicalize().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), Self::PASSWORD).unwrap();
        if is_root() {
            for path in [folder.path().to_owned(), folder.path().join("password")] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let server = Self { folder, pg_ctl, port: port(), options };
        let initdb = server.pg_ctl.with_file_name("initdb");
        server.run(
            &initdb,
            &[
                "--pgdata=data",
                "--username=postgres",
                "--pwfile=password",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ],
        );
        Some(server)
    }

    /// Starts or restarts the server.
    pub(crate) fn resume(&self) {
        let folder = self.folder.path().display();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off \
             -c shared_buffers=16MB -c max_connections=40{}",
            self.port, self.options
        );
        self.run(
            &self.pg_ctl,
            &["start", "--pgdata=data", "--wait", "--log=log", "--options", &options],
        );
    }

    /// Stops the server like a crash.
    pub(crate) fn crash(&self) {
        self.run(&self.pg_ctl, &["stop", "--pgdata=data", "--mode=immediate"]);
    }

    /// Runs a program of PostgreSQL, not as root.
    fn run(&self, program: &Path, arguments: &[&str]) {
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                let nobody = NOBODY.to_string();
                command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]);
                command.arg(program);
                command
            }
            false => Command::new(program),
        };
        let done = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // The server must not keep a pipe open: it outlives the test.
            .stderr(std::fs::File::create(self.folder.path().join("err")).unwrap())
            .status()
            .unwrap();
        let err = std::fs::read_to_string(self.folder.path().join("err"));
        assert!(done.success(), "{} {arguments:?}: {err:?}", program.display());
    }

    /// The URL of the database, without the password.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let mut config: tokio_postgres::Config = self.url().parse().unwrap();
        config.password(Self::PASSWORD);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

/// What a proxy drops of a COMMIT.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// The response.
    Answer,
    /// The COMMIT.
    Request,
}

/// Forwards everything to a server, except the first COMMIT after a message with this text. After that, it either
/// forwards everything or accepts no connections.
pub(crate) struct Proxy {
    port: u16,
}

impl Proxy {
    pub(crate) async fn before(server: &Postgres, cut: Cut, after: &'static str) -> Self {
        Self::run(server, cut, after, false).await
    }

    /// Creates a proxy that forwards everything afterwards.
    pub(crate) async fn once(server: &Postgres, cut: Cut, after: &'static str) -> Self {
        Self::run(server, cut, after, true).await
    }

    async fn run(server: &Postgres, cut: Cut, after: &'static str, comes_back: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, server) = (listener.local_addr().unwrap().port(), server.port);
        tokio::spawn(async move {
            let has_cut = Arc::new(AtomicBool::new(false));
            while let Ok((client, _)) = listener.accept().await {
                let is_over = has_cut.load(Ordering::Relaxed);
                if is_over && !comes_back {
                    continue;
                }
                let after = if is_over { "never to be said" } else { after };
                let has_cut = has_cut.clone();
                let server = tokio::net::TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(passed_on(client, server, cut, after, has_cut));
            }
        });
        Self { port }
    }

    /// Replaces the server in a URL with the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        let (before, rest) = url.rsplit_once(':').unwrap();
        let path = rest.split_once('/').map(|(_, path)| path).unwrap();
        format!("{before}:{}/{path}", self.port)
    }
}

async fn passed_on(
    mut client: tokio::net::TcpStream,
    mut server: tokio::net::TcpStream,
    cut: Cut,
    after: &str,
    has_cut: Arc<AtomicBool>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let (mut is_armed, mut is_committing) = (false, false);
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let asked = &asked[..read.unwrap_or(0)];
                is_armed |= has(asked, after);
                // The client waits for each response, so the message contains nothing else.
                is_committing = is_armed && has(asked, "COMMIT\0");
                has_cut.fetch_or(is_committing, Ordering::Relaxed);
                if asked.is_empty() || is_committing && matches!(cut, Cut::Request) {
                    return;
                }
                if server.write_all(asked).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let answered = &answered[..read.unwrap_or(0)];
                // The server has committed by now.
                if answered.is_empty() || is_committing {
                    return;
                }
                if client.write_all(answered).await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.crash();
        }
    }
}

/// The user without privileges.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Arguments of `openssl` for a certificate for `localhost` and its key.
const CERTIFICATE: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -keyout tls.key -out tls.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -addext basicConstraints=critical,CA:FALSE";

/// Finds a program. `None`, with a message, if it is not installed.
pub(crate) fn installed(name: &str, called: &str) -> Option<PathBuf> {
    let found = program(name, []);
    if found.is_none() {
        skipped(called);
    }
    found
}

/// A Redis server, killed on drop.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Redis {
    /// Starts a server. `None`, with a message, if Redis is not installed.
    pub(crate) fn start(password: Option<&str>) -> Option<Self> {
        let program = installed("redis-server", "Redis")?;
        let port = port();
        let mut options = vec!["--port".to_owned(), port.to_string()];
        if let Some(password) = password {
            options.extend(["--requirepass".to_owned(), password.to_owned()]);
        }
        Some(Self::run(&program, tempfile::tempdir().unwrap(), port, &options))
    }

    /// Starts a server with TLS only, and returns its certificate. `None` if Redis or `openssl` is not installed, or Redis was
    /// built without TLS.
    pub(crate) fn with_tls() -> Option<(Self, PathBuf)> {
        let program = installed("redis-server", "Redis")?;
        let openssl = installed("openssl", "openssl")?;
        // An invalid value ends the server, and its message shows whether the option is supported.
        let refused = Command::new(&program).args(["--tls-port", "none"]).output().unwrap();
        if String::from_utf8_lossy(&refused.stderr).contains("Bad directive") {
            skipped("Redis with TLS");
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), port());
        let made = Command::new(openssl)
            .args(CERTIFICATE.split_whitespace())
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let options = format!(
            "--port 0 --tls-port {port} --tls-cert-file tls.pem --tls-key-file tls.key --tls-auth-clients no"
        );
        let options: Vec<_> = options.split_whitespace().map(str::to_owned).collect();
        let server = Self::run(&program, folder, port, &options);
        let certificate = server.folder.path().join("tls.pem");
        Some((server, certificate))
    }

    fn run(program: &Path, folder: TempDir, port: u16, options: &[String]) -> Self {
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--daemonize", "no"]).args(options);
        let mut child = command.current_dir(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("eady to accept connections")));
        // Keep reading, or the server blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port, folder }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
