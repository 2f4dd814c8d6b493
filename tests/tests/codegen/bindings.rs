//! The generated code, one behavior per test.

use insta::assert_snapshot;

use crate::{bindings, document, generate};

/// One snapshot per document, named after it.
macro_rules! snapshots {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                assert_snapshot!(stringify!($name), bindings(concat!(stringify!($name), ".json")));
            }
        )*
    };
}

snapshots! {
    /// Lists with page numbers have `paginate`, with the page size type of the document.
    page_number,
    /// A GET of a single record with every kind of field. `required` is left out: any field may be absent.
    single,
    /// A required body is an argument, an optional one is a setter.
    bodies,
    /// Required parameters are arguments; scalars, enums, repeated and joined lists are setters.
    query,
    /// A header is a setter; 304 is a response and not an error.
    header,
    /// Path parameters are arguments in the order of the path; parameters missing from the path are
    /// left out, and those of the operation override those of the path.
    path_order,
    /// Every combination of success responses.
    replies,
    /// OpenAPI 3 bodies by media type: JSON takes precedence, text is text, and the rest is bytes.
    media,
    /// Maps, lists of lists, any JSON; inline objects and enums are named after their location, or
    /// differently if a definition has that name.
    shapes,
    /// A definition that contains itself is boxed, unless through a list or map.
    recursion,
    /// A large record in another is boxed; small records and lists are not.
    large_records,
    /// Definitions that are neither objects nor enums are not types.
    aliases,
    /// Keywords, digits, the empty name, and names that differ only in punctuation.
    odd_properties,
    /// Values that are not identifiers, or collide with each other or with the fallback variant.
    odd_values,
    /// Enums with equal values and the same last word are one type with several names.
    shared_enums,
    /// Types of two groups are common; unused types are left out.
    two_groups,
    /// `allOf` merges its parts; a single part is used as it is; `oneOf` is any JSON.
    all_of,
    /// Descriptions become docs without rustdoc warnings; permissions, preview and deprecation.
    docs,
    /// Method names that Rust reserves or every group has.
    method_names,
    /// Group names that the crate uses.
    group_names,
    /// operationIds with the same name in Rust.
    colliding_operations,
    /// Definitions with the same name in Rust, or a name that generated code uses.
    colliding_definitions,
    /// Parameters with the same name in Rust, or that of a method of every call.
    colliding_parameters,
}

#[test]
fn a_whole_file_tree() {
    let generated = generate(&document("two_groups.json")).unwrap();
    let files = generated.sources.iter().map(|(path, text)| format!("==> {path} <==\n{text}"));
    assert_snapshot!(files.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_catalogue() {
    let generated = generate(&document("page_number.json")).unwrap();
    assert_snapshot!(format!("{}\n{}", generated.operations, generated.definitions));
}

#[test]
fn both_formats_generate_the_same_bindings() {
    let swagger = generate(&document("directory.swagger.json")).unwrap();
    let openapi = generate(&document("directory.openapi.json")).unwrap();
    assert_eq!(swagger.sources, openapi.sources);
    assert_eq!(swagger.operations, openapi.operations);
    assert_eq!(swagger.definitions, openapi.definitions);
    assert_snapshot!(bindings("directory.openapi.json"));
}
