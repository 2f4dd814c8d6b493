//! An API that accepts a job and reports it done after a given time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub struct Server {
    url: String,
    polls: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(run_time: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = polls.clone();
        let begun = Instant::now();
        let task = tokio::spawn(async move {
            // One connection at a time: the only client sends its requests one by one.
            while let Ok((stream, _)) = listener.accept().await {
                // The client reports broken connections.
                let _ = serve(stream, begun, run_time, &counted).await;
            }
        });
        Ok(Self { url, polls, task })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number of polls.
    pub fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    begun: Instant,
    run_time: Duration,
    polls: &AtomicUsize,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await?;
        let body = if head.starts_with("GET") {
            polls.fetch_add(1, Ordering::Relaxed);
            let state = if begun.elapsed() >= run_time { "DONE" } else { "RUNNING" };
            format!(r#"{{"state":"{state}"}}"#)
        } else {
            r#"{"id":"1"}"#.to_owned()
        };
        let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(reply.as_bytes()).await?;
    }
}
