//! Reads all queues of an org once, in pages of 100, and prints the cost as a line of JSON.
//!
//! The first argument is the variant, the second the number of pages to prefetch, or the file to write. The org and the
//! login come from the environment variables of the SDK.

mod by_hand;
mod queue;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::BufWriter;
use std::time::Instant;

use by_hand::List;
use genesys_cloud::types::Queue;
use genesys_cloud::{Client, Paginator};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PAGE_SIZE: u64 = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let way = arguments.next().unwrap_or_default();
    let second = arguments.next();
    let took = match (way.as_str(), second) {
        ("side-by-side", _) => side_by_side().await?,
        ("copy" | "write", Some(path)) => written(&way, &path).await?,
        (_, ahead) => alone(&way, ahead.map_or(Ok(0), |pages| pages.parse())?).await?,
    };
    println!("{took}");
    Ok(())
}

/// Reads the whole list in one way.
async fn alone(way: &str, ahead: usize) -> Result<Value> {
    let (begin, cpu) = (Instant::now(), micros()?);
    let mut records = 0;
    if way == "paginator" {
        let mut queues = paginator(ahead)?;
        while let Some(queue) = queues.try_next().await? {
            black_box(queue);
            records += 1;
        }
    } else {
        let mut list = List::log_in().await?;
        loop {
            let page = match way {
                "json" => list.json::<Queue>().await?,
                "text" => list.text::<Queue>(|| ()).await?,
                "derived" => list.json::<queue::Queue>().await?,
                _ => return Err("expected one of paginator, json, text, derived, copy, write, side-by-side".into()),
            };
            if page == 0 {
                break;
            }
            records += page;
        }
    }
    figures(records, begin, cpu)
}

/// Writes the list to a file, as lines.
async fn written(way: &str, path: &str) -> Result<Value> {
    let (begin, cpu) = (Instant::now(), micros()?);
    let mut out = BufWriter::new(File::create(path)?);
    let mut records = 0;
    let mut list = List::log_in().await?;
    loop {
        let page = match way {
            "copy" => list.copy(&mut out).await?,
            _ => list.write::<Queue>(&mut out).await?,
        };
        if page == 0 {
            break;
        }
        records += page;
    }
    out.into_inner()?.sync_all()?;
    figures(records, begin, cpu)
}

fn figures(records: u64, begin: Instant, cpu: f64) -> Result<Value> {
    Ok(json!({
        "records": records,
        "wall_micros": begin.elapsed().as_secs_f64() * 1e6,
        "cpu_micros": micros()? - cpu,
        "peak_kilobytes": peak_kilobytes()?,
    }))
}

/// Reads every page both through the paginator and by hand, so that other load affects both alike. The figures are
/// medians per page: CPU, and how much faster the paginator was in wall time.
async fn side_by_side() -> Result<Value> {
    let mut queues = paginator(0)?;
    let mut list = List::log_in().await?;
    let (mut through, mut by_hand, mut decoding) = (vec![], vec![], vec![]);
    let (mut beyond, mut speed) = (vec![], vec![]);
    loop {
        let (mut took, mut wall) = ([0.0; 2], [0.0; 2]);
        let mut records = 0;
        // They alternate, since the org has the page in its cache for the second one.
        let paginator_first = through.len() % 2 == 0;
        for is_paginator in [paginator_first, !paginator_first] {
            let (begin, cpu) = (Instant::now(), micros()?);
            if is_paginator {
                for _ in 0..PAGE_SIZE {
                    let Some(queue) = queues.try_next().await? else { break };
                    black_box(queue);
                }
            } else {
                let mut due = Ok(0.0);
                records = list.text::<Queue>(|| due = micros()).await?;
                decoding.push(micros()? - due?);
            }
            took[usize::from(is_paginator)] = micros()? - cpu;
            wall[usize::from(is_paginator)] = begin.elapsed().as_secs_f64();
        }
        if records < PAGE_SIZE {
            break;
        }
        by_hand.push(took[0]);
        through.push(took[1]);
        beyond.push(took[1] - took[0]);
        speed.push(wall[0] / wall[1]);
    }
    Ok(json!({
        "pages": through.len(),
        "paginator": median(through),
        "by_hand": median(by_hand),
        "decoding": median(decoding),
        "beyond": median(beyond),
        "speed": median(speed),
    }))
}

fn paginator(ahead: usize) -> Result<Paginator<Queue>> {
    let queues = Client::from_env()?.routing().queues().paginate();
    Ok(queues.page_size(PAGE_SIZE as usize).prefetch(ahead))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// CPU time of this process, user and system.
fn micros() -> Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    Ok(time.tv_sec() as f64 * 1e6 + time.tv_nsec() as f64 / 1e3)
}

/// The peak memory of this process. `getrusage` would include the memory of the process that started it.
fn peak_kilobytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(peak.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").parse()?)
}
