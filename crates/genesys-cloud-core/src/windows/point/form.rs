//! A place in a range as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{RangePoint, WindowPoint};
use crate::digest::{from_hex, hex};
use crate::paging::{ListPoint, Reason, Verdict};
use crate::windows::plan::Plan;
use crate::windows::report::WindowsReport;

pub(crate) use self::record::RangeForm;
use self::record::{RangeReportForm, ReadForm};

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod record {
    use chrono::{DateTime, Utc};

    use crate::paging::ListForm;
    use crate::windows::plan::PlanForm;

    crate::record! {
        /// A place in a range. To write further fields takes no further version.
        pub struct RangeForm {
            pub plan: Option<PlanForm> = "plan",
            pub lists: Option<Vec<ReadForm>> = "lists",
            pub known: Option<String> = "known",
            pub forgotten: Option<i64> = "idsForgotten",
            pub most: Option<i64> = "most",
            pub report: Option<RangeReportForm> = "report",
        }
    }

    crate::record! {
        /// A window that had begun.
        pub struct ReadForm {
            pub window: Option<i64> = "window",
            pub list: Option<ListForm> = "list",
            pub without_id: Option<i64> = "withoutId",
        }
    }

    crate::record! {
        /// What had been read.
        pub struct RangeReportForm {
            pub splits: Option<i64> = "splits",
            pub pages: Option<i64> = "pages",
            pub requests: Option<i64> = "requests",
            pub repeated: Option<i64> = "repeated",
            pub waited: Option<i64> = "waitedMilliseconds",
            pub items: Option<i64> = "items",
            pub duplicates: Option<i64> = "duplicates",
            pub without_id: Option<i64> = "withoutId",
            pub nulls: Option<i64> = "nulls",
            pub available_until: Option<DateTime<Utc>> = "availableUntil",
            pub ended: Option<bool> = "ended",
            pub worst: Option<String> = "worst",
            pub reason: Option<String> = "reason",
            pub counts: Option<Vec<i64>> = "counts",
        }
    }
}

/// The largest count that is read: no sum of such overflows.
const MOST: i64 = 1 << 53;

fn written(count: u64) -> Option<i64> {
    Some(i64::try_from(count).unwrap_or(MOST).min(MOST))
}

fn read(count: Option<i64>) -> Result<u64, String> {
    match count.unwrap_or(0) {
        count @ 0..=MOST => u64::try_from(count).map_err(|error| error.to_string()),
        _ => Err("it has a count that is none".to_owned()),
    }
}

fn read_hash(text: &str) -> Result<u64, String> {
    from_hex(text).ok_or_else(|| "it has a hash that is none".to_owned())
}

impl RangePoint {
    pub(crate) fn form(&self) -> RangeForm {
        let Self { plan, lists, known, forgotten, most, report } = self;
        let lists = lists.iter().map(|(window, place)| ReadForm {
            window: written(*window as u64),
            list: Some(place.list.form()),
            without_id: written(place.without_id).filter(|count| *count > 0),
            ..ReadForm::default()
        });
        RangeForm {
            plan: Some(plan.form()),
            lists: Some(lists.collect()),
            known: Some(known.iter().map(|id| hex(*id)).collect()),
            forgotten: written(*forgotten),
            most: most.and_then(written),
            report: Some(RangeReportForm::of(report)),
            ..RangeForm::default()
        }
    }

    pub(crate) fn of_form(form: RangeForm) -> Result<Self, String> {
        let lacks = |name: &str| format!("it has no `{name}`");
        let plan = form.plan.ok_or_else(|| lacks("plan"))?;
        let plan = Plan::of_form(plan)?;
        let mut lists = BTreeMap::new();
        for read_of in form.lists.unwrap_or_default() {
            let window =
                usize::try_from(read(read_of.window)?).map_err(|error| error.to_string())?;
            let list = ListPoint::of_form(read_of.list.ok_or_else(|| lacks("list"))?)?;
            let place = WindowPoint { list, without_id: read(read_of.without_id)? };
            if window >= plan.windows().len() || lists.insert(window, place).is_some() {
                return Err("it has a window that is not in its plan".to_owned());
            }
        }
        let known = form.known.unwrap_or_default();
        let (ids, rest) = known.as_bytes().as_chunks::<16>();
        let id = |id: &[u8; 16]| std::str::from_utf8(id).map_or(Err(lacks("known")), read_hash);
        let known: Vec<u64> = ids.iter().map(id).collect::<Result<_, _>>()?;
        if !rest.is_empty() {
            return Err("it has a hash that is none".to_owned());
        }
        Ok(Self {
            plan,
            lists,
            known,
            forgotten: read(form.forgotten)?,
            most: form.most.map(|most| read(Some(most))).transpose()?,
            report: form.report.unwrap_or_default().read()?,
        })
    }
}

impl RangeReportForm {
    fn of(report: &WindowsReport) -> Self {
        let (worst, reason) = match report.worst {
            None | Some(Verdict::Complete) => (None, None),
            Some(Verdict::Truncated(reason)) => (Some("truncated"), Some(reason)),
            Some(Verdict::Drifted(reason)) => (Some("drifted"), Some(reason)),
            Some(Verdict::Unknown(reason)) => (Some("unknown"), Some(reason)),
        };
        let (reason, counts) = reason.map(Reason::written).unzip();
        Self {
            splits: written(report.splits),
            pages: written(report.pages),
            requests: written(report.requests),
            repeated: written(report.repeated),
            waited: i64::try_from(report.waited.as_millis()).ok(),
            items: written(report.items),
            duplicates: written(report.duplicates),
            without_id: written(report.without_id),
            nulls: written(report.nulls).filter(|nulls| *nulls > 0),
            available_until: report.available_until,
            ended: Some(report.ended),
            worst: worst.map(str::to_owned),
            reason: reason.map(str::to_owned),
            counts: counts.map(|counts| counts.into_iter().filter_map(written).collect()),
            ..Self::default()
        }
    }

    fn read(self) -> Result<WindowsReport, String> {
        let reason = || {
            let counts = self.counts.clone().unwrap_or_default();
            let counts: Vec<u64> =
                counts.into_iter().map(|count| read(Some(count))).collect::<Result<_, _>>()?;
            let reason = self.reason.as_deref().and_then(|name| Reason::read(name, &counts));
            reason.ok_or_else(|| "it has a reason that is not known".to_owned())
        };
        let worst = match self.worst.as_deref() {
            None => None,
            Some("truncated") => Some(Verdict::Truncated(reason()?)),
            Some("drifted") => Some(Verdict::Drifted(reason()?)),
            Some("unknown") => Some(Verdict::Unknown(reason()?)),
            Some(_) => return Err("it has a verdict that is not known".to_owned()),
        };
        Ok(WindowsReport {
            splits: read(self.splits)?,
            pages: read(self.pages)?,
            requests: read(self.requests)?,
            repeated: read(self.repeated)?,
            waited: Duration::from_millis(read(self.waited)?),
            items: read(self.items)?,
            duplicates: read(self.duplicates)?,
            without_id: read(self.without_id)?,
            nulls: read(self.nulls)?,
            available_until: self.available_until,
            worst,
            ended: self.ended.unwrap_or_default(),
            ..WindowsReport::default()
        })
    }
}
