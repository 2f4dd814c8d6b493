//! The serialized form of a place in a tree.

use std::time::Duration;

use self::record::{OpenForm, SkippedForm, TreeReportForm};
use super::{OpenPoint, ParentsPoint, TreePoint};
use crate::digest::hex;
use crate::nested::report::{NestedReport, SkippedParent};
use crate::paging::ListPoint;
use crate::paging::stored_counts::{StoredVerdict, read, read_hash, written};
use crate::windows::RangePoint;

pub(crate) use self::record::TreeForm;

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod record {
    use crate::paging::ListForm;
    use crate::windows::RangeForm;

    crate::record! {
        /// A place in a tree. New fields need no new version.
        pub struct TreeForm {
            pub list: Option<ListForm> = "list",
            pub range: Option<RangeForm> = "range",
            pub tree: Option<Box<TreeForm>> = "tree",
            pub given: Option<i64> = "given",
            pub lists: Option<Vec<OpenForm>> = "lists",
            pub report: Option<TreeReportForm> = "report",
        }
    }

    crate::record! {
        /// The list of a parent: a place in it, or the fingerprint of its request if it had ended.
        pub struct OpenForm {
            pub list: Option<ListForm> = "list",
            pub done: Option<String> = "done",
        }
    }

    crate::record! {
        /// The counts and the verdict.
        pub struct TreeReportForm {
            pub parents: Option<i64> = "parents",
            pub parents_done: Option<i64> = "parentsDone",
            pub not_found: Option<i64> = "notFound",
            pub forbidden: Option<i64> = "forbidden",
            pub skipped: Option<Vec<SkippedForm>> = "skipped",
            pub pages: Option<i64> = "pages",
            pub requests: Option<i64> = "requests",
            pub retries: Option<i64> = "retries",
            pub waited: Option<i64> = "waitedMilliseconds",
            pub items: Option<i64> = "items",
            pub duplicates: Option<i64> = "duplicates",
            pub nulls: Option<i64> = "nulls",
            pub ended: Option<bool> = "ended",
            pub worst: Option<String> = "worst",
            pub reason: Option<String> = "reason",
            pub counts: Option<Vec<i64>> = "counts",
        }
    }

    crate::record! {
        /// A parent that was skipped.
        pub struct SkippedForm {
            pub path: Option<String> = "path",
            pub status: Option<i64> = "status",
        }
    }
}

impl TreePoint {
    pub(crate) fn form(&self) -> TreeForm {
        let mut form = TreeForm::default();
        match &self.parents {
            ParentsPoint::List(point) => form.list = Some(point.form()),
            ParentsPoint::Range(point) => form.range = Some(point.form()),
            ParentsPoint::Tree(point) => form.tree = Some(Box::new(point.form())),
            ParentsPoint::Given(taken) => form.given = written(*taken),
        }
        let lists = self.lists.iter().map(|list| match list {
            OpenPoint::Done(key) => OpenForm { done: Some(hex(*key)), ..OpenForm::default() },
            OpenPoint::At(point) => OpenForm { list: Some(point.form()), ..OpenForm::default() },
        });
        form.lists = Some(lists.collect());
        form.report = Some(TreeReportForm::of(&self.report));
        form
    }

    pub(crate) fn of_form(form: TreeForm) -> Result<Self, String> {
        let parents = match (form.list, form.range, form.tree, form.given) {
            (Some(list), None, None, None) => {
                ParentsPoint::List(Box::new(ListPoint::of_form(list)?))
            }
            (None, Some(range), None, None) => {
                ParentsPoint::Range(Box::new(RangePoint::of_form(range)?))
            }
            (None, None, Some(tree), None) => ParentsPoint::Tree(Box::new(Self::of_form(*tree)?)),
            (None, None, None, given @ Some(_)) => ParentsPoint::Given(read(given)?),
            _ => return Err("it has no list of parents".to_owned()),
        };
        let open = |form: OpenForm| match (form.list, form.done) {
            (Some(list), None) => Ok(OpenPoint::At(Box::new(ListPoint::of_form(list)?))),
            (None, Some(key)) => read_hash(&key).map(OpenPoint::Done),
            _ => Err("it has a list without a place".to_owned()),
        };
        let lists = form.lists.unwrap_or_default().into_iter().map(open);
        Ok(Self {
            parents,
            lists: lists.collect::<Result<_, String>>()?,
            report: form.report.unwrap_or_default().read()?,
        })
    }
}

impl TreeReportForm {
    fn of(report: &NestedReport) -> Self {
        let StoredVerdict { worst, reason, counts } = StoredVerdict::of(report.worst);
        let skipped = report.skipped.iter().map(|skipped| SkippedForm {
            path: Some(skipped.path.clone()),
            status: Some(skipped.status.into()),
            ..SkippedForm::default()
        });
        Self {
            parents: written(report.parents),
            parents_done: written(report.parents_done),
            not_found: written(report.not_found),
            forbidden: written(report.forbidden),
            skipped: Some(skipped.collect()),
            pages: written(report.pages),
            requests: written(report.requests),
            retries: written(report.retries),
            waited: i64::try_from(report.waited.as_millis()).ok(),
            items: written(report.items),
            duplicates: written(report.duplicates),
            nulls: written(report.nulls),
            ended: Some(report.ended),
            worst,
            reason,
            counts,
            ..Self::default()
        }
    }

    fn read(self) -> Result<NestedReport, String> {
        let Self { worst, reason, counts, .. } = self;
        let worst = StoredVerdict { worst, reason, counts }.read()?;
        let skipped = self.skipped.unwrap_or_default().into_iter().map(|form| {
            let status = form.status.and_then(|status| u16::try_from(status).ok());
            let status = status.ok_or_else(|| "a status is out of range".to_owned())?;
            Ok(SkippedParent { path: form.path.unwrap_or_default(), status })
        });
        Ok(NestedReport {
            failed: None,
            parents: read(self.parents)?,
            parents_done: read(self.parents_done)?,
            not_found: read(self.not_found)?,
            forbidden: read(self.forbidden)?,
            skipped: skipped.collect::<Result<_, String>>()?,
            pages: read(self.pages)?,
            requests: read(self.requests)?,
            retries: read(self.retries)?,
            waited: Duration::from_millis(read(self.waited)?),
            items: read(self.items)?,
            duplicates: read(self.duplicates)?,
            nulls: read(self.nulls)?,
            outer: None,
            worst,
            stopped: None,
            ended: self.ended.unwrap_or_default(),
        })
    }
}
