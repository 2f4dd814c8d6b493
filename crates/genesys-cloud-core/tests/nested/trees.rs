//! What a tree yields, and what its report says.

use std::sync::{Arc, Mutex};

use genesys_cloud_core::{
    Checkpoint, ErrorKind, Method, Nested, OnRefused, Operation, Paginator, Reason, Request,
    Verdict,
};
use serde_json::{Value, json};

use crate::server::{Answer, Server};
use crate::{Org, client, id, list, members, members_of, numbered, queues, reloaded, rest};

#[tokio::test]
async fn items_come_parent_by_parent_with_their_parent() {
    let org = Org::of(&[2, 0, 7, 1, 3]);
    let (all, server) = (org.all(), org.serve().await);
    for concurrency in [1, 2, 8] {
        let before = server.received().len();
        let mut tree = members(&client(&server)).concurrency(concurrency);
        assert_eq!(rest(&mut tree).await, all, "{concurrency}");
        let report = tree.report();
        assert_eq!(report.verdict(), Verdict::Complete);
        assert_eq!((report.parents, report.parents_done, report.items), (5, 5, 13));
        // Three pages of queues, three of the queue with seven members, one of each other.
        assert_eq!((report.pages, report.requests), (10, 10));
        assert_eq!(server.received().len() - before, 10);
    }
}

#[tokio::test]
async fn any_order_yields_the_same_items() {
    let org = Org::of(&[2, 0, 7, 1, 3]);
    let (mut all, server) = (org.all(), org.serve().await);
    let mut tree = members(&client(&server)).unordered();
    let mut found = rest(&mut tree).await;
    found.sort();
    all.sort();
    assert_eq!(found, all);
    assert_eq!(tree.report().verdict(), Verdict::Complete);
}

#[tokio::test]
async fn three_levels_make_one_tree() {
    let org = Org { members: vec![2, 0, 3], skills: 4 };
    let server = org.clone().serve().await;
    let client = client(&server);
    let of = client.clone();
    let skills = move || {
        let of = of.clone();
        members(&of.clone()).nest(move |member| {
            let path = "/members/{memberId}/skills";
            list(&of, "getSkills", path, Some(("memberId", &id(&member.item)))).page_size(3)
        })
    };
    let all: Vec<String> = org
        .all()
        .iter()
        .flat_map(|member| (0..4).map(move |at| format!("{member}-{at}")))
        .collect();
    let mut tree = skills();
    let mut found = Vec::new();
    while let Some(skill) = tree.try_next().await.expect("a skill") {
        assert!(id(&skill.item).starts_with(&id(&skill.parent.item)));
        assert!(id(&skill.parent.item).starts_with(&id(&skill.parent.parent)));
        found.push(id(&skill.item));
    }
    assert_eq!(found, all);
    assert_eq!(tree.report().verdict(), Verdict::Complete);
    for stop in 0..=all.len() {
        let mut tree = skills();
        let mut found = Vec::new();
        for _ in 0..stop {
            found.extend(tree.try_next().await.expect("a skill").map(|skill| id(&skill.item)));
        }
        let checkpoint = reloaded(&tree.checkpoint().expect("a place"));
        let mut tree = skills().resume(&checkpoint);
        while let Some(skill) = tree.try_next().await.expect("a skill") {
            found.push(id(&skill.item));
        }
        assert_eq!(found, all, "{stop}");
        assert_eq!(tree.report().items, all.len() as u64);
        assert_eq!(tree.report().verdict(), Verdict::Complete);
    }
}

#[tokio::test]
async fn parents_with_the_same_list_are_resumed_each_at_its_own_place() {
    let server = Org::of(&[4, 2]).serve().await;
    let client = client(&server);
    let parents = ["0", "0", "1", "0"];
    let of = client.clone();
    let tree = move || {
        let of = of.clone();
        Nested::of(parents.map(|id| json!({ "id": id })), move |queue| members_of(&of, queue))
    };
    let all = rest(&mut tree()).await;
    assert_eq!(all.len(), 14);
    for unordered in [false, true] {
        let tree = || if unordered { tree().unordered() } else { tree() };
        for every in 1..=all.len() {
            let (mut reading, mut found) = (tree(), Vec::new());
            while let Some(member) = reading.try_next().await.expect("an item") {
                found.push(id(&member.item));
                if found.len() % every == 0 {
                    let checkpoint = reloaded(&reading.checkpoint().expect("a place"));
                    reading = tree().resume(&checkpoint);
                }
            }
            if unordered {
                found.sort();
                let mut all = all.clone();
                all.sort();
                assert_eq!(found, all, "{every}");
            } else {
                assert_eq!(found, all, "{every}");
            }
            assert_eq!(reading.report().verdict(), Verdict::Complete);
            assert_eq!(reading.report().parents_done, 4);
        }
    }
}

#[tokio::test]
async fn parents_of_the_caller_are_read_and_resumed() {
    let server = Org::of(&[2, 4, 1]).serve().await;
    let client = client(&server);
    let of = client.clone();
    let tree = || {
        let of = of.clone();
        Nested::of(["2", "1"].map(|id| json!({ "id": id })), move |queue| members_of(&of, queue))
    };
    assert_eq!(rest(&mut tree()).await, ["2-0", "1-0", "1-1", "1-2", "1-3"]);
    let mut begun = tree();
    for _ in 0..3 {
        begun.try_next().await.expect("an item");
    }
    let checkpoint = reloaded(&begun.checkpoint().expect("a place"));
    assert_eq!((checkpoint.operation(), checkpoint.items()), ("getMembers", 3));
    assert_eq!(rest(&mut tree().resume(&checkpoint)).await, ["1-2", "1-3"]);
}

/// Refuses the list of one queue.
async fn refusing(status: u16) -> Server {
    Org::of(&[2, 2, 2])
        .serve_but(move |_, request| {
            let body = format!(r#"{{"status":{status},"code":"refused","message":"no"}}"#);
            request.target.starts_with("/queues/1/").then(|| Answer::json(status, &body))
        })
        .await
}

#[tokio::test]
async fn a_missing_parent_is_skipped_and_named() {
    let server = refusing(404).await;
    let mut tree = members(&client(&server));
    assert_eq!(rest(&mut tree).await, ["0-0", "0-1", "2-0", "2-1"]);
    let report = tree.report();
    assert_eq!(report.verdict(), Verdict::Drifted(Reason::ParentsNotFound { parents: 1 }));
    assert_eq!((report.parents, report.parents_done, report.not_found), (3, 2, 1));
    let skipped = &report.skipped[0];
    assert_eq!((skipped.path.as_str(), skipped.status), ("/queues/1/members", 404));

    let mut tree = members(&client(&server)).on_not_found(OnRefused::Fail);
    let mut found = Vec::new();
    for _ in 0..2 {
        found.extend(tree.try_next().await.expect("an item"));
    }
    let error = tree.try_next().await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_forbidden_parent_ends_the_stream_unless_it_is_skipped() {
    let server = refusing(403).await;
    let mut tree = members(&client(&server));
    let mut found = 0;
    let error = loop {
        match tree.try_next().await {
            Ok(item) => found += u32::from(item.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), found), (ErrorKind::Forbidden, 2));
    assert_eq!(tree.report().failed.as_deref(), Some("/queues/1/members"));

    let mut tree = members(&client(&server)).on_forbidden(OnRefused::Skip);
    assert_eq!(rest(&mut tree).await.len(), 4);
    let reason = Reason::ParentsForbidden { parents: 1 };
    assert_eq!(tree.report().verdict(), Verdict::Truncated(reason));
}

#[tokio::test]
async fn a_limit_truncates_the_tree() {
    let server = Org::of(&[2, 3]).serve().await;
    let mut tree = members(&client(&server)).limit(3);
    assert_eq!(rest(&mut tree).await, ["0-0", "0-1", "1-0"]);
    assert_eq!(tree.report().verdict(), Verdict::Truncated(Reason::Limit));
}

#[tokio::test]
async fn a_list_that_is_not_whole_makes_the_tree_not_whole() {
    let server = Org::of(&[2, 9, 2]).serve().await;
    let client = client(&server);
    let of = client.clone();
    let mut tree = queues(&client).nest(move |queue| members_of(&of, queue).limit(4));
    assert_eq!(rest(&mut tree).await.len(), 8);
    assert_eq!(tree.report().verdict(), Verdict::Truncated(Reason::Limit));

    let of = client.clone();
    let mut tree = queues(&client).limit(2).nest(move |queue| members_of(&of, queue));
    assert_eq!(rest(&mut tree).await.len(), 11);
    assert_eq!(tree.report().verdict(), Verdict::Truncated(Reason::Limit));
}

async fn begun(server: &Server, items: usize) -> Checkpoint {
    let mut tree = members(&client(server));
    for _ in 0..items {
        tree.try_next().await.expect("an item");
    }
    reloaded(&tree.checkpoint().expect("a place"))
}

#[tokio::test]
async fn a_checkpoint_of_another_tree_is_refused() {
    let server = Org::of(&[2, 3]).serve().await;
    let client = client(&server);
    let checkpoint = begun(&server, 3).await;

    let of = client.clone();
    let mut other = list(&client, "getUsers", "/users", None)
        .nest(move |queue| members_of(&of, queue))
        .resume(&checkpoint);
    let error = other.try_next().await.expect_err("another list of parents");
    assert_eq!(error.kind(), ErrorKind::CheckpointMismatch);

    let of = client.clone();
    let mut other = queues(&client)
        .nest(move |queue| {
            let path = "/queues/{queueId}/members";
            let mut request = Request::new(Operation::new("getMembers", Method::Get, path));
            request.set_path("queueId", id(queue)).set_query("name", "A*");
            Paginator::<Value>::from_request(&of, request, numbered())
        })
        .resume(&checkpoint);
    let error = other.try_next().await.expect_err("other parameters");
    assert_eq!(error.kind(), ErrorKind::CheckpointMismatch);
    assert!(error.to_string().contains("the query parameter `name`"), "{error}");

    for wrong in [queues(&client).checkpoint()] {
        let mut tree = members(&client).resume(&wrong);
        let error = tree.try_next().await.expect_err("no tree");
        assert_eq!(error.kind(), ErrorKind::CheckpointMismatch);
        let mut given = Nested::of([json!({ "id": "1" })], {
            let of = client.clone();
            move |queue| members_of(&of, queue)
        })
        .resume(&wrong);
        let error = given.try_next().await.expect_err("no tree");
        assert_eq!(error.kind(), ErrorKind::CheckpointMismatch);
    }
}

#[tokio::test]
async fn a_parent_missing_on_resume_makes_the_tree_drift() {
    let server = Org::of(&[2, 5, 2]).serve().await;
    let checkpoint = begun(&server, 3).await;
    // Queue 1 is no longer listed, and has no members.
    let later = Org::of(&[2, 5, 2])
        .serve_but(|_, request| {
            let is_queues = request.target.starts_with("/queues?");
            let page = r#"{"entities":[{"id":"0"},{"id":"2"}],"total":2,"pageCount":1,"pageNumber":1,"pageSize":2}"#;
            is_queues.then(|| Answer::json(200, page))
        })
        .await;
    let text = serde_json::to_string(&checkpoint).expect("JSON");
    let moved: Checkpoint =
        serde_json::from_str(&text.replace(server.url(), later.url())).expect("a checkpoint");
    let mut tree = members(&client(&later)).resume(&moved);
    assert_eq!(rest(&mut tree).await, ["2-0", "2-1"]);
    assert!(matches!(tree.report().verdict(), Verdict::Drifted(_)), "{:?}", tree.report());
    assert_eq!(tree.report().items, 5);
}

#[tokio::test]
async fn the_end_of_each_list_is_reported_with_its_verdict() {
    let server = Org::of(&[2, 0, 7]).serve().await;
    let ended: Arc<Mutex<Vec<(String, Verdict)>>> = Arc::default();
    let sender = Arc::clone(&ended);
    let mut tree = members(&client(&server)).on_list_end(move |queue, verdict| {
        sender.lock().expect("the lists").push((id(queue), verdict));
    });
    assert_eq!(tree.report().outer, None);
    rest(&mut tree).await;
    assert_eq!(tree.report().outer, Some(Verdict::Complete));
    let ended = ended.lock().expect("the lists");
    assert_eq!(ended.len(), 3, "{ended:?}");
    assert!(ended.iter().all(|(_, verdict)| *verdict == Verdict::Complete), "{ended:?}");
}

#[tokio::test]
async fn a_skipped_parent_is_not_reported_as_complete() {
    let server = refusing(404).await;
    let ended: Arc<Mutex<Vec<Verdict>>> = Arc::default();
    let sender = Arc::clone(&ended);
    let mut tree = members(&client(&server)).on_list_end(move |_, verdict| {
        sender.lock().expect("the lists").push(verdict);
    });
    rest(&mut tree).await;
    let ended = ended.lock().expect("the lists");
    let skipped = Verdict::Drifted(Reason::ParentsNotFound { parents: 1 });
    assert_eq!(ended.iter().filter(|verdict| **verdict == skipped).count(), 1, "{ended:?}");
    assert!(ended.contains(&Verdict::Complete));
}
