//! Tests of the public API of the catalogue.

use genesys_cloud_catalogue::tags::{JobFamily, JobId, Role, Scheme, Tag, TagKind};
use genesys_cloud_catalogue::{Catalogue, Kind, Location};

#[test]
fn reads_every_embedded_operation_and_definition() {
    let catalogue = Catalogue::embedded();
    let named = catalogue.definition_names().filter_map(|name| catalogue.definition(name)).count();
    assert_eq!(named, catalogue.definition_names().count());
    assert!(named > 5_000);
    assert!(catalogue.operations().len() > 3_000);
}

#[test]
fn every_reference_of_an_operation_resolves() {
    let catalogue = Catalogue::embedded();
    for operation in catalogue.operations() {
        let bodies = operation.body.iter().map(|body| &body.schema);
        let replies = operation.replies.iter().filter_map(|reply| reply.schema.as_ref());
        for schema in bodies.chain(replies) {
            assert!(
                schema.reference.as_deref().is_none_or(|name| catalogue.definition(name).is_some()),
                "{}",
                operation.id
            );
        }
    }
}

#[test]
fn every_tag_names_an_existing_family_and_existing_operations() {
    let catalogue = Catalogue::embedded();
    assert!(catalogue.family_names().len() > 100);
    for operation in catalogue.operations() {
        let tag = operation.tag().expect("a tag").expect("every operation has one");
        assert_eq!(tag.family.is_some(), tag.role.is_some(), "{}", operation.id);
        assert_eq!(tag.kind == TagKind::Job, tag.role == Some(Role::Submit), "{}", operation.id);
        let Some(name) = tag.family else { continue };
        let family = catalogue.family(&name).expect("a family");
        assert_eq!(family.name, name, "{}", operation.id);
        for other in family.status.iter().chain(&family.cancel) {
            assert!(catalogue.operation(&other.operation).is_some(), "{other:?}");
        }
    }
}

/// The types represent everything in the files: writing a parsed entry yields the same bytes.
#[test]
fn tags_and_families_round_trip() {
    let (operations, families) =
        (include_str!("../data/operations.jsonl"), include_str!("../data/families.jsonl"));
    for line in operations.lines() {
        let (_, text) = line.rsplit_once(r#","tag":"#).expect("a tag at the end of the line");
        let text = text.strip_suffix('}').expect("the end of the operation");
        let tag: Tag = serde_json::from_str(text).expect("a tag");
        assert_eq!(serde_json::to_string(&tag).expect("JSON"), text);
    }
    for line in families.lines() {
        let family: JobFamily = serde_json::from_str(line).expect("a family");
        assert_eq!(serde_json::to_string(&family).expect("JSON"), line);
    }
}

#[test]
fn accepts_families_of_another_document() {
    let family = r#"{"name":"walks","id":"nowhere","done":{"state":"state"},"results":"nothing"}"#;
    let catalogue = document().with_families(family).expect("a family");
    assert_eq!(catalogue.family_names().collect::<Vec<_>>(), ["walks"]);
    assert_eq!(catalogue.family("walks").expect("a family").id, JobId::Nowhere);
    assert_eq!(catalogue.family("swims"), None);
    let error = document().with_families(r#"{"name":"walks"}"#).expect_err("no family");
    assert_eq!(error.to_string(), "families, line 1: invalid catalogue entry");
    let error = document().with_families(format!("{family}\n{family}")).expect_err("twice");
    assert_eq!(error.to_string(), "families, line 2: duplicate name walks");
}

#[test]
fn finds_an_operation_by_each_of_its_names() {
    let catalogue = document();
    for name in ["getPets", "GET /api/v2/pets/{petId}", "zoo.pets"] {
        assert_eq!(catalogue.operation(name).expect(name).id, "getPets");
    }
    assert!(catalogue.operation("getPet").is_none());
}

#[test]
fn parameters_replies_and_properties_keep_the_order_of_the_document() {
    let catalogue = document();
    let operation = catalogue.operation("getPets").expect("an operation");
    let names: Vec<_> = operation.parameters.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["petId", "kind", "If-Match"]);
    let statuses: Vec<_> = operation.replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [Some(206), Some(200), None]);
    let pet = catalogue.definition("Pet").expect("a definition");
    let fields: Vec<_> = pet.properties.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(fields, ["zebra", "ant", "tags"]);
}

#[test]
fn a_parameter_has_a_location_and_a_type() {
    let catalogue = document();
    let operation = catalogue.operation("getPets").expect("an operation");
    let kind = operation.parameter("kind").expect("a parameter");
    assert_eq!((kind.location, kind.kind, kind.required), (Location::Query, Kind::Array, false));
    assert_eq!(kind.items.as_ref().and_then(|item| item.kind), Some(Kind::String));
    assert_eq!(operation.parameters_in(Location::Path).count(), 1);
}

#[test]
fn resolves_a_reference_to_its_definition() {
    let catalogue = document();
    let operation = catalogue.operation("getPets").expect("an operation");
    let pet = catalogue.resolve(operation.reply().expect("a reply"));
    assert_eq!(pet.required, ["ant"]);
    assert_eq!(pet.property("ant").and_then(|ant| ant.maximum), Some(9.0));
    let tags = pet.property("tags").and_then(|tags| tags.additional_properties.as_deref());
    assert_eq!(tags.and_then(|tag| tag.kind), Some(Kind::Boolean));
}

#[test]
fn parses_a_tag_on_demand() {
    let catalogue = document();
    let tag = catalogue.operation("getPets").expect("an operation").tag().expect("a tag");
    let list = tag.expect("a tag").list;
    assert_eq!((list.scheme, list.items.as_deref()), (Some(Scheme::LimitOnly), Some("entities")));

    let unknown = OPERATION.replace("LimitOnly", "Unlimited");
    let catalogue = Catalogue::from_jsonl(unknown, DEFINITION).expect("a document");
    let error = catalogue.operation("getPets").expect("an operation").tag().expect_err("a scheme");
    assert_eq!(error.to_string(), "tag of getPets: invalid catalogue entry");
}

#[test]
fn errors_name_the_file_and_the_line() {
    let error = Catalogue::from_jsonl("\n{\"id\":1}", "").expect_err("not an operation");
    assert_eq!(error.to_string(), "operations, line 2: invalid catalogue entry");
    assert!(std::error::Error::source(&error).is_some());

    let twice = format!("{}\n{}", OPERATION, OPERATION);
    let error = Catalogue::from_jsonl(&twice, "").expect_err("twice");
    assert_eq!(error.to_string(), "operations, line 2: duplicate name getPets");

    let error = Catalogue::from_jsonl("", r#"{"name":"Pet","type":"animal"}"#).expect_err("a type");
    assert_eq!(error.to_string(), "definitions, line 1: invalid catalogue entry");
}

const OPERATION: &str = concat!(
    r#"{"method":"GET","path":"/api/v2/pets/{petId}","id":"getPets","group":"zoo","rust":"pets","#,
    r#""parameters":[{"name":"petId","in":"path","required":true,"type":"string"},"#,
    r#"{"name":"kind","in":"query","type":"array","items":{"type":"string"}},"#,
    r#"{"name":"If-Match","in":"header","type":"string"}],"#,
    r#""replies":{"206":null,"200":{"$ref":"Pet"},"default":null},"#,
    r#""tag":{"kind":"paged","scheme":"LimitOnly","items":"entities"},"something new":1}"#,
);

const DEFINITION: &str = concat!(
    r#"{"name":"Pet","type":"object","required":["ant"],"properties":{"zebra":{"type":"string"},"#,
    r#""ant":{"type":"integer","maximum":9},"#,
    r#""tags":{"type":"object","additionalProperties":{"type":"boolean"}}}}"#,
);

fn document() -> Catalogue {
    Catalogue::from_jsonl(OPERATION, DEFINITION).expect("a document")
}
