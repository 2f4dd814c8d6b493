use chrono::TimeDelta;

use super::*;
use crate::paging::cursor_state::{CursorState, PageInfo, Position};
use crate::paging::progress::Progress;

/// The counts of a list read from its beginning, after these pages: the number of items of each, and the total that it
/// states.
fn progress(pages: &[(u64, Option<u64>)]) -> Progress {
    let mut progress = Progress { whole: true, ..Progress::default() };
    for (items, total) in pages {
        progress.note_page(&PageInfo { items: *items, total: *total, ..PageInfo::default() });
        progress.read += items;
    }
    progress
}

/// The report at the end of the list.
fn ended(progress: &Progress) -> Report {
    progress.report(&CursorState::beginning(Position::Start), Some(End::LastPage))
}

/// The report of a list that ended after these pages.
fn after(pages: &[(u64, Option<u64>)]) -> Report {
    ended(&progress(pages))
}

#[test]
fn totals_are_compared_with_each_other_and_with_the_items_read() {
    let changed = |first, last| Verdict::Drifted(Reason::TotalChanged { first, last });
    let differs = |read, total| Verdict::Unknown(Reason::TotalDiffers { read, total });
    let complete = Verdict::Complete;
    for (name, pages, verdict) in [
        ("the same", &[(5, Some(8)), (3, Some(8))][..], complete),
        ("none", &[(5, None), (3, None)], complete),
        ("on one page only", &[(5, None), (3, Some(8))], complete),
        ("too high", &[(5, Some(9)), (3, Some(9))], differs(8, 9)),
        ("too low", &[(5, Some(7)), (3, Some(7))], differs(8, 7)),
        ("growing", &[(5, Some(8)), (4, Some(9))], changed(8, 9)),
        ("shrinking", &[(5, Some(9)), (3, Some(8))], changed(9, 8)),
        ("back to the first", &[(5, Some(8)), (3, Some(9)), (0, Some(8))], changed(8, 9)),
        ("growing, on an empty page", &[(5, Some(8)), (3, Some(8)), (0, Some(9))], changed(8, 9)),
        ("equal to the items read in the end", &[(5, Some(7)), (3, Some(8))], changed(7, 8)),
        // Each total counts only its own page.
        ("of single pages", &[(5, Some(5)), (3, Some(3))], differs(8, 3)),
        // A page past the end states zero, and so does an empty list.
        ("zero past the end", &[(8, Some(8)), (0, Some(0))], complete),
        ("zero with items", &[(8, Some(8)), (1, Some(0))], differs(9, 0)),
        ("zero of an empty list", &[(0, Some(0))], complete),
    ] {
        let mut report = after(pages);
        if name == "zero with items" {
            // Both totals are below the number of items read.
            assert_eq!(report.last_total, Some(0));
        }
        assert_eq!(report.verdict(), verdict, "{name}");
        report.whole = false;
        let in_part = if matches!(verdict, Verdict::Drifted(_)) { verdict } else { complete };
        assert_eq!(report.verdict(), in_part, "{name}, from the middle of the list");
    }
}

#[test]
fn a_changed_total_is_drift_if_a_page_was_read_again() {
    let mut report = after(&[(5, Some(5)), (3, Some(3))]);
    report.read_again = 1;
    let changed = Verdict::Drifted(Reason::TotalChanged { first: 5, last: 3 });
    assert_eq!(report.verdict(), changed);
}

#[test]
fn nulls_count_toward_the_total() {
    let page = PageInfo { items: 8, nulls: 2, total: Some(8), ..PageInfo::default() };
    let mut at = CursorState::beginning(Position::Start);
    let mut progress = Progress { whole: true, read: 6, ..Progress::default() };
    progress.note_page(&page);
    at.counted = at.counted.with(&page);
    let report = progress.report(&at, Some(End::LastPage));
    assert_eq!((report.pages, report.nulls), (1, 2));
    assert_eq!(report.verdict(), Verdict::Complete);
    let mut changed = after(&[(3, Some(4)), (3, Some(7))]);
    changed.nulls = 1;
    let expected = Reason::TotalChanged { first: 4, last: 7 };
    assert_eq!(changed.verdict(), Verdict::Drifted(expected));
    changed.nulls = 2;
    let differs = Reason::TotalDiffers { read: 8, total: 7 };
    assert_eq!(changed.verdict(), Verdict::Unknown(differs));
}

#[test]
fn a_single_response_with_fewer_items_than_its_total_is_truncated() {
    for (total, verdict) in [
        (9, Verdict::Truncated(Reason::TotalDiffers { read: 8, total: 9 })),
        (8, Verdict::Complete),
        (7, Verdict::Unknown(Reason::TotalDiffers { read: 8, total: 7 })),
    ] {
        let report = Report { end: Some(End::SingleResponse), ..after(&[(8, Some(total))]) };
        assert_eq!(report.verdict(), verdict, "{total}");
    }
}

#[test]
fn the_granted_page_size_is_that_of_the_last_page_with_items() {
    let mut progress = Progress::default();
    for (items, page_size) in [(50, Some(50)), (25, None), (0, Some(100))] {
        progress.note_page(&PageInfo { items, page_size, ..PageInfo::default() });
    }
    assert_eq!(ended(&progress).page_size_granted, Some(50));
}

#[test]
fn a_list_whose_key_is_missing_is_not_complete() {
    // Whether a page has its list, a next page, and a list under another name.
    for (pages, lacking) in [
        (&[(true, true, false), (true, false, false)][..], 0),
        (&[(false, true, false), (false, true, false), (false, false, false)], 2),
        // Another page with a next page has the list, so the pages without it are empty.
        (&[(true, true, false), (false, true, false)], 0),
        // The last page says nothing about those before it.
        (&[(false, true, false), (true, false, false)], 1),
        (&[(true, true, false), (false, false, true)], 1),
        (&[(false, false, true)], 1),
    ] {
        let mut progress = progress(&[]);
        for (has_list, has_next, other) in pages {
            progress.lists.note(*has_list, *has_next, *other);
        }
        progress.lists.other_fields = vec!["things".to_owned()];
        let report = ended(&progress);
        let verdict = match lacking {
            0 => Verdict::Complete,
            pages => Verdict::Unknown(Reason::NoList { pages }),
        };
        assert_eq!(report.verdict(), verdict, "{pages:?}");
        assert_eq!(report.fields_instead().len(), usize::from(lacking > 0), "{pages:?}");
    }
}

#[test]
fn data_that_ends_before_the_interval_is_not_complete() {
    let asked = DateTime::<Utc>::UNIX_EPOCH;
    for (late, is_complete) in [(-1, false), (0, true), (1, true)] {
        let until = asked + TimeDelta::seconds(late);
        let mut progress = progress(&[]);
        (progress.available_until, progress.asked_until) = (Some(until), Some(asked));
        assert_eq!(ended(&progress).verdict() == Verdict::Complete, is_complete, "{late}");
    }
}

#[test]
fn a_list_is_not_complete_if_the_api_can_report_availability_and_did_not() {
    let date = Some(DateTime::<Utc>::UNIX_EPOCH);
    let unknown = Verdict::Unknown(Reason::AvailabilityUnknown);
    for (reports_availability, available_until, asked_until, verdict) in [
        (false, None, None, Verdict::Complete),
        (true, date, date, Verdict::Complete),
        (true, date, None, Verdict::Complete),
        (true, None, date, unknown),
        // Even if it is unknown which interval was requested.
        (true, None, None, unknown),
    ] {
        let progress =
            Progress { reports_availability, available_until, asked_until, ..progress(&[]) };
        let case = format!("{reports_availability} {available_until:?} {asked_until:?}");
        assert_eq!(ended(&progress).verdict(), verdict, "{case}");
    }
    // A worse verdict comes first.
    let partial = Progress { reports_availability: true, partial: true, ..progress(&[]) };
    assert_eq!(ended(&partial).verdict(), Verdict::Truncated(Reason::PartlySucceeded));
}

#[test]
fn a_last_page_in_doubt_is_read_again_on_resume() {
    for (end, pages, is_in_doubt) in [
        (End::Shortfall, &[(5, None)][..], true),
        (End::LastPage, &[(5, Some(9))], true),
        (End::SingleResponse, &[(5, Some(9))], true),
        (End::LastPage, &[(5, Some(5))], false),
        (End::OneWindow, &[(5, None)], false),
        (End::Limit, &[(5, Some(9))], false),
    ] {
        let report = Report { end: Some(end), ..after(pages) };
        assert_eq!(report.is_in_doubt(), is_in_doubt, "{end:?} {pages:?}");
    }
}

#[test]
fn every_reason_round_trips_and_has_its_own_message() {
    let until = DateTime::from_timestamp_millis(1_714_521_600_123).expect("a date");
    let reasons = [
        Reason::Unfinished,
        Reason::Limit,
        Reason::MaxPages,
        Reason::Cap,
        Reason::FullResponse,
        Reason::NotFollowed,
        Reason::Contradiction,
        Reason::Shortfall,
        Reason::OneWindow,
        Reason::PartlySucceeded,
        Reason::Moved,
        Reason::AvailabilityUnknown,
        Reason::InFiles { pages: 2 },
        Reason::NoList { pages: 3 },
        Reason::TotalChanged { first: 4, last: 5 },
        Reason::TotalDiffers { read: 6, total: 7 },
        Reason::Duplicates { items: 8 },
        Reason::ReadAgain { items: 9 },
        Reason::NotAvailableYet { until },
    ];
    let mut seen = std::collections::HashSet::new();
    for reason in reasons {
        let (name, counts) = reason.written();
        assert_eq!(Reason::read(name, &counts), Some(reason));
        let words = reason.to_string();
        assert!(words.len() > 10 && seen.insert(words.clone()), "{words}");
        for (verdict, kind) in [
            (Verdict::Truncated(reason), "truncated"),
            (Verdict::Drifted(reason), "drifted"),
            (Verdict::Unknown(reason), "unknown"),
        ] {
            assert_eq!(verdict.to_string(), format!("{kind}: {words}"));
        }
    }
    assert_eq!(Verdict::Complete.to_string(), "complete");
    assert_eq!(Reason::read("later", &[]), None);
}
