//! A server that echoes credentials and sends terminal escape sequences.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::tempdir;
use tokio::process::Command;

use crate::{Outcome, run_in};

const ID: &str = "the-client-id";
const SECRET: &str = "hunter2/the+client&secret";
const TOKEN: &str = "hunter3-the-access-token";

/// A server that responds to each request, given its head, with complete responses.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (requests.clone(), Arc::new(answer));
        // The thread ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let head = head(&mut stream);
                    log.lock().unwrap().push(head.clone());
                    let _ = stream.write_all(answer(&head).as_bytes());
                });
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads the head and the body of a request.
fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap_or(0);
        text.extend_from_slice(&part[..read]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else {
            if read == 0 {
                return so_far;
            }
            continue;
        };
        let length = header(head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        if read == 0 || body.len() >= length {
            return so_far;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn reply(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

fn token() -> String {
    let grant = json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": 86400});
    reply(200, "content-type: application/json\r\n", &grant.to_string())
}

async fn program(server: &Server, folder: &Path, arguments: &[&str]) -> Outcome {
    let environment = [
        ("GENESYS_CLOUD_API_URL", server.url.clone()),
        ("GENESYS_CLOUD_LOGIN_URL", server.url.clone()),
        ("GENESYS_CLOUD_CLIENT_ID", ID.to_owned()),
        ("GENESYS_CLOUD_CLIENT_SECRET", SECRET.to_owned()),
    ];
    run_in(&environment, None, folder, arguments).await
}

/// The content of all files in a folder.
fn files(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        text += &match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned(),
        };
    }
    text
}

fn encodings(text: &str) -> Vec<String> {
    let each = |encode: &dyn Fn(u8) -> String| text.bytes().map(encode).collect::<String>();
    vec![
        text.to_owned(),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("\\u{byte:04X}")),
        text.replace('/', "\\/"),
        STANDARD.encode(format!("{ID}:{text}")),
        STANDARD.encode(text),
    ]
}

const COMMANDS: [&[&str]; 4] = [
    &["whoami"],
    &["call", "getRoutingQueues", "--log", "json"],
    &["export", "routing.queues", "--out", "queues.csv"],
    &["export", "routing.queues", "--out", "others.jsonl", "--log", "json"],
];

#[tokio::test]
async fn no_output_contains_credentials_that_a_server_echoes() {
    let kinds = encodings(SECRET).len();
    for of_login in [true, false] {
        let count = AtomicUsize::new(0);
        let server = Server::start(move |head| {
            let is_login = head.starts_with("POST /oauth/token");
            if is_login && !of_login {
                return token();
            }
            let sent = header(head, "authorization").unwrap_or_default();
            let value = sent.split(' ').nth(1).unwrap_or_default();
            let plain = if is_login { SECRET } else { value };
            let echo = encodings(plain)[count.fetch_add(1, Ordering::Relaxed) % kinds].clone();
            let body = json!({
                "message": format!("you sent {sent}, which is {echo}"), "code": echo,
                "error": "invalid_client", "contextId": echo,
            });
            reply(400, "content-type: application/json\r\n", &body.to_string())
        });
        let folder = tempdir().unwrap();
        let mut shown = String::new();
        for _ in 0..kinds {
            for command in COMMANDS {
                let done = program(&server, folder.path(), command).await;
                assert_ne!(done.code, Some(0), "{command:?}");
                assert!(done.err.contains("[redacted]"), "{command:?}: {}", done.err);
                shown += &(done.out + &done.err);
            }
        }
        shown += &files(folder.path());
        for trace in [SECRET, TOKEN].into_iter().flat_map(encodings) {
            let trace = &trace[4..trace.len() - 4];
            assert!(!shown.contains(trace), "{trace} in {shown}");
        }
    }
}

#[tokio::test]
async fn text_from_a_server_does_not_control_the_terminal() {
    let acting = "\u{1b}[2J\u{9b}1m\u{202e}\u{2066}\u{200f}\u{8}\rerror: all is well";
    let server = Server::start(move |head| {
        let json = "content-type: application/json\r\n";
        let body = |fields: serde_json::Value| fields.to_string();
        match head.split(' ').nth(1).unwrap_or_default() {
            "/oauth/token" => token(),
            "/api/v2/tokens/me" => {
                let name = json!({"organization": {"name": acting, "id": acting}});
                reply(200, json, &body(name))
            }
            "/api/v2/users/me" => reply(200, json, &body(json!({ "name": acting }))),
            _ => reply(400, json, &body(json!({"message": acting.repeat(1_000), "code": acting}))),
        }
    });
    let folder = tempdir().unwrap();
    let is_acting = |char: char| {
        char.is_control() && !matches!(char, '\n' | '\t')
            || "\u{202e}\u{2066}\u{200f}".contains(char)
    };
    for command in COMMANDS {
        let done = program(&server, folder.path(), command).await;
        for text in [&done.out, &done.err] {
            assert!(!text.contains(is_acting), "{command:?}: {text:?}");
            assert!(text.len() < 10_000, "{command:?}: {}", text.len());
        }
        if command[0] != "whoami" {
            assert!(done.err.contains("\\u001b[2J"), "{}", done.err);
            assert!(done.err.contains("\\u009b1m") && done.err.contains("\\u202e"), "{}", done.err);
        }
    }
    let whoami = program(&server, folder.path(), &["whoami"]).await;
    assert!(whoami.done().contains("organization  \\u001b[2J"), "{}", whoami.out);
    // Piped output is unchanged.
    let me = program(&server, folder.path(), &["call", "getUsersMe"]).await;
    let read: serde_json::Value = serde_json::from_str(me.done()).unwrap();
    assert_eq!(read["name"], acting);
    // Output on a terminal.
    let terminal = Command::new("script")
        .args([
            "-qec",
            &format!("{} call getUsersMe", env!("CARGO_BIN_EXE_genesys-cloud")),
            "/dev/null",
        ])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GENESYS_CLOUD_API_URL", &server.url)
        .env("GENESYS_CLOUD_ACCESS_TOKEN", TOKEN)
        .output()
        .await;
    // Skipped if the program is not installed.
    if let Ok(terminal) = terminal {
        let text = String::from_utf8_lossy(&terminal.stdout).replace("\r\n", "\n");
        assert!(text.contains("\\u009b1m\\u202e") && !text.contains(is_acting), "{text:?}");
    }
}

#[tokio::test]
async fn plain_http_bypasses_the_system_proxy() {
    let server = Server::start(|head| match head.starts_with("POST /oauth/token") {
        true => token(),
        false => reply(200, "content-type: application/json\r\n", "{}"),
    });
    let proxy = Server::start(|_| reply(502, "", ""));
    let folder = tempdir().unwrap();
    let names =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let far = "https://gw.example.invalid".to_owned();
    for (login, tunnels) in [(&server.url, false), (&far, true)] {
        let mut environment = vec![
            ("GENESYS_CLOUD_API_URL", server.url.clone()),
            ("GENESYS_CLOUD_LOGIN_URL", login.clone()),
            ("GENESYS_CLOUD_CLIENT_ID", ID.to_owned()),
            ("GENESYS_CLOUD_CLIENT_SECRET", SECRET.to_owned()),
        ];
        environment.extend(names.map(|name| (name, proxy.url.clone())));
        let before = proxy.requests().len();
        let done = run_in(&environment, None, folder.path(), &["whoami"]).await;
        let new = proxy.requests().split_off(before);
        assert_eq!(!new.is_empty(), tunnels, "{login}: {}", done.err);
        assert_eq!(done.code == Some(0), !tunnels, "{}", done.err);
        let is_tunnel = |request: &String| {
            request.starts_with("CONNECT gw.example.invalid:443 ")
                && header(request, "authorization").is_none()
        };
        assert!(new.iter().all(is_tunnel), "{new:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_what_a_failed_export_leaves() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = Server::start(|head| {
        let json = "content-type: application/json\r\n";
        match head.split(' ').nth(1).unwrap_or_default() {
            "/oauth/token" => token(),
            path if path.contains("pageNumber=2") => reply(404, json, "{}"),
            _ => {
                let queues: Vec<_> = (0..100).map(|n| json!({"id": n.to_string()})).collect();
                let page = json!({
                    "entities": queues, "pageNumber": 1, "pageSize": 100, "pageCount": 3, "total": 300,
                });
                reply(200, json, &page.to_string())
            }
        }
    });
    let folder = tempdir().unwrap();
    let arguments = [
        "export",
        "routing.queues",
        "--out",
        "queues.jsonl",
        "--batch",
        "50",
        "--page-size",
        "100",
    ];
    let done = program(&server, folder.path(), &arguments).await;
    assert_ne!(done.code, Some(0), "{}", done.err);
    let mut names = Vec::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                folders.push(entry.path());
                continue;
            }
            assert_eq!(about.permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
            names.push(entry.file_name());
        }
    }
    assert!(names.len() >= 2, "{names:?}: {}", done.err);
}
