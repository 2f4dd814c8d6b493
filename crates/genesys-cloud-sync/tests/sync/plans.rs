//! Faults of plans.

use genesys_cloud_sync::{Method, Plan};

fn faults(text: &str) -> String {
    let error = Plan::parse("plan.toml", text).err();
    error.unwrap_or_else(|| panic!("valid:\n{text}")).to_string()
}

#[test]
fn a_plan_is_validated_as_a_whole_with_line_and_column() {
    let text = r#"
target = "postgres://localhost/db"
shema = "x"

[tables.queues]
read = "routing.queus"
hstory = true

[tables.members]
read = "routing.queue_members"
for_each = "users.users"
deletes = "remov"

[tables.Codes]
read = "routing.wrapupcodes"
max_deletes = 120
"#;
    let expected = "plan.toml:3:1: unknown key `shema`; did you mean `schema`?
plan.toml:6:8: unknown operation `routing.queus`; did you mean `routing.queue` or `routing.queues`?
plan.toml:7:1: unknown key `hstory`; did you mean `history`?
plan.toml:11:12: the records of users.users are not known to have the `queueId` of routing.queue_members; \
use `for_each = \"routing.queues\"`
plan.toml:12:11: `deletes` has no value `remov`; did you mean `remove`?
plan.toml:14:9: `Codes` can't be the name of a table; use at most 50 lower-case letters, digits and underscores, \
not starting with genesys_cloud
plan.toml:16:15: `max_deletes` must be a percentage from 0 to 100";
    assert_eq!(faults(text), expected);
}

#[test]
fn faults_of_a_table_name_the_valid_choices() {
    for (keys, expected) in [
        ("", "1:9: the table `t` does not say what to read; add `read`, such as"),
        ("read = 5", "2:8: `read` must be a string"),
        ("read = ''", "2:8: `read` is empty"),
        ("read = 'queues'", "2:8: unknown operation `queues`; did you mean `routing.queues`"),
        ("read = 'routing.queue'", "2:8: routing.queue does not return a list"),
        ("read = 'routing.post_queues'", "2:8: "),
        ("read = 'routing.queues'\nparams = 5", "3:10: `params` must be a table"),
        (
            "read = 'routing.queues'\nparams = { nam = 'x' }",
            "3:18: getRoutingQueues has no parameter `nam`; did you mean `name`",
        ),
        (
            "read = 'routing.queues'\nparams = { hasPeer = 'yes' }",
            "3:22: `hasPeer` takes true or false, not `yes`",
        ),
        (
            "read = 'routing.queues'\nparams.sortOrder = 'up'",
            "3:20: `sortOrder` has no value `up`; expected one of asc, desc",
        ),
        (
            "read = 'routing.queues'\nparams.pageNumber = 2",
            "3:21: `pageNumber` selects a page, but a sync reads all pages; omit it",
        ),
        ("read = 'routing.queues'\nbody = {}", "3:8: getRoutingQueues takes no body; omit `body`"),
        (
            "read = 'routing.queues'\nsince = 2026-01-01",
            "3:9: `since`: getRoutingQueues takes no time range; omit it",
        ),
        (
            "read = 'routing.queues'\nkey = 'name2'",
            "3:7: `key`: the records of getRoutingQueues have no field `name2`; did you mean `name`?",
        ),
        (
            "read = 'routing.queues'\nkey = ['id', 'memberGroups']",
            "3:14: `key`: `memberGroups` is not a single value",
        ),
        ("read = 'routing.queues'\nkey = ['id', 'id']", "3:14: `key` names `id` twice"),
        ("read = 'routing.queues'\nkey = []", "3:7: `key` is empty"),
        ("read = 'routing.queues'\nhistory = 'yes'", "3:11: `history` must be true or false"),
        (
            "read = 'routing.queues'\nhistory = true\ndeletes = 'remove'",
            "4:11: `history` keeps the rows of deleted records; use deletes = \"mark\"",
        ),
        ("read = 'routing.queues'\nmax_deletes = '20 %'", "3:15: `max_deletes` must be a number"),
        ("read = 'routing.queues'\nfull_every = 'daily'", "3:14: `full_every` is not a duration: "),
        ("read = 'routing.queues'\nbind = { x = 'y' }", "3:8: `bind` needs `for_each`"),
        (
            "read = 'routing.queue_members'",
            "1:9: getRoutingQueueMembers requires the parameter `queueId`; add `params.queueId`",
        ),
        (
            "read = 'routing.queue_members'\nfor_each = 'routing.queues'\nbind = { queueId = 'idd' }",
            "4:20: `bind.queueId`: records have no field `idd`; did you mean `id`",
        ),
        (
            "read = 'routing.queue_members'\nfor_each = 'routing.queues'\nbind = { queue = 'id' }",
            "4:10: getRoutingQueueMembers has no parameter `queue`; did you mean `queueId`?",
        ),
        (
            "read = 'routing.queue_members'\nfor_each = 'routing.queues'\nfor_each_params.nam = 'x'",
            "4:23: getRoutingQueues has no parameter `nam`",
        ),
        (
            "read = 'routing.queues'\nfor_each = 'routing.queues'",
            "3:12: routing.queues has no path parameter that `for_each` could set; name the parameter",
        ),
        (
            "read = 'analytics.conversations_details_jobs'",
            "1:9: postAnalyticsConversationsDetailsJobs takes a time range; add `since`, such as",
        ),
        (
            "read = 'analytics.conversations_details_jobs'\nsince = 'May'",
            "3:9: `since` must be a date, such as 2026-01-01",
        ),
        (
            "read = 'analytics.conversations_details_jobs'\nsince = 2026-01-01\nlookback = '3 dys'",
            "4:12: `lookback` is not a duration: ",
        ),
        (
            "read = 'analytics.conversations_details_jobs'\nsince = 2026-01-01\nbody = { interval = 'x' }",
            "4:8: `interval` is set by `since`; omit it here",
        ),
        (
            "read = 'analytics.conversations_details_jobs'\nsince = 2026-01-01\nbody = { oder = 'asc' }",
            "4:8: `body` has no field `oder`; did you mean `order`?",
        ),
    ] {
        let text = format!("[tables.t]\n{keys}\n");
        let found = faults(&text);
        assert!(found.contains(&format!("plan.toml:{expected}")), "{keys}\n{found}");
    }
}

#[test]
fn a_plan_without_tables_or_with_broken_syntax_is_refused() {
    for (text, expected) in [
        ("", "plan.toml:1:1: the plan has no tables; add [tables.NAME]"),
        ("[tables]", "the plan has no tables"),
        ("tables = 5", "plan.toml:1:10: `tables` must be a table"),
        ("[tables]\nt = 5", "plan.toml:2:5: `t` must be a table: [tables.t]"),
        ("[tables.t", "plan.toml:1:"),
        ("[tables.t]\nread = 'a'\nread = 'b'", "plan.toml:3:1: duplicate key"),
        ("schema = 'a b'", "plan.toml:1:10: `a b` is not a plain name of a schema"),
    ] {
        let found = faults(text);
        assert!(found.contains(expected), "{text}\n{found}");
    }
}

#[test]
fn messages_never_show_the_target() {
    let queues = "[tables.queues]\nread = 'routing.queues'";
    let found = faults(&format!("target = 'mysql://me:SECRET@host/db'\n{queues}"));
    assert_eq!(
        found,
        "plan.toml:1:10: `target` is not the URL of a known database; expected postgres://host/database"
    );
    let text = format!("target = 'postgres://me:SECRET@host/db'\n{queues}");
    let plan = Plan::parse("plan.toml", &text).expect("a plan");
    assert!(!format!("{plan:?}").contains("SECRET"));
    assert_eq!(plan.target(), Some("postgres://me:SECRET@host/db"));
}

#[test]
fn methods_follow_from_the_document() {
    let text = r#"
[tables.queues]
read = "routing.queues"
[tables.scripts]
read = "scripts.scripts"
[tables.sorted_by_name]
read = "scripts.scripts"
params = { sortBy = "name" }
[tables.compared]
read = "scripts.scripts"
full_every = "0s"
[tables.conversations]
read = "analytics.conversations_details_jobs"
since = 2026-05-01
[tables.members]
read = "routing.queue_members"
for_each = "routing.queues"
"#;
    let plan = Plan::parse("plan.toml", text).expect("a plan");
    let of = |at: usize| {
        let table = &plan.tables()[at];
        (table.name(), table.method(), table.key())
    };
    assert_eq!(of(0), ("queues", Method::Comparison, vec!["id"]));
    assert_eq!(of(1), ("scripts", Method::Modified, vec!["id"]));
    assert_eq!(of(2), ("sorted_by_name", Method::Comparison, vec!["id"]));
    assert_eq!(of(3), ("compared", Method::Comparison, vec!["id"]));
    assert_eq!(of(4), ("conversations", Method::TimeRange, vec!["conversationId"]));
    assert_eq!(of(5), ("members", Method::Comparison, vec!["queueId", "id"]));
    assert_eq!(
        plan.tables()[1].reason(),
        "scripts.scripts sorts by `modifiedDate`; a complete comparison every 1day finds deletes"
    );
    let error = plan.select(&["queue".to_owned()]).expect_err("no such table");
    assert!(error.starts_with("plan.toml has no table `queue`; expected one of queues, scripts"));
}
