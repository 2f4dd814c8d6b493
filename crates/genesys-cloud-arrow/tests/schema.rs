//! The schemas of lists.

use arrow_schema::extension::Json;
use arrow_schema::{DataType, Field, TimeUnit};
use genesys_cloud_arrow::{Integers, Names, RecordSchema, SchemaError, SchemaOptions};
use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::specs::{self, OperationKind};

fn schema(name: &str, options: &SchemaOptions) -> RecordSchema {
    let catalogue = Catalogue::embedded();
    let operation = catalogue.operation(name).expect(name);
    RecordSchema::with_options(catalogue, operation, options).expect(name)
}

fn default(name: &str) -> RecordSchema {
    schema(name, &SchemaOptions::new())
}

/// Writes a schema as an outline, a field per line.
fn outline(schema: &RecordSchema) -> String {
    let mut text = String::new();
    schema.arrow().fields().iter().for_each(|field| write(&mut text, 0, field));
    text
}

fn write(text: &mut String, depth: usize, field: &Field) {
    let json = field.try_extension_type::<Json>().map_or("", |_| " (JSON)");
    let null = if field.is_nullable() { "" } else { " not null" };
    let (kind, inner): (String, Vec<&Field>) = match field.data_type() {
        DataType::Struct(fields) => {
            ("struct".into(), fields.iter().map(|field| field.as_ref()).collect())
        }
        DataType::List(element) => ("list".into(), vec![element]),
        DataType::Map(entries, _) => ("map".into(), vec![entries]),
        other => (other.to_string(), Vec::new()),
    };
    let indent = "  ".repeat(depth);
    text.push_str(&format!("{indent}{}: {kind}{json}{null}\n", field.name()));
    for field in inner {
        write(text, depth + 1, field);
    }
}

#[test]
fn queues_have_real_types() {
    insta::assert_snapshot!(outline(&default("routing.queues")));
}

#[test]
fn users_have_real_types() {
    insta::assert_snapshot!(outline(&default("users.users")));
}

#[test]
fn conversations_of_a_job_have_real_types() {
    insta::assert_snapshot!(outline(&default("postAnalyticsConversationsDetailsJobs")));
}

/// A catalogue with a list of records that have every kind of field.
fn kinds() -> Catalogue {
    let operations = r#"{"id":"getNodes","method":"GET","path":"/nodes","group":"g","rust":"nodes","parameters":[],"replies":{"200":{"type":"array","items":{"$ref":"Node"}}},"tag":{"kind":"list","scheme":"UnpagedBareArray","items":"[]"}}
{"id":"getNames","method":"GET","path":"/names","group":"g","rust":"names","parameters":[],"replies":{"200":{"type":"array","items":{"type":"string"}}},"tag":{"kind":"list","scheme":"UnpagedBareArray","items":"[]"}}
{"id":"getAny","method":"GET","path":"/any","group":"g","rust":"any","parameters":[],"replies":{},"tag":{"kind":"list","scheme":"UnpagedBareArray","items":"[]"}}
{"id":"getNode","method":"GET","path":"/node","group":"g","rust":"node","parameters":[],"replies":{},"tag":{"kind":"single"}}"#;
    let definitions = r#"{"name":"Node","type":"object","properties":{"id":{"type":"string","description":"The id."},"dateCreated":{"type":"string","format":"date-time"},"localStart":{"type":"string","format":"local-date-time"},"day":{"type":"string","format":"date"},"count":{"type":"integer","format":"int32"},"size":{"type":"integer","format":"int64"},"whole":{"type":"integer"},"ratio":{"type":"number","format":"float"},"isOpen":{"type":"boolean"},"any":{"type":"object"},"tags":{"type":"array","items":{"type":"string"}},"children":{"type":"array","items":{"$ref":"Node"}},"peers":{"type":"object","additionalProperties":{"$ref":"Peer"}},"uri":{"type":"string","format":"uri"},"Uri":{"type":"string"},"missing":{"$ref":"Nowhere"}}}
{"name":"Peer","type":"object","properties":{"parent":{"$ref":"Node"},"attributes":{"type":"object","additionalProperties":{"type":"string"}}}}"#;
    Catalogue::from_jsonl(operations, definitions).expect("a catalogue")
}

fn of_kinds(name: &str, options: &SchemaOptions) -> RecordSchema {
    let catalogue = kinds();
    let operation = catalogue.operation(name).expect(name);
    RecordSchema::with_options(&catalogue, operation, options).expect(name)
}

#[test]
fn recursion_ends_in_json_and_maps_are_maps() {
    insta::assert_snapshot!(outline(&of_kinds("getNodes", &SchemaOptions::new())));
}

#[test]
fn comments_and_api_names_are_metadata() {
    let options = SchemaOptions::new().names(Names::Snake).integers(Integers::Long);
    let schema = of_kinds("getNodes", &options);
    let field = |name: &str| schema.arrow().field_with_name(name).expect(name);
    assert_eq!(field("id").metadata()["description"], "The id.");
    assert_eq!(field("date_created").metadata()["genesys_cloud.name"], "dateCreated");
    assert!(field("id").metadata().get("genesys_cloud.name").is_none());
    assert_eq!(field("count").data_type(), &DataType::Int64);
    let uris = ["uri", "uri_2"].map(|name| field(name).data_type());
    assert_eq!(uris, [&DataType::Utf8; 2]);
}

#[test]
fn records_other_than_objects_have_one_column() {
    let outline = |name| outline(&of_kinds(name, &SchemaOptions::new()));
    assert_eq!(outline("getNames"), "value: Utf8\n");
    assert_eq!(outline("getAny"), "value: Utf8 (JSON)\n");
    let catalogue = kinds();
    let node = catalogue.operation("getNode").expect("an operation");
    let error = RecordSchema::of(&catalogue, node).expect_err("no list");
    assert_eq!(error.to_string(), "`getNode` does not return a list");
}

#[test]
fn a_schema_that_is_too_wide_loses_its_deepest_levels() {
    let queues = default("routing.queues");
    let deep = ["mediaSettings.call.serviceLevel.durationMs"];
    for most in [1, 50, 100, 200, 300] {
        let cut = schema("routing.queues", &SchemaOptions::new().most_columns(most));
        let top = queues.arrow().fields().len();
        assert_eq!(cut.arrow().fields().len(), top);
        assert!(cut.columns() <= most.max(top), "{most}: {}", cut.columns());
        assert_eq!(cut.arrow() == queues.arrow(), most >= queues.columns(), "{most}");
        // Fields below the cut can still be selected.
        let selected = cut.project(deep).expect("a field");
        assert_eq!(outline(&selected).lines().count(), 4, "{most}");
    }
}

#[test]
fn selects_fields_in_order() {
    let queues = default("routing.queues");
    let selected = queues.project(["name", "division.name", "id", "division.id"]).expect("fields");
    let expected = "name: Utf8\ndivision: struct\n  name: Utf8\n  id: Utf8\nid: Utf8\n";
    assert_eq!(outline(&selected), expected);
    let conversations = default("postAnalyticsConversationsDetailsJobs");
    let path = "participants.sessions.segments.segmentEnd";
    let selected = conversations.project(["participants.sessions.segments.segmentEnd"]);
    let selected = outline(&selected.expect(path));
    assert!(selected.ends_with("segmentEnd: Timestamp(µs, \"UTC\")\n"), "{selected}");
    assert_eq!(selected.lines().count(), 7, "{selected}");
    let all = queues.project(["division.name", "division"]).expect("fields");
    assert_eq!(all.arrow(), queues.project(["division"]).expect("a field").arrow());
    let snake = schema("routing.queues", &SchemaOptions::new().names(Names::Snake));
    for path in ["memberCount", "member_count"] {
        assert_eq!(outline(&snake.project([path]).expect(path)), "member_count: Int32\n");
    }
}

#[test]
fn rejects_fields_that_do_not_exist() {
    let queues = default("routing.queues");
    let error = |paths: &[&str]| queues.project(paths).expect_err("refused");
    let SchemaError::Unknown { name, parent, known, .. } = error(&["division.nam"]) else {
        panic!("an unknown field");
    };
    assert_eq!((&*name, &*parent), ("nam", "division."));
    assert!(known.iter().any(|name| name == "name"), "{known:?}");
    for (paths, text) in [
        (&[][..], "empty field name"),
        (&[""], "empty field name"),
        (&["id", "id"], "`id` is given twice"),
        (&["nmae"], "records have no field `nmae`"),
        (&["id."], "`id` has no fields of its own; select the whole value"),
        (&["id.x"], "`id` has no fields of its own; select the whole value"),
        (&["division."], "records have no field `division.`"),
        (&["memberCount.x"], "`memberCount` has no fields of its own; select the whole value"),
    ] {
        assert_eq!(error(paths).to_string(), text, "{paths:?}");
    }
}

#[test]
fn every_list_and_job_has_a_schema_within_the_limit() {
    let catalogue = Catalogue::embedded();
    let (mut described, mut cut) = (0, 0);
    for operation in catalogue.operations() {
        let kind = specs::kind(catalogue, operation).expect(&operation.id);
        let options = SchemaOptions::new().names(Names::Snake);
        let schema = match RecordSchema::with_options(catalogue, operation, &options) {
            Ok(schema) => schema,
            Err(error) => {
                let is_single = matches!(kind, OperationKind::Single | OperationKind::Accepted);
                assert!(is_single, "{}: {error}", operation.id);
                continue;
            }
        };
        assert!(schema.columns() <= 2_000, "{}: {}", operation.id, schema.columns());
        let all = SchemaOptions::new().names(Names::Snake).most_columns(usize::MAX);
        let all = RecordSchema::with_options(catalogue, operation, &all).expect(&operation.id);
        cut += usize::from(all.columns() > 2_000);
        described += usize::from(specs::record(catalogue, operation, &kind).is_some());
    }
    assert!(described > 700 && cut < 60, "{described} described, {cut} cut");
}

fn names(schema: &RecordSchema) -> Vec<String> {
    schema.arrow().fields().iter().map(|field| field.name().clone()).collect()
}

#[test]
fn added_columns_come_before_or_after_the_fields_of_the_document() {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = || {
        [Field::new("queueId", DataType::Int64, false), Field::new("_loadedAt", utc.clone(), true)]
    };
    let nodes =
        of_kinds("getNodes", &SchemaOptions::new()).project(["id", "count"]).expect("fields");
    let before = nodes.prepend(fields()).expect("columns");
    assert_eq!(names(&before), ["queueId", "_loadedAt", "id", "count"]);
    assert!(before.arrow().field(0).is_nullable());
    assert_eq!(
        names(&nodes.append(fields()).expect("columns")),
        ["id", "count", "queueId", "_loadedAt"]
    );
    // They can be selected, too.
    let chosen = before.project(["id", "queueId"]).expect("fields");
    assert_eq!(names(&chosen), ["id", "queueId"]);
    let snake = SchemaOptions::new().names(Names::Snake);
    let snake = of_kinds("getNodes", &snake).project(["dateCreated"]).expect("fields");
    let added =
        snake.prepend([Field::new("date_created", DataType::Utf8, true)]).expect("a column");
    assert_eq!(names(&added), ["date_created_2", "date_created"]);
    assert_eq!(
        names(&snake.append(fields()).expect("columns")),
        ["date_created", "queue_id", "loaded_at"]
    );
}

#[test]
fn a_column_that_can_not_be_added_is_refused() {
    let nodes = of_kinds("getNodes", &SchemaOptions::new());
    let column = |name: &str, data_type| [Field::new(name, data_type, true)];
    for (added, text) in [
        (column("id", DataType::Utf8), "`id` is given twice"),
        (column("at", DataType::Date64), "`at`: a column of a record can't have the type Date64"),
    ] {
        assert_eq!(nodes.prepend(added.clone()).expect_err("refused").to_string(), text);
        assert_eq!(nodes.append(added).expect_err("refused").to_string(), text);
    }
    let text = "the records are not objects and have no fields";
    let strings = of_kinds("getNames", &SchemaOptions::new());
    assert_eq!(strings.append(column("a", DataType::Utf8)).expect_err("refused").to_string(), text);
}

#[test]
fn a_schema_can_be_made_of_columns_alone() {
    let fields =
        ["division.name", "divisionName"].map(|name| Field::new(name, DataType::Utf8, true));
    let snake = SchemaOptions::new().names(Names::Snake);
    let schema = RecordSchema::of_columns(fields, &snake).expect("a schema");
    assert_eq!(names(&schema), ["division_name", "division_name_2"]);
    assert!(matches!(RecordSchema::of_columns([], &snake), Err(SchemaError::Empty)));
}

#[test]
fn fields_are_removed_with_everything_within() {
    let jobs = default("postAnalyticsConversationsDetailsJobs");
    let whole = jobs.columns();
    let less = jobs.without(["participants.sessions.segments", "conversationEnd"]).expect("fields");
    let outline = outline(&less);
    assert!(outline.contains("    sessions: list") && !outline.contains("segments"), "{outline}");
    assert!(!outline.contains("conversationEnd") && less.columns() < whole);
    // Of a struct without fields, nothing is left.
    let queue = default("routing.queues").project(["id", "division.name"]).expect("fields");
    assert_eq!(names(&queue.without(["division.name"]).expect("fields")), ["id"]);
    for (paths, text) in [
        (&["id", "division"][..], "empty field name"),
        (&["id", "id"], "`id` is given twice"),
        (&["owner"], "records have no field `owner`"),
    ] {
        assert_eq!(queue.without(paths).expect_err("refused").to_string(), text);
    }
}

#[test]
fn the_elements_of_a_list_have_a_schema() {
    let jobs = default("postAnalyticsConversationsDetailsJobs");
    let sessions = jobs.element("participants.sessions").expect("a list");
    let segments = sessions.element("segments").expect("a list");
    assert_eq!(segments, jobs.element("participants.sessions.segments").expect("a list"));
    assert!(names(&segments).contains(&"segmentStart".to_owned()));
    let nodes = of_kinds("getNodes", &SchemaOptions::new());
    let tags = nodes.element("tags").expect("a list");
    assert_eq!((names(&tags), tags.is_object()), (vec!["value".to_owned()], false));
    for (path, text) in [
        ("id", "`id` is not a list"),
        ("peers", "`peers` is not a list"),
        ("nodes", "records have no field `nodes`"),
        ("tags.x", "`tags` has no fields of its own; select the whole value"),
    ] {
        assert_eq!(nodes.element(path).expect_err("refused").to_string(), text);
    }
}
