//! Compiles and uses the bindings of the small documents (`tests/documents`).
//!
//! `UPDATE_BINDINGS=1 cargo test -p genesys-cloud-tests --test codegen compiled` regenerates them.

#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]
#![allow(unexpected_cfgs)] // The client has features that this crate lacks.

#[path = "../../../crates/genesys-cloud-api/src/client.rs"]
mod client;
#[rustfmt::skip]
mod generated;
#[path = "../../../crates/genesys-cloud-api/src/prelude.rs"]
mod prelude;
#[path = "../../../crates/genesys-cloud-core/tests/client/server.rs"]
mod server;
mod tokens;

use client::Client;
use generated::*;
use genesys_cloud_core::OperationCall as _;
use serde_json::json;

#[test]
fn reads_and_writes_fields_with_odd_names() {
    let json = json!({
        "$ref": "a", "type": "b", "self": "c", "gen": "d", "properties": { "items": "e" }, "1st": "f",
        "": "g", "a-b": "h", "a_b": "i", "aB": "j", "größe": "k", "quote\"d": "l",
    });
    let odd: types::Odd = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(odd.ref_.as_deref(), Some("a"));
    assert_eq!(odd.x.as_deref(), Some("g"));
    assert_eq!(odd.a_b.as_deref(), Some("h"));
    assert_eq!(odd.a_b_2.as_deref(), Some("i"));
    assert_eq!(odd.a_b_3.as_deref(), Some("j"));
    assert_eq!(serde_json::to_value(&odd).unwrap(), json);
}

#[test]
fn distinguishes_values_with_odd_names() {
    use types::OddValue;

    for (text, value) in [
        ("", OddValue::X),
        ("1", OddValue::X1),
        ("A", OddValue::A),
        ("a", OddValue::A3),
        ("a 2", OddValue::A2),
        ("+1", OddValue::Plus1),
        ("Unrecognized", OddValue::UnrecognizedValue),
        ("new", OddValue::Unrecognized("new".to_owned())),
    ] {
        assert_eq!(OddValue::from(text), value);
        assert_eq!(value.as_str(), text);
        assert_eq!(serde_json::to_value(&value).unwrap(), text);
    }
    assert!(matches!(OddValue::from("a"), OddValue::A3));
}

#[test]
fn enums_with_equal_values_are_one_type() {
    let order: types::GetSortedSortOrder = types::GetSortedThenOrder::Ascending;
    assert_eq!(order.as_str(), "ascending");
}

#[test]
fn reads_recursive_records() {
    let json = json!({
        "parent": { "parent": {} },
        "children": [{}, { "children": [] }],
        "byName": { "a": {} },
        "owner": { "home": { "owner": {} } },
    });
    let tree: types::Tree = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(tree.children.as_ref().map(Vec::len), Some(2));
    assert_eq!(serde_json::to_value(&tree).unwrap(), json);
}

#[test]
fn renamed_types_have_their_own_fields() {
    let value: types::ValueType = serde_json::from_value(json!({
        "a": { "text": "t" }, "b": ["x", "z"], "c": "2024-05-01T12:30:00Z", "g": [1],
    }))
    .unwrap();
    assert_eq!(value.a.and_then(|a| a.text).as_deref(), Some("t"));
    assert_eq!(value.b.unwrap(), [types::VecType::X, types::VecType::from("z")]);
    assert_eq!(value.g.unwrap(), json!([1]));
}

fn client() -> Client {
    Client::builder().api_url("http://127.0.0.1:9").access_token("token").build().unwrap()
}

#[test]
fn sends_parameters_in_every_location() {
    let call = client()
        .parameters()
        .put_parameters("a/b", "c")
        .id_2(7)
        .body_parameter("d")
        .clone_parameter("e")
        .values(["f", "g"])
        .id_3(true)
        .body("i".to_owned())
        .clone()
        .into_call();
    let request = call.request();
    let target = request.target().unwrap();
    let path = target.split_once('?').unwrap();
    assert_eq!(path, ("/parameters/a%2Fb/c", "id=7&body=d&clone=e&values=f%2Cg"));
    assert_eq!(request.headers()["id"], "true");
    assert_eq!(request.body().unwrap().as_ref(), b"\"i\"");
}

#[test]
fn arguments_are_in_the_order_of_the_path() {
    let call = client().zones().delete_zone_area_desk("z", types::DeleteZoneAreaDeskArea::North, 4);
    assert_eq!(call.request().target().unwrap(), "/api/v2/zones/z/areas/north/desks/4");
}

#[test]
fn repeats_or_joins_lists() {
    let call = client()
        .users()
        .search("who", ["name", "mail"])
        .id(["1", "2"])
        .expand([types::GetUsersSearchExpand::Skills])
        .sites(["a", "b"])
        .teams([1, 2])
        .into_call();
    assert_eq!(
        call.request().target().unwrap(),
        "/api/v2/users/search?q=who&fields=name&fields=mail&id=1&id=2&expand=skills&sites=a%2Cb&teams=1%7C2",
    );
}

/// Each kind of job has the type of its results.
#[test]
fn submits_return_typed_jobs() {
    use genesys_cloud_core::{Error, Job, Paginator};

    fn paginates<T>(_: impl FnOnce() -> Paginator<T>) {}
    fn loads<T>(
        _: fn(&genesys_cloud_core::Client, genesys_cloud_core::SavedJob) -> Result<Job<T>, Error>,
    ) {
    }

    let depots = || -> depots::Depots {
        Client::builder().api_url("http://127.0.0.1:9").build().unwrap().depots()
    };
    paginates::<types::Report>(|| depots().depot_reports_jobs("a", Default::default()).paginate());
    paginates::<types::Depot>(|| depots().search_jobs(Default::default()).paginate());
    paginates::<types::Move>(|| depots().moves_jobs().paginate());
    paginates::<bytes::Bytes>(|| depots().post_exports().paginate());
    paginates::<types::Usage>(|| depots().usage_query().paginate());
    paginates::<types::DepotMedia>(|| depots().depot_media("a").paginate());
    paginates::<types::DepotAudit>(|| depots().audits().paginate());
    paginates::<types::DepotAudit>(|| depots().post_audits().paginate());
    paginates::<types::Plan>(|| depots().post_depot_plan("a").paginate());
    paginates::<types::Plan>(|| depots().put_depot_plan("a").paginate());
    paginates::<types::DepotStatus>(|| depots().delete_depot("a").paginate());
    loads::<types::Report>(depots::PostDepotReportsJobs::load);
    loads::<bytes::Bytes>(depots::PostDepotsExports::load);
}

/// A record of an unknown type is kept unchanged.
#[test]
fn reads_and_writes_records_of_several_types() {
    let json = json!({
        "entities": [
            { "name": "Tom", "kind": "Cat", "lives": 9, "friend": { "kind": "a dog", "size": 1.5 } },
            { "kind": "Puppy", "weeks": 3 },
            { "kind": "unrecognized", "sort": "odd" },
            { "kind": "Fish", "fins": [1, 2] },
        ],
    });
    let listing: types::AnimalListing = serde_json::from_value(json.clone()).unwrap();
    let animals = listing.entities.as_deref().unwrap();
    let types::Animal::Cat(cat) = &animals[0] else { panic!("{animals:?}") };
    assert!(
        matches!(cat.friend.as_deref(), Some(types::Animal::ADog(dog)) if dog.size == Some(1.5))
    );
    assert!(matches!(&animals[1], types::Animal::Puppy(puppy) if puppy.weeks == Some(3)));
    assert!(matches!(&animals[2], types::Animal::UnrecognizedValue(_)));
    assert!(matches!(&animals[3], types::Animal::Unrecognized(_)));
    assert_eq!(serde_json::to_value(&listing).unwrap(), json);
    // The discriminator need not be set.
    let animal = types::Animal::Cat(Box::new(types::Cat { lives: Some(9), ..Default::default() }));
    assert_eq!(serde_json::to_value(&animal).unwrap(), json!({ "kind": "Cat", "lives": 9 }));
}

/// Degraded definitions compile; see `degraded.json`.
#[test]
fn degraded_fields_accept_any_json() {
    let json = json!({
        "any": 1, "gone": { "a": [true] }, "\u{441}\u{43f}\u{438}\u{441}\u{43e}\u{43a}": ["a", 1], "number": 7, "state": "on",
        "deep": { "a": [{ "any": null }] }, "circle": [[1]],
    });
    let thing: types::DegradedThing = serde_json::from_value(json).unwrap();
    assert_eq!(thing.gone.unwrap(), json!({ "a": [true] }));
    assert_eq!(thing.number, Some(7));
}
