use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::client::OrgIdentity;
use crate::paging::cursor_state::Position;
use crate::paging::progress::Progress;
use crate::paging::request_fingerprint::RequestFingerprint;

const OFFSET: u64 = 3;
const DELIVERED: u64 = 13;

/// A place after three items of a page, the last two with these hashes, and thirteen of the list.
fn place() -> Box<ResumePoint> {
    let subject = RequestFingerprint {
        org: OrgIdentity::of("https://api.example.com"),
        operation: "getThings".to_owned(),
        spec: 1,
        parts: BTreeMap::new(),
    };
    let progress = Progress { read: DELIVERED, delivered: DELIVERED, ..Progress::default() };
    let point = ListPoint {
        subject: Arc::new(subject),
        scheme: "PageNumber".to_owned(),
        at: at(2),
        offset: OFFSET,
        known: vec![2, 3],
        overlap: Vec::new(),
        ids: Vec::new(),
        page: None,
        progress,
        end: None,
        job: None,
        is_lost: false,
    };
    Box::new(ResumePoint { point, saved: Some(Utc::now()) })
}

fn at(number: u64) -> CursorState {
    CursorState::beginning(Position::Number(number))
}

fn point() -> ListPoint {
    place().point
}

/// A list that resumes at [`place`], at this stage.
fn pending(stage: Stage) -> Resume {
    Resume::Pending(place(), stage)
}

/// The name of a state or stage, and what it skips.
fn name(state: &Resume) -> String {
    let resized = |resized: &CursorState| format!("resized at {:?}", resized.due);
    let stage = match state {
        Resume::Idle => return "Idle".to_owned(),
        Resume::Refused(_) => return "Refused".to_owned(),
        Resume::Pending(_, stage) => stage,
    };
    match stage {
        Stage::Given => "Given".to_owned(),
        Stage::Checked => "Checked".to_owned(),
        Stage::Entered(skip) => format!("Entered {skip:?}"),
        Stage::LookingBack { skip, resized: None } => format!("LookingBack {skip:?}"),
        Stage::LookingBack { skip, resized: Some(at) } => {
            format!("LookingBack {skip:?}, {}", resized(at))
        }
        Stage::Realigned { skip, resized: at } => format!("Realigned {skip:?}, {}", resized(at)),
        Stage::Restarted => "Restarted".to_owned(),
        Stage::Skipping(skip) => format!("Skipping {skip:?}"),
    }
}

/// Each state and stage once.
fn states() -> Vec<Resume> {
    let skip = Skip::OfPage(OFFSET);
    vec![
        Resume::Idle,
        Resume::Refused("why"),
        pending(Stage::Given),
        pending(Stage::Checked),
        pending(Stage::Entered(skip)),
        pending(Stage::LookingBack { skip, resized: None }),
        pending(Stage::LookingBack { skip, resized: Some(Box::new(at(9))) }),
        pending(Stage::Realigned { skip, resized: Box::new(at(9)) }),
        pending(Stage::Restarted),
        pending(Stage::Skipping(Skip::Items(DELIVERED))),
    ]
}

/// Applies a transition to each state and returns the states that it changes.
fn changes(transition: impl Fn(&mut Resume)) -> Vec<(String, String)> {
    let change = |mut state: Resume| {
        let before = name(&state);
        transition(&mut state);
        (before, name(&state))
    };
    states().into_iter().map(change).filter(|(before, after)| before != after).collect()
}

fn expected(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changes.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

const BACK: &str = "LookingBack OfPage(3)";
const BACK_RESIZED: &str = "LookingBack OfPage(3), resized at Number(9)";
const REALIGNED: &str = "Realigned OfPage(3), resized at Number(9)";

#[test]
fn each_transition_changes_only_its_states() {
    for (transition, what, table) in [
        ((|state| state.check()) as fn(&mut Resume), "check", &[("Given", "Checked")][..]),
        (
            |state| state.restart(),
            "restart",
            &[
                ("Given", "Restarted"),
                ("Checked", "Restarted"),
                ("Entered OfPage(3)", "Restarted"),
                (BACK, "Restarted"),
                (BACK_RESIZED, "Restarted"),
                (REALIGNED, "Restarted"),
                ("Skipping Items(13)", "Restarted"),
            ],
        ),
        (|state| state.reopen(), "reopen", &[("Entered OfPage(3)", "Checked")]),
        (
            |state| _ = state.enter(None),
            "enter",
            &[("Checked", "Entered OfPage(3)"), ("Restarted", "Skipping Items(13)")],
        ),
        (
            |state| state.look_back(7),
            "look back",
            &[
                ("Entered OfPage(3)", "LookingBack OfPage(7)"),
                (BACK, "LookingBack OfPage(7)"),
                (BACK_RESIZED, "LookingBack OfPage(7), resized at Number(9)"),
                (REALIGNED, "LookingBack OfPage(7), resized at Number(9)"),
            ],
        ),
        (
            |state| _ = state.lose_place(),
            "lose the place",
            &[(BACK_RESIZED, "Idle"), (REALIGNED, "Idle")],
        ),
        (
            |state| state.skip_over_pages(),
            "smaller pages",
            &[("Entered OfPage(3)", "Entered Items(3)")],
        ),
        (
            |state| _ = state.end(),
            "end",
            &[
                ("Given", "Idle"),
                ("Checked", "Idle"),
                ("Entered OfPage(3)", "Idle"),
                (BACK, "Idle"),
                (BACK_RESIZED, "Idle"),
                (REALIGNED, "Idle"),
                ("Restarted", "Idle"),
                ("Skipping Items(13)", "Idle"),
            ],
        ),
        (
            |state| _ = state.accept(20, || None, || 0),
            "accept",
            &[
                ("Entered OfPage(3)", "Idle"),
                (BACK, "Idle"),
                (BACK_RESIZED, "Idle"),
                (REALIGNED, "Idle"),
                ("Skipping Items(13)", "Idle"),
            ],
        ),
    ] {
        assert_eq!(changes(transition), expected(table), "{what}");
    }
}

#[test]
fn realigns_from_any_state() {
    for mut state in states() {
        let before = name(&state);
        state.realign(ListPoint { offset: 5, ..point() }, at(9));
        assert_eq!(name(&state), "Realigned OfPage(5), resized at Number(9)", "{before}");
        assert!(state.place().is_some_and(|place| place.saved.is_none()));
        assert_eq!(state.lose_place(), Some(at(9)));
    }
}

#[test]
fn reset_goes_back_to_the_first_stage() {
    for state in states() {
        let (before, has_place) = (name(&state), state.place().is_some());
        let after = name(&state.reset());
        let expected = if has_place { "Given" } else { before.as_str() };
        assert_eq!(after, expected, "{before}");
    }
    assert_eq!(name(&Resume::given(None, None)), "Refused");
    assert_eq!(name(&Resume::given(Some(point()), None)), "Given");
}

#[test]
fn what_is_skipped_depends_on_the_source() {
    use SequenceUnit::{Bytes, Items};
    for (starts_over, sequence, entry, skip) in [
        (false, None, Entry::AtPlace, Skip::OfPage(OFFSET)),
        (false, Some(Items), Entry::InSequence, Skip::Items(OFFSET)),
        (false, Some(Bytes), Entry::InSequence, Skip::Bytes(OFFSET)),
        (true, None, Entry::StartOver, Skip::Items(DELIVERED)),
        (true, Some(Items), Entry::StartOver, Skip::Items(DELIVERED)),
        (true, Some(Bytes), Entry::StartOver, Skip::Bytes(OFFSET)),
    ] {
        let mut state = match starts_over {
            true => pending(Stage::Restarted),
            false => pending(Stage::Checked),
        };
        assert_eq!(state.enter(sequence), Some(entry), "{starts_over} {sequence:?}");
        let expected = if starts_over { "Skipping" } else { "Entered" };
        assert_eq!(name(&state), format!("{expected} {skip:?}"), "{starts_over} {sequence:?}");
    }
}

#[test]
fn continues_after_the_delivered_items() {
    let joined = |from, moved| Alignment { from, repeated: 0, moved };
    // By the hashes of the last items, wherever they are now.
    for (hashes, expected) in [
        (&[1, 2, 3, 4][..], joined(3, false)),
        (&[9, 1, 2, 3], joined(4, true)),
        (&[7, 8, 9, 10], joined(3, true)),
    ] {
        let mut state = pending(Stage::Entered(Skip::OfPage(OFFSET)));
        let accepted = state.accept(hashes.len(), || Some(hashes), || 0);
        assert_eq!(accepted, Accepted { joined: expected, was_counted: false }, "{hashes:?}");
        assert_eq!(name(&state), "Idle");
    }
    // By the fingerprint of the page if its items have no hashes.
    for (page, print, expected) in
        [(Some(5), 5, joined(3, false)), (Some(5), 6, joined(3, true)), (None, 5, joined(3, true))]
    {
        let point = ListPoint { known: Vec::new(), page, ..point() };
        let place = Box::new(ResumePoint { point, saved: None });
        let mut state = Resume::Pending(place, Stage::Entered(Skip::OfPage(OFFSET)));
        assert_eq!(state.accept(4, || None, || print).joined, expected, "{page:?} {print}");
    }
}

#[test]
fn skips_items_across_pages() {
    let mut state = pending(Stage::Skipping(Skip::Items(DELIVERED)));
    for (items, left) in
        [(6, "Skipping Items(7)"), (0, "Skipping Items(7)"), (6, "Skipping Items(1)")]
    {
        let accepted = state.accept(items, || panic!("no hash is needed"), || 0);
        let joined = Alignment { from: items, ..Alignment::default() };
        assert_eq!(accepted, Accepted { joined, was_counted: true });
        assert_eq!(name(&state), left);
    }
    // The last item is the first of this page.
    let accepted = state.accept(6, || Some(&[3, 4, 5, 6, 7, 8]), || 0);
    assert_eq!((accepted.joined.from, accepted.was_counted), (1, false));
    assert_eq!(name(&state), "Idle");
    // A page that ends exactly there was counted.
    let mut state = pending(Stage::Skipping(Skip::Items(2)));
    let accepted = state.accept(2, || Some(&[2, 3]), || 0);
    assert_eq!((accepted.joined.from, accepted.was_counted), (2, true));
    assert_eq!(name(&state), "Idle");
}

#[test]
fn skips_bytes_across_chunks() {
    let mut state = pending(Stage::Entered(Skip::Bytes(5)));
    for (part, rest, left) in [
        ("abc", "", "Skipping Bytes(2)"),
        ("de", "", "Skipping Bytes(0)"),
        ("fg", "fg", "Skipping Bytes(0)"),
    ] {
        let mut body = Bytes::from_static(part.as_bytes());
        assert_eq!(state.skip_bytes(&mut body), !rest.is_empty(), "{part}");
        assert_eq!((&body[..], name(&state).as_str()), (rest.as_bytes(), left));
    }
    assert_eq!(state.accept(1, || None, || 0), Accepted::default());
    assert_eq!(name(&state), "Idle");
    let mut state = pending(Stage::Entered(Skip::Bytes(2)));
    let mut body = Bytes::from_static(b"abc");
    assert!(state.skip_bytes(&mut body));
    assert_eq!(&body[..], b"c");
    // States that do not skip bytes leave the body as it is.
    for mut state in states() {
        let (before, mut body) = (name(&state), Bytes::from_static(b"abc"));
        assert!(state.skip_bytes(&mut body) && body.len() == 3, "{before}");
        assert_eq!(name(&state), before);
    }
}

#[test]
fn a_sequence_that_ends_before_the_place_has_changed() {
    for (state, moved) in [
        (Resume::Idle, false),
        (pending(Stage::Entered(Skip::Items(0))), false),
        (pending(Stage::Entered(Skip::Items(1))), true),
        (pending(Stage::Skipping(Skip::Bytes(0))), false),
        (pending(Stage::Skipping(Skip::Bytes(1))), true),
    ] {
        let (before, mut state) = (name(&state), state);
        assert_eq!(state.end_of_sequence(), moved, "{before}");
        assert_eq!(name(&state), "Idle", "{before}");
    }
}

#[test]
fn a_place_moves_to_a_page_of_another_size() {
    let mut state = pending(Stage::Entered(Skip::OfPage(OFFSET)));
    let smaller = CursorState { grid: Some(2), ..at(4) };
    state.move_to(smaller.clone(), 1);
    assert_eq!(name(&state), "Entered OfPage(1)");
    let point = state.point().expect("a place");
    assert_eq!((&point.at, point.offset), (&smaller, 1));
    assert_eq!(point.progress.page_size_granted, Some(2));
    assert_eq!(state.skip_of_page(), Some(1));
    state.set_skip_of_page(0);
    assert_eq!(state.skip_of_page(), Some(0));
}
