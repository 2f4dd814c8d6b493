//! The serialized form of a position in a range.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{RangePoint, WindowPoint};
use crate::digest::hex;
use crate::paging::ListPoint;
use crate::paging::stored_counts::{StoredVerdict, read, read_hash, written};
use crate::windows::plan::Plan;
use crate::windows::report::WindowsReport;

pub(crate) use self::record::RangeForm;
use self::record::{RangeReportForm, WindowForm};

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod record {
    use chrono::{DateTime, Utc};

    use crate::paging::ListForm;
    use crate::windows::plan::PlanForm;

    crate::record! {
        /// A position in a range. New fields need no new version.
        pub struct RangeForm {
            pub plan: Option<PlanForm> = "plan",
            pub lists: Option<Vec<WindowForm>> = "lists",
            pub recent_ids: Option<String> = "known",
            pub ids_forgotten: Option<i64> = "idsForgotten",
            pub max_items: Option<i64> = "most",
            pub report: Option<RangeReportForm> = "report",
        }
    }

    crate::record! {
        /// A window that had been started.
        pub struct WindowForm {
            pub window: Option<i64> = "window",
            pub list: Option<ListForm> = "list",
            pub without_id: Option<i64> = "withoutId",
        }
    }

    crate::record! {
        /// The counts and the verdict.
        pub struct RangeReportForm {
            pub splits: Option<i64> = "splits",
            pub pages: Option<i64> = "pages",
            pub requests: Option<i64> = "requests",
            pub retries: Option<i64> = "retries",
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

impl RangePoint {
    pub(crate) fn form(&self) -> RangeForm {
        let Self { plan, lists, recent_ids, ids_forgotten, max_items, report } = self;
        let lists = lists.iter().map(|(window, point)| WindowForm {
            window: written(*window as u64),
            list: Some(point.list.form()),
            without_id: written(point.without_id).filter(|count| *count > 0),
            ..WindowForm::default()
        });
        RangeForm {
            plan: Some(plan.form()),
            lists: Some(lists.collect()),
            recent_ids: Some(recent_ids.iter().map(|id| hex(*id)).collect()),
            ids_forgotten: written(*ids_forgotten),
            max_items: max_items.and_then(written),
            report: Some(RangeReportForm::of(report)),
            ..RangeForm::default()
        }
    }

    pub(crate) fn of_form(form: RangeForm) -> Result<Self, String> {
        let lacks = |name: &str| format!("it has no `{name}`");
        let plan = form.plan.ok_or_else(|| lacks("plan"))?;
        let plan = Plan::of_form(plan)?;
        let mut lists = BTreeMap::new();
        for window in form.lists.unwrap_or_default() {
            let index = usize::try_from(read(window.window)?).map_err(|error| error.to_string())?;
            let list = ListPoint::of_form(window.list.ok_or_else(|| lacks("list"))?)?;
            let point = WindowPoint { list, without_id: read(window.without_id)? };
            if index >= plan.windows().len() || lists.insert(index, point).is_some() {
                return Err("it has a window that is not in its plan".to_owned());
            }
        }
        let hashes = form.recent_ids.unwrap_or_default();
        let (hashes, rest) = hashes.as_bytes().as_chunks::<16>();
        let id = |hash: &[u8; 16]| std::str::from_utf8(hash).map_or(Err(lacks("known")), read_hash);
        let recent_ids: Vec<u64> = hashes.iter().map(id).collect::<Result<_, _>>()?;
        if !rest.is_empty() {
            return Err("it has a malformed hash".to_owned());
        }
        Ok(Self {
            plan,
            lists,
            recent_ids,
            ids_forgotten: read(form.ids_forgotten)?,
            max_items: form.max_items.map(|count| read(Some(count))).transpose()?,
            report: form.report.unwrap_or_default().read()?,
        })
    }
}

impl RangeReportForm {
    fn of(report: &WindowsReport) -> Self {
        let StoredVerdict { worst, reason, counts } = StoredVerdict::of(report.worst);
        Self {
            splits: written(report.splits),
            pages: written(report.pages),
            requests: written(report.requests),
            retries: written(report.retries),
            waited: i64::try_from(report.waited.as_millis()).ok(),
            items: written(report.items),
            duplicates: written(report.duplicates),
            without_id: written(report.without_id),
            nulls: written(report.nulls).filter(|nulls| *nulls > 0),
            available_until: report.available_until,
            ended: Some(report.ended),
            worst,
            reason,
            counts,
            ..Self::default()
        }
    }

    fn read(self) -> Result<WindowsReport, String> {
        let Self { worst, reason, counts, .. } = self;
        let worst = StoredVerdict { worst, reason, counts }.read()?;
        Ok(WindowsReport {
            splits: read(self.splits)?,
            pages: read(self.pages)?,
            requests: read(self.requests)?,
            retries: read(self.retries)?,
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
