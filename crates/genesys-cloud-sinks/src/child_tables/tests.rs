use super::*;

fn conversation() -> &'static Schema {
    Catalogue::embedded().definition("AnalyticsConversation").expect("a definition")
}

fn key() -> Vec<Column> {
    vec![Column { path: "conversationId".to_owned(), kind: ColumnKind::Text }]
}

fn tables(paths: &[&str]) -> Result<ChildTables, ExplodeError> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    ChildTables::new(conversation(), "AnalyticsConversation", &key(), &paths)
}

fn names(columns: &Columns) -> Vec<&str> {
    columns.all().iter().map(|column| column.path.as_str()).collect()
}

#[test]
fn each_list_on_a_path_is_a_table() {
    let all = tables(&["participants.sessions.segments", "participants.sessions", "evaluations"]);
    let all = all.expect("tables");
    let paths: Vec<&str> = all.all().iter().map(ChildTable::path).collect();
    let expected =
        ["participants", "participants.sessions", "participants.sessions.segments", "evaluations"];
    assert_eq!(paths, expected);
    let segments = &all.all()[2];
    let keys = [
        "conversationId",
        "participantId",
        "participantIndex",
        "sessionId",
        "sessionIndex",
        "segmentIndex",
    ];
    assert_eq!(names(segments.columns())[..6], keys);
    assert!(names(segments.columns()).contains(&"segmentStart"));
    let identity: Vec<&str> = segments.identity().iter().map(|it| it.path.as_str()).collect();
    assert_eq!(identity, ["conversationId", "participantIndex", "sessionIndex", "segmentIndex"]);
    let participants = names(all.all()[0].columns());
    assert_eq!(participants[..2], ["conversationId", "participantIndex"]);
    assert!(participants.contains(&"participantId") && !participants.contains(&"sessions"));
    let remaining = Columns::of(Some(all.record()));
    assert!(!names(&remaining).contains(&"participants"));
    assert!(!names(&remaining).contains(&"evaluations"));
    assert!(names(&remaining).contains(&"surveys"));
}

#[test]
fn an_id_of_the_record_is_named_after_its_type() {
    let queue = Catalogue::embedded().definition("Queue").expect("a definition");
    let key = [Column { path: "id".to_owned(), kind: ColumnKind::Text }];
    let paths = ["memberGroups".to_owned()];
    let all = ChildTables::new(queue, "Queue", &key, &paths).expect("tables");
    let columns = names(all.all()[0].columns());
    assert_eq!(columns[..3], ["queueId", "memberGroupIndex", "id"]);
}

#[test]
fn elements_that_are_not_objects_are_values() {
    let all = tables(&["divisionIds"]).expect("tables");
    let columns = all.all()[0].columns();
    assert_eq!(names(columns), ["conversationId", "divisionIdIndex", "value"]);
    assert_eq!(columns.all()[2].kind, ColumnKind::Text);
}

#[test]
fn rejects_paths_that_are_not_lists() {
    for (path, text) in [
        ("", "empty path"),
        ("participant", "records have no list `participant`"),
        ("participants.purpose", "`participants.purpose` is a string, not a list"),
        ("participants.attributes", "`participants.attributes` is a map, not a list"),
        ("participants.attributes.x", "`participants.attributes` is a map, not a list"),
        ("divisionIds.x", "`divisionIds` is a string, not a list"),
        ("selfServed", "`selfServed` is a boolean, not a list"),
    ] {
        assert_eq!(tables(&[path]).expect_err(path).to_string(), text);
    }
}

#[test]
fn lists_the_lists_of_a_record() {
    let found = lists(conversation());
    assert!(found.iter().any(|path| path == "participants.sessions.segments"), "{found:?}");
    assert!(found.iter().all(|path| tables(&[path]).is_ok()), "{found:?}");
    let first = found.iter().position(|path| path.contains('.')).expect("a nested list");
    assert!(found[first..].iter().all(|path| path.contains('.')), "the shortest first: {found:?}");
    let catalogue = Catalogue::embedded();
    // Some types contain themselves.
    for name in catalogue.definition_names() {
        let schema = catalogue.resolve(catalogue.definition(name).expect("a definition"));
        assert!(lists(schema).len() <= 60);
    }
}

#[test]
fn selected_fields_are_of_the_record_or_of_a_table() {
    let mut all = tables(&["participants.sessions"]).expect("tables");
    let fields = ["conversationStart", "participants.purpose", "participants.sessions.ani"];
    let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    assert_eq!(all.choose(&fields, false), Ok(vec!["conversationStart".to_owned()]));
    let columns: Vec<Vec<&str>> = all.all().iter().map(|table| names(table.columns())).collect();
    assert_eq!(columns[0], ["conversationId", "participantIndex", "purpose"]);
    assert_eq!(columns[1][3..], ["sessionIndex", "ani"]);
    let error = all.choose(&["participants.purpos".to_owned()], false).expect_err("no such field");
    assert_eq!(error.to_string(), "records have no field `participants.purpos`");
}
