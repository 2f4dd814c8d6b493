use std::fmt;
use std::io;

use crate::jobs::JobScenario;
use crate::lies::Lie;
use crate::scenario::Scenario;
use crate::scheme::Scheme;

/// Why an org could not start, or could not do what a test requested.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
enum Kind {
    Bind(io::Error),
    UnknownOperation(String),
    OtherScheme { operation: String, wanted: Scheme },
    OtherScenario { operation: String, scenario: Scenario },
    NotAList(String),
    OtherJobScenario { operation: String, scenario: JobScenario },
    OtherLie { operation: String, lie: Lie },
    NotAJob(String),
    Timeline(String),
    Time(String),
    Speed(f64),
    TooEarly { at: String, start: String },
    NoTimeline,
    NotFound(String),
}

impl Error {
    pub(crate) fn bind(source: io::Error) -> Self {
        Self(Kind::Bind(source))
    }

    pub(crate) fn unknown_operation(name: &str) -> Self {
        Self(Kind::UnknownOperation(name.to_owned()))
    }

    pub(crate) fn other_scheme(operation: &str, wanted: Scheme) -> Self {
        Self(Kind::OtherScheme { operation: operation.to_owned(), wanted })
    }

    pub(crate) fn other_scenario(operation: &str, scenario: Scenario) -> Self {
        Self(Kind::OtherScenario { operation: operation.to_owned(), scenario })
    }

    pub(crate) fn other_job_scenario(operation: &str, scenario: JobScenario) -> Self {
        Self(Kind::OtherJobScenario { operation: operation.to_owned(), scenario })
    }

    pub(crate) fn other_lie(operation: &str, lie: Lie) -> Self {
        Self(Kind::OtherLie { operation: operation.to_owned(), lie })
    }

    pub(crate) fn not_a_job(operation: &str) -> Self {
        Self(Kind::NotAJob(operation.to_owned()))
    }

    pub(crate) fn timeline(operation: &str) -> Self {
        Self(Kind::Timeline(operation.to_owned()))
    }

    pub(crate) fn time(text: &str) -> Self {
        Self(Kind::Time(text.to_owned()))
    }

    pub(crate) fn speed(speed: f64) -> Self {
        Self(Kind::Speed(speed))
    }

    pub(crate) fn too_early(at: &str, start: &str) -> Self {
        Self(Kind::TooEarly { at: at.to_owned(), start: start.to_owned() })
    }

    pub(crate) fn no_timeline() -> Self {
        Self(Kind::NoTimeline)
    }

    pub(crate) fn not_found(target: &str) -> Self {
        Self(Kind::NotFound(target.to_owned()))
    }

    pub(crate) fn not_a_list(operation: &str) -> Self {
        Self(Kind::NotAList(operation.to_owned()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Bind(_) => f.write_str("can't listen on loopback"),
            Kind::UnknownOperation(name) => write!(f, "the API has no operation {name}"),
            Kind::OtherScheme { operation, wanted } => {
                write!(f, "{operation} does not page by {wanted:?}")
            }
            Kind::OtherScenario { operation, scenario } => {
                write!(f, "{operation} does not support the scenario {scenario:?}")
            }
            Kind::OtherJobScenario { operation, scenario } => {
                write!(f, "jobs of {operation} do not support the scenario {scenario:?}")
            }
            Kind::OtherLie { operation, lie } => {
                write!(f, "{operation} does not support the lie {lie}")
            }
            Kind::NotAJob(operation) => write!(f, "{operation} does not submit jobs"),
            Kind::Timeline(operation) => {
                write!(f, "{operation} takes no interval, or the interval is not valid")
            }
            Kind::Time(text) => write!(f, "{text:?} is not a date-time"),
            Kind::Speed(speed) => write!(f, "the speed {speed} is negative or not a number"),
            Kind::TooEarly { at, start } => {
                write!(f, "the time {at} is before the start of the timeline, {start}")
            }
            Kind::NoTimeline => f.write_str("the org does not change over time"),
            Kind::NotFound(target) => write!(f, "{target} does not list records that change"),
            Kind::NotAList(operation) => write!(f, "{operation} does not return a list"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Bind(source) => Some(source),
            _ => None,
        }
    }
}
