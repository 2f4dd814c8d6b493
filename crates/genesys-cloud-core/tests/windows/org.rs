//! An org with events, which can reject intervals that are too long or have too many events.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::hour;
use crate::server::{Answer, Received, Server};

/// An event from one hour to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Event {
    /// Whether it is in the interval of these hours.
    pub(crate) fn is_in(self, start: i64, end: i64) -> bool {
        self.touches(hour(start), hour(end))
    }

    fn touches(self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        hour(self.from) < end && hour(self.to) >= start
    }
}

#[derive(Clone)]
pub(crate) struct Org {
    pub(crate) events: Vec<Event>,
    /// The most events that are listed for an interval.
    pub(crate) cap: usize,
    /// The longest interval, in hours.
    pub(crate) longest: i64,
    /// Whether responses have the total.
    pub(crate) counts: bool,
    /// The states of each job, in order; the last one is final. A message can follow after a colon.
    pub(crate) states: Vec<&'static str>,
    pub(crate) every_second_without_id: bool,
}

impl Org {
    /// One event in each hour.
    pub(crate) fn hourly(hours: i64) -> Self {
        let event = |hour: i64| Event { id: hour.unsigned_abs(), from: hour, to: hour };
        Self::of((0..hours).map(event).collect())
    }

    pub(crate) fn of(events: Vec<Event>) -> Self {
        Self {
            events,
            cap: 100_000,
            longest: 31 * 24,
            counts: true,
            states: vec!["FULFILLED"],
            every_second_without_id: false,
        }
    }

    pub(crate) async fn serve(self) -> Server {
        self.serve_but(|_, _| None).await
    }

    /// Serves the org, except for requests that `other` answers. It gets the index of the request and the request.
    pub(crate) async fn serve_but(
        self,
        mut other: impl FnMut(usize, &Received) -> Option<Answer> + Send + 'static,
    ) -> Server {
        let (mut count, mut jobs) = (0, Vec::new());
        Server::start(move |request| {
            count += 1;
            other(count - 1, request).unwrap_or_else(|| self.answer(request, &mut jobs))
        })
        .await
    }

    fn answer(&self, request: &Received, jobs: &mut Vec<Job>) -> Answer {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let target = request.target.replace("%3A", ":").replace("%2F", "/");
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let words: Vec<&str> = path.split('/').skip(1).collect();
        match *words.as_slice() {
            ["query"] => self.page(
                body["interval"].as_str().expect("an interval"),
                body["paging"]["pageNumber"].as_u64().expect("a page number"),
                body["paging"]["pageSize"].as_u64().expect("a page size"),
            ),
            ["events"] => {
                let number = |name| parameter(name).and_then(|number| number.parse().ok());
                let interval = parameter("interval").expect("an interval");
                self.page(interval, number("pageNumber").unwrap_or(1), 5)
            }
            ["jobs"] => {
                let interval = body["interval"].as_str().expect("an interval").to_owned();
                if let Err(refusal) = self.found(&interval) {
                    return refusal;
                }
                jobs.push(Job { interval, states: self.states.clone().into() });
                Answer::json(202, &format!(r#"{{"jobId":"{}"}}"#, jobs.len() - 1))
            }
            ["jobs", job] => {
                let states = &mut jobs[job.parse::<usize>().expect("a job")].states;
                let state =
                    if states.len() > 1 { states.pop_front() } else { states.front().copied() };
                let (state, message) = state
                    .and_then(|state| state.split_once(':'))
                    .unwrap_or((state.unwrap_or_default(), ""));
                Answer::json(200, &json!({"state": state, "errorMessage": message}).to_string())
            }
            ["jobs", job, "results"] => {
                let interval = &jobs[job.parse::<usize>().expect("a job")].interval;
                let events = self.found(interval).unwrap_or_default();
                let from =
                    parameter("cursor").map_or(0, |cursor| cursor.parse().expect("a cursor"));
                if from + 5 > self.cap {
                    return too_many(self.cap);
                }
                let to = (from + 5).min(events.len());
                let mut page = json!({"events": self.listed(&events[from..to])});
                if to < events.len() {
                    page["cursor"] = json!(to.to_string());
                }
                Answer::json(200, &page.to_string())
            }
            _ => panic!("{} {target}", request.method),
        }
    }

    fn listed(&self, events: &[Event]) -> Vec<Value> {
        let listed = |event: &Event| match self.every_second_without_id && event.id % 2 == 1 {
            true => json!({"name": event.id.to_string()}),
            false => json!({"id": event.id.to_string()}),
        };
        events.iter().map(listed).collect()
    }

    /// The events of an interval, or the rejection.
    fn found(&self, interval: &str) -> Result<Vec<Event>, Answer> {
        let (start, end) = interval.split_once('/').expect("an interval");
        let at = |time| DateTime::parse_from_rfc3339(time).expect("a time").to_utc();
        let (start, end) = (at(start), at(end));
        if (end - start).num_minutes() > self.longest * 60 {
            let days = self.longest / 24;
            return Err(refusal(&format!(
                "You must specify a search interval as part of your query that does not exceed {days} days."
            )));
        }
        Ok(self.events.iter().copied().filter(|event| event.touches(start, end)).collect())
    }

    fn page(&self, interval: &str, number: u64, size: u64) -> Answer {
        let events = match self.found(interval) {
            Ok(events) => events,
            Err(refusal) => return refusal,
        };
        let (number, size) = (number as usize, size as usize);
        if number * size > self.cap {
            return too_many(self.cap);
        }
        let from = ((number - 1) * size).min(events.len());
        let to = (from + size).min(events.len());
        let mut page = json!({"events": self.listed(&events[from..to])});
        if self.counts {
            page["totalHits"] = json!(events.len());
        }
        Answer::json(200, &page.to_string())
    }
}

struct Job {
    interval: String,
    states: VecDeque<&'static str>,
}

fn too_many(cap: usize) -> Answer {
    refusal(&format!("Pagination may not exceed {cap} results.\n\nTip: smaller intervals"))
}

pub(crate) fn refusal(message: &str) -> Answer {
    Answer::json(
        400,
        &json!({"message": message, "code": "bad.request", "status": 400}).to_string(),
    )
}

/// The distinct intervals that were requested, in hours and in order.
pub(crate) fn intervals(server: &Server) -> Vec<(i64, i64)> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    for request in server.received() {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let target = request.target.replace("%3A", ":").replace("%2F", "/");
        let in_query = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("interval="));
        let Some((start, end)) =
            body["interval"].as_str().or(in_query).and_then(|i| i.split_once('/'))
        else {
            continue;
        };
        let hours = |time| {
            let time = DateTime::parse_from_rfc3339(time).expect("a time").to_utc();
            (time - hour(0)).num_hours()
        };
        let interval = (hours(start), hours(end));
        if !found.contains(&interval) {
            found.push(interval);
        }
    }
    found
}
