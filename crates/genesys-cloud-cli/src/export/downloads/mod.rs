//! `--download`: fetches the files that records refer to, before the records are committed.

mod field;
mod manifest;
mod name;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use genesys_cloud_catalogue::Schema;
use genesys_cloud_core::{Client, Download, lenient};
use genesys_cloud_sinks::{Columns, FileFolder, Watch};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use url::{Host, Url};

use self::field::UrlField;
use self::manifest::{Entry, Known, Manifest, Status};
use super::reader::Raw;
use crate::failure::{Exit, Failure};
use crate::locations::Folder;
use crate::resolve::{nearest, quoted};
use crate::settings::DownloadSettings;

/// Which files to download, and to where.
#[derive(Clone)]
pub(super) struct DownloadPlan {
    field: UrlField,
    /// The fields whose values name a file.
    key: Vec<String>,
    to: Folder,
    /// Maximum size of a file in bytes.
    most: u64,
    concurrency: usize,
}

/// Downloads the files of records.
pub(super) struct Downloads<'a> {
    plan: &'a DownloadPlan,
    client: &'a Client,
    run: String,
    manifest: Manifest,
    stop: Arc<Notify>,
    /// Files fetched, and their total size.
    fetched: u64,
    bytes: u64,
    /// Files that an earlier run has fetched.
    present: u64,
}

/// A file to fetch.
struct Task {
    name: String,
    key: Map<String, Value>,
    /// ID of the record.
    record: Option<String>,
    path: String,
    url: String,
    shown: Option<String>,
}

/// A complete file.
struct Fetched {
    file: String,
    bytes: u64,
    sha256: String,
    content_type: Option<String>,
}

/// Why a file was not fetched.
enum Fault {
    /// The file.
    File(String),
    /// The folder.
    Folder(Failure),
}

impl DownloadPlan {
    /// Plans the downloads. `known`: the fields that identify a record, by default. `item`: the schema of the records.
    pub(super) fn new(
        settings: &DownloadSettings,
        known: Vec<String>,
        columns: &Columns,
        (item, unchecked): (Option<&Schema>, bool),
    ) -> Result<Self, Failure> {
        let field = UrlField::new(&settings.field, item, unchecked)?;
        let is_default = settings.key.is_empty();
        let key = if is_default { known } else { settings.key.clone() };
        let paths = || columns.all().iter().map(|column| column.path.clone());
        let has = |name: &String| paths().any(|path| path == *name);
        let is_field =
            |name: &&String| unchecked || item.is_none() || has(name) || is_property(item, name);
        if let Some(missing) = key.iter().find(|name| !is_field(name)) {
            return Err(match is_default {
                true => Failure::usage(format!(
                    "--download: the records have no field `{missing}` to name files"
                ))
                .advise("name the fields that identify a record with --download-key"),
                false => {
                    let failure = Failure::usage(format!(
                        "--download-key: records have no field `{missing}`"
                    ));
                    let near = nearest(missing, paths(), 2);
                    match near.is_empty() {
                        false => failure.advise(format!("did you mean {}?", quoted(&near))),
                        true => failure.advise(format!(
                            "expected one of {}",
                            paths().collect::<Vec<_>>().join(", ")
                        )),
                    }
                }
            });
        }
        let most = settings.max_mib.saturating_mul(1 << 20);
        Ok(Self { field, key, to: settings.to.clone(), most, concurrency: settings.concurrency })
    }

    fn folder(&self) -> Result<FileFolder, Failure> {
        match &self.to {
            Folder::Local(path) => Ok(FileFolder::local(path)),
            #[cfg(feature = "buckets")]
            Folder::Bucket(folder) => FileFolder::bucket(folder).map_err(Failure::from),
        }
    }
}

/// Returns whether the document describes a field of the records, which `--fields` may omit.
fn is_property(item: Option<&Schema>, path: &str) -> bool {
    item.is_some_and(|item| matches!(genesys_cloud_sinks::find(item, path), Ok(Some(_))))
}

impl<'a> Downloads<'a> {
    /// Opens the folder. `run`: the ID of the export; `stop` is notified if the user wants to stop.
    pub(super) async fn open(
        plan: &'a DownloadPlan,
        client: &'a Client,
        run: &str,
        (stop, watch): (Arc<Notify>, Watch),
    ) -> Result<Self, Failure> {
        let manifest = Manifest::open(plan.folder()?, run, watch).await?;
        let run = run.to_owned();
        Ok(Self { plan, client, run, manifest, stop, fetched: 0, bytes: 0, present: 0 })
    }

    /// Fetches the files of these records that are missing. A file that can't be fetched is noted in the manifest.
    pub(super) async fn fetch(&mut self, records: &[Raw]) -> Result<(), Failure> {
        let mut tasks = Vec::new();
        for record in records {
            let found = self.plan.field.find(record);
            if found.is_empty() {
                continue;
            }
            let (key, values) = self.key(record);
            let id = lenient::at(record.get(), "/id").and_then(|id| lenient::text(id, false));
            let id = id.map(|(id, _)| id.into_owned());
            for found in found {
                let name = name::stem(&values, &found.path);
                let url = found.url.unwrap_or_default();
                let shown = shown(&url);
                let (key, record) = (key.clone(), id.clone());
                let mut task = Task { name, key, record, path: found.path, url, shown };
                // Records without an ID are told apart by their URLs.
                let owner = task.record.clone().or_else(|| task.shown.clone()).unwrap_or_default();
                if task.key.values().any(Value::is_null) {
                    self.fail(task, "the record has no value for a field of its key")?;
                } else if task.url.is_empty() {
                    self.fail(task, "the value is not a text")?;
                } else {
                    match self.manifest.look_up(&task.name, &owner) {
                        Known::Nothing => tasks.push(task),
                        Known::Done { is_repeated } => self.present += u64::from(!is_repeated),
                        Known::Taken => {
                            task.record = Some(owner);
                            let why = "another file has this name; choose more fields with --download-key";
                            self.fail(task, why)?;
                        }
                    }
                }
            }
        }
        // A record may be repeated in a batch.
        tasks.sort_by(|a, b| a.name.cmp(&b.name));
        tasks.dedup_by(|a, b| a.name == b.name);
        let fetched = self.fetch_all(tasks).await;
        let flushed = self.manifest.flush().await.map_err(Failure::from);
        fetched.and(flushed)
    }

    /// Fetches files, and notes each in the manifest as soon as it is complete.
    async fn fetch_all(&mut self, tasks: Vec<Task>) -> Result<(), Failure> {
        let (client, most, folder) = (self.client, self.plan.most, self.manifest.folder.clone());
        let (stop, folder) = (self.stop.clone(), &folder);
        let fetches = stream::iter(tasks).map(|task| async move {
            let fetched = fetch(client, folder, &task, most).await;
            (task, fetched)
        });
        let mut fetches = std::pin::pin!(fetches.buffer_unordered(self.plan.concurrency));
        loop {
            let next = tokio::select! {
                biased;
                () = stop.notified() => {
                    let why = "stopped while downloading files";
                    return Err(Failure::new(Exit::Interrupted, why));
                }
                next = fetches.next() => next,
            };
            match next {
                None => return Ok(()),
                Some((task, Ok(file))) => {
                    self.fetched += 1;
                    self.bytes += file.bytes;
                    let entry = self.entry(task, Status::Done);
                    self.manifest.add(&Entry {
                        file: Some(file.file),
                        bytes: Some(file.bytes),
                        sha256: Some(file.sha256),
                        content_type: file.content_type,
                        ..entry
                    })?;
                }
                Some((task, Err(Fault::File(why)))) => self.fail(task, &why)?,
                Some((_, Err(Fault::Folder(error)))) => return Err(error),
            }
            self.manifest.flush_if_due().await?;
        }
    }

    /// Returns the values of the key, as JSON and as text. A missing value is null.
    fn key(&self, record: &Raw) -> (Map<String, Value>, Vec<String>) {
        let mut key = Map::new();
        let mut values = Vec::new();
        for name in &self.plan.key {
            let plain = name.replace('~', "~0").replace('/', "~1");
            let json = lenient::at(record.get(), &format!("/{plain}"))
                .or_else(|| lenient::at(record.get(), &format!("/{}", plain.replace('.', "/"))));
            let json = json.unwrap_or("null");
            let text = match lenient::text(json, false) {
                Some((text, _)) => Some(text.into_owned()),
                None => lenient::number(json).map(|_| json.to_owned()),
            };
            let text = text.filter(|text| !text.is_empty());
            key.insert(name.clone(), json!(text));
            values.push(text.unwrap_or_default());
        }
        (key, values)
    }

    fn entry(&self, task: Task, status: Status) -> Entry {
        Entry {
            key: task.key,
            record: task.record,
            field: task.path,
            url: task.shown,
            status,
            name: task.name,
            file: None,
            bytes: None,
            sha256: None,
            content_type: None,
            error: None,
            time: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            run: self.run.clone(),
        }
    }

    fn fail(&mut self, task: Task, why: &str) -> Result<(), Failure> {
        let entry = self.entry(task, Status::Failed);
        self.manifest.add(&Entry { error: Some(why.to_owned()), ..entry })
    }

    /// Returns the number of files that could not be fetched.
    pub(super) fn failed(&self) -> u64 {
        self.manifest.failed()
    }

    /// Returns the facts for the report.
    pub(super) fn facts(&self) -> Value {
        json!({
            "fetched": self.fetched,
            "bytes": self.bytes,
            "present": self.present,
            "failed": self.failed(),
            "manifest": self.manifest.folder.journal(),
        })
    }
}

/// Fetches a file and publishes it.
async fn fetch(
    client: &Client,
    folder: &FileFolder,
    task: &Task,
    most: u64,
) -> Result<Fetched, Fault> {
    let of_folder = |error: genesys_cloud_sinks::SinkError| Fault::Folder(error.into());
    let of_file = |error: genesys_cloud_core::Error| Fault::File(format!("{error:#}"));
    if is_inside(&task.url) && !is_inside(client.identity().base_url()) {
        let why = "the URL of the file was rejected: it is an address of this machine or network";
        return Err(Fault::File(why.to_owned()));
    }
    let mut download = Download::new(client, &task.url).map_err(of_file)?;
    let too_large =
        || Fault::File(format!("it is larger than --max-file-size, {} MiB", most >> 20));
    let (mut sum, mut length) = (Sha256::new(), 0_u64);
    let mut bytes = download.try_next().await.map_err(of_file)?;
    if download.length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let content_type = download.content_type().map(str::to_owned);
    let end = name::extension(content_type.as_deref(), &task.url);
    let name = format!("{}.{end}", task.name);
    let mut file = folder.create(&name).map_err(of_folder)?;
    while let Some(part) = bytes {
        length += part.len() as u64;
        if length > most {
            file.discard().await;
            return Err(too_large());
        }
        sum.update(&part);
        file.write(&part).await.map_err(of_folder)?;
        bytes = match download.try_next().await {
            Ok(bytes) => bytes,
            Err(error) => {
                file.discard().await;
                return Err(of_file(error));
            }
        };
    }
    file.publish().await.map_err(of_folder)?;
    let sha256 = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Fetched { file: name, bytes: length, sha256, content_type })
}

/// Returns a URL without its query and fragment. `None` if it has a user name or password, or is not a URL.
fn shown(url: &str) -> Option<String> {
    let url = url.trim();
    if url.starts_with('/') && !url.starts_with("//") {
        return Some(url.split(['?', '#']).next().unwrap_or_default().to_owned());
    }
    let mut url = Url::parse(url).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

/// Returns whether the host of a URL is this machine, or an address of a private network.
fn is_inside(url: &str) -> bool {
    let Ok(url) = Url::parse(url.trim()) else { return false };
    let v4 = |ip: Ipv4Addr| {
        ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
    };
    let v6 = |ip: Ipv6Addr| {
        let is_own = ip.is_loopback() || ip.is_unspecified();
        is_own || ip.is_unique_local() || ip.is_unicast_link_local()
    };
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => v4(ip),
        Some(Host::Ipv6(ip)) => match IpAddr::V6(ip).to_canonical() {
            IpAddr::V4(ip) => v4(ip),
            IpAddr::V6(ip) => v6(ip),
        },
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_has_no_secret_of_a_url() {
        for (url, expected) in [
            (
                "https://b.s3.amazonaws.com/a.wav?X-Amz-Signature=S",
                Some("https://b.s3.amazonaws.com/a.wav"),
            ),
            ("/api/v2/downloads/1?token=S#S", Some("/api/v2/downloads/1")),
            ("https://me:S@host/a", None),
            ("https://S@host/a", None),
            ("not a URL S", None),
        ] {
            assert_eq!(shown(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn recognizes_addresses_of_this_machine_and_network() {
        for (url, is) in [
            ("https://127.0.0.1/a", true),
            ("https://2130706433/a", true),
            ("https://0x7f.1/a", true),
            ("https://169.254.169.254/latest/meta-data", true),
            ("https://10.0.0.1/a", true),
            ("https://192.168.1.1/a", true),
            ("https://[::1]/a", true),
            ("https://[::ffff:127.0.0.1]/a", true),
            ("https://[fe80::1]/a", true),
            ("https://localhost:8443/a", true),
            ("https://a.localhost./a", true),
            ("https://example.com/127.0.0.1", false),
            ("https://8.8.8.8/a", false),
            ("/api/v2/downloads/1", false),
        ] {
            assert_eq!(is_inside(url), is, "{url}");
        }
    }
}
