//! Waits for jobs of a second to a day on a paused clock, and prints how late their ends were noticed and the number of
//! calls.

mod server;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use genesys_cloud_core::{
    Client, Completion, JobSpec, Job, JobOperation, JobId, JobState, Method, Operation, Request, Results,
    Schedule,
};
use tokio::time::Instant;

use crate::server::Server;

/// The first pause of the schedule, allowed in addition to the share.
const FIRST: Duration = Duration::from_millis(500);

/// The maximum delay until the end of a job is noticed, as a share of its run time.
const MOST_LATE: f64 = 0.1;

/// Number of jobs per run time, since pauses have jitter.
const JOBS: usize = 25;

/// Longer than any job, since the paused clock advances to the next timeout.
const AGES: Duration = Duration::from_hours(24 * 365);

const RUN_TIMES: [(&str, u64); 10] = [
    ("1 s", 1),
    ("5 s", 5),
    ("15 s", 15),
    ("1 min", 60),
    ("5 min", 300),
    ("15 min", 900),
    ("1 h", 3600),
    ("4 h", 4 * 3600),
    ("12 h", 12 * 3600),
    ("24 h", 24 * 3600),
];

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut in_time = true;
    for (name, schedule) in [
        ("Default schedule, with pauses of at most an hour", Schedule::new()),
        ("No maximum pause", Schedule::new().maximum_delay(AGES)),
    ] {
        println!("{name}:\n");
        println!(
            "| run time | median delay | maximum | beyond the first pause | max polls |"
        );
        println!("| --- | --- | --- | --- | --- |");
        for (name, seconds) in RUN_TIMES {
            in_time &= row(name, Duration::from_secs(seconds), schedule).await?;
        }
        println!();
    }
    let percent = MOST_LATE * 100.0;
    println!(
        "At most {percent} % of the run time beyond the first pause: {}",
        match in_time {
            true => "yes",
            false => "NO",
        }
    );
    Ok(if in_time { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the figures for jobs of this run time, and returns whether all of them were noticed in time.
async fn row(name: &str, run_time: Duration, schedule: Schedule) -> Result<bool, Box<dyn Error>> {
    let mut delays = Vec::new();
    let mut most_polls = 0;
    for _ in 0..JOBS {
        let (late, polls) = waited(run_time, schedule).await?;
        delays.push(late);
        most_polls = most_polls.max(polls);
    }
    delays.sort_unstable();
    let (median, worst) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    let share = worst.saturating_sub(FIRST).as_secs_f64() / run_time.as_secs_f64();
    println!("| {name} | {median:.1?} | {worst:.1?} | {:.1} % | {most_polls} |", share * 100.0);
    Ok(share <= MOST_LATE)
}

/// Returns how late the end of a job was noticed, and the number of calls.
async fn waited(
    run_time: Duration,
    schedule: Schedule,
) -> Result<(Duration, usize), Box<dyn Error>> {
    let server = Server::start(run_time).await?;
    let client = Client::builder().api_url(server.url()).access_token("none");
    let client = client.timeout(AGES).connect_timeout(AGES).read_timeout(AGES).build()?;
    let status = Operation::new("getJob", Method::Get, "/jobs/{jobId}");
    let family = JobSpec::new("jobs")
        .with_id(JobId::Field("id".into()))
        .with_status(JobOperation::new(status).with_id("jobId".into()))
        .with_done_when(Completion::State("state".into()))
        .with_states(vec![("DONE".into(), JobState::Succeeded)].into())
        .with_results(Results::Nothing);
    let submit = Request::new(Operation::new("postJobs", Method::Post, "/jobs"));
    let begun = Instant::now();
    let job = Job::<String>::submit(&client, submit, family).await?;
    let mut job = job.schedule(schedule).deadline(AGES);
    job.wait().await?;
    Ok((begun.elapsed().saturating_sub(run_time), server.polls()))
}
