//! Lists without faults: every record once, and no unnecessary request.

use futures::TryStreamExt as _;
use genesys_cloud::{End, Paginator};

use crate::{QUEUES, only_request, org, pages_requested, places, queues};

#[tokio::test]
async fn returns_each_queue_once_for_any_list_and_page_size() {
    let (org, client) = queues(0).await;
    for count in [0, 1, 25, 26, 100, 250, 1_000] {
        org.set_list(QUEUES, count).expect("a list");
        // The requested page size, and the one that the service grants: it silently caps the size.
        for (asked, granted) in [(None, 500), (Some(7), 7), (Some(25), 25), (Some(5_000), 500)] {
            org.reset();
            let mut paginator = client.routing().queues().paginate();
            if let Some(size) = asked {
                paginator = paginator.page_size(size);
            }
            let queues: Vec<_> = (&mut paginator).try_collect().await.expect("all queues");

            let case = format!("{count} queues in pages of {asked:?}");
            assert_eq!(places(&queues), Vec::from_iter(1..=count), "{case}");
            let pages = count.div_ceil(granted).max(1);
            assert_eq!(pages_requested(&org), Vec::from_iter(1..=pages), "{case}");
            let report = paginator.report();
            assert_eq!((report.items, report.requests), (count, pages), "{case}");
            let end = if count == 0 { End::EmptyPage } else { End::LastPage };
            assert_eq!(report.end, Some(end), "{case}");
        }
    }
}

#[tokio::test]
async fn a_list_costs_one_login_and_one_request_per_page() {
    let (org, client) = queues(250).await;
    let queues = client.routing().queues().name("*").id(["a b", "c"]).paginate().page_size(100);
    let queues: Vec<_> = queues.try_collect().await.expect("all queues");
    assert_eq!(queues.len(), 250);

    let requests = org.requests().into_iter();
    let requests: Vec<_> = requests.map(|it| [it.method, it.path, it.query].join(" ")).collect();
    assert_eq!(
        requests,
        [
            "POST /oauth/token ",
            "GET /api/v2/routing/queues name=%2A&id=a%20b&id=c&pageSize=100&pageNumber=1",
            "GET /api/v2/routing/queues name=%2A&id=a%20b&id=c&pageSize=100&pageNumber=2",
            "GET /api/v2/routing/queues name=%2A&id=a%20b&id=c&pageSize=100&pageNumber=3",
        ]
    );
}

#[tokio::test]
async fn sends_nothing_before_the_first_poll() {
    let (org, client) = queues(1).await;
    let mut paginator = client.routing().queues().paginate();
    assert_eq!(org.request_count(), 0);
    paginator.try_next().await.expect("a page").expect("a queue");
    assert_eq!(org.requests_for(QUEUES).len(), 1);
}

#[tokio::test]
async fn requests_the_next_page_after_the_last_item_of_the_current_one() {
    let (org, client) = queues(60).await;
    let mut paginator = client.routing().queues().paginate().page_size(25);
    for taken in 1..=60 {
        paginator.try_next().await.expect("a page").expect("a queue");
        let pages = u64::div_ceil(taken, 25);
        assert_eq!(paginator.report().requests, pages, "after {taken} queues");
    }
    assert!(paginator.try_next().await.expect("the end").is_none());
    assert_eq!(org.requests_for(QUEUES).len(), 3);
}

#[tokio::test]
async fn a_limit_ends_the_list_and_reduces_the_page_size() {
    let (org, client) = queues(250).await;
    for (limit, come, pages, page_size) in
        [(0, 0, 0, 25), (1, 1, 1, 1), (25, 25, 1, 25), (60, 60, 3, 25), (900, 250, 10, 25)]
    {
        org.reset();
        let queues = client.routing().queues().paginate().page_size(25).limit(limit);
        let queues: Vec<_> = queues.try_collect().await.expect("queues");
        assert_eq!(places(&queues), Vec::from_iter(1..=come), "limit {limit}");
        assert_eq!(pages_requested(&org), Vec::from_iter(1..=pages), "limit {limit}");
        let asked = format!("pageSize={page_size}&pageNumber=");
        let requests = org.requests_for(QUEUES);
        assert!(requests.iter().all(|it| it.query.starts_with(&asked)), "limit {limit}");
    }
}

#[tokio::test]
async fn max_pages_ends_the_list() {
    let (org, client) = queues(250).await;
    let mut paginator = client.routing().queues().paginate().page_size(100).max_pages(2);
    let queues: Vec<_> = (&mut paginator).try_collect().await.expect("queues");
    assert_eq!(places(&queues), Vec::from_iter(1..=200));
    assert_eq!(paginator.report().end, Some(End::MaxPages));
    assert_eq!(pages_requested(&org), [1, 2]);
}

#[tokio::test]
async fn pages_have_counts_and_headers() {
    let (_org, client) = queues(60).await;
    let mut pages = client.routing().queues().paginate().page_size(25).pages();
    let mut seen = Vec::new();
    while let Some(page) = pages.try_next().await.expect("a page") {
        assert_eq!(
            (page.page_count(), page.total(), page.page_size()),
            (Some(3), Some(60), Some(25))
        );
        assert_eq!(page.status(), 200);
        assert!(page.correlation_id().is_some_and(|id| !id.is_empty()));
        assert!(page.headers().contains_key("inin-ratelimit-allowed"));
        seen.push((page.number(), places(page.items())));
    }
    let expected = [(1, 1..=25), (2, 26..=50), (3, 51..=60)];
    assert_eq!(seen, expected.map(|(number, places)| (number, places.collect())));
}

#[tokio::test]
async fn batches_do_not_depend_on_the_page_size() {
    let (_org, client) = queues(60).await;
    for (size, lengths) in [(1, vec![1; 60]), (40, vec![40, 20]), (60, vec![60]), (900, vec![60])] {
        let chunks = client.routing().queues().paginate().page_size(25).batches(size);
        let chunks: Vec<_> = chunks.try_collect().await.expect("all queues");
        assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        assert_eq!(places(chunks.iter().flatten()), Vec::from_iter(1..=60));
    }
}

#[tokio::test]
async fn every_page_keeps_the_filter() {
    let (org, client) = queues(250).await;
    let support = client.routing().queues().name("Support*").paginate().page_size(25);
    let support: Vec<_> = support.try_collect().await.expect("some queues");
    // The queues belong to four departments in turn.
    assert_eq!(places(&support), Vec::from_iter((1..=250).step_by(4)));
    assert_eq!(pages_requested(&org), [1, 2, 3]);
}

#[tokio::test]
async fn a_list_starts_at_the_page_set_on_the_call() {
    let (org, client) = queues(60).await;
    let queues = client.routing().queues().page_number(2).page_size(25).paginate();
    let queues: Vec<_> = queues.try_collect().await.expect("the rest");
    assert_eq!(places(&queues), Vec::from_iter(26..=60));
    assert_eq!(pages_requested(&org), [2, 3]);
}

#[tokio::test]
async fn an_unpaged_call_returns_one_page() {
    let (org, client) = org().await;
    let page =
        client.routing().queues().page_size(10).send().await.expect("a response").into_value();
    assert_eq!(places(&page.entities.expect("queues")), Vec::from_iter(1..=10));
    assert_eq!((page.total, page.page_count), (Some(100), Some(10)));
    assert_eq!(only_request(&org).query, "pageSize=10");
}

#[tokio::test]
async fn lists_of_every_group_are_typed() {
    let (_org, client) = org().await;
    async fn count<T>(paginator: Paginator<T>) -> usize {
        paginator
            .page_size(40)
            .try_fold(0, |count, _| async move { Ok(count + 1) })
            .await
            .expect("a list")
    }
    assert_eq!(count(client.users().users().paginate()).await, 100);
    assert_eq!(count(client.groups().groups().paginate()).await, 100);
    assert_eq!(count(client.routing().skills().paginate()).await, 100);
    assert_eq!(count(client.integrations().integrations().paginate()).await, 100);
    assert_eq!(count(client.coaching().appointment_annotations("a").paginate()).await, 100);
    assert_eq!(count(client.external_contacts().organizations().paginate()).await, 100);
}

#[tokio::test]
async fn items_can_be_read_as_a_custom_type() {
    #[derive(serde::Deserialize)]
    struct Name {
        name: String,
    }
    let (_org, client) = queues(3).await;
    let names = client.routing().queues().paginate().items_as::<Name>();
    let names: Vec<_> = names.map_ok(|it| it.name).try_collect().await.expect("all names");
    assert_eq!(names, ["Support Queue 0001", "Sales Queue 0002", "Billing Queue 0003"]);
}
