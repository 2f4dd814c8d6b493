//! What is generated, one behaviour after the other.

use insta::assert_snapshot;

use crate::{bindings, document, generate};

/// One snapshot for each document of this name, named after it.
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
    /// Lists in numbered pages have `paginate`, with the page size as the document types it.
    page_number,
    /// A GET of one thing; every kind of field. `required` is left out: any field may be absent.
    single,
    /// A required body is an argument, an optional one is a setter.
    bodies,
    /// Required parameters are arguments; scalars, enums, repeated and joined lists are setters.
    query,
    /// A header is a setter; 304 is an answer rather than an error.
    header,
    /// Path parameters are arguments in the order of the path; one that the path does not name is left
    /// out, and what the operation says of one wins over what the path says.
    path_order,
    /// Every combination of success replies.
    replies,
    /// OpenAPI 3 bodies by media type: JSON wins, text is text, the rest is bytes.
    media,
    /// Maps, lists of lists, JSON of any kind; inline objects and enums get the name of their place, and
    /// another if a definition has that.
    shapes,
    /// A definition within itself is boxed, unless a list or a map is between.
    recursion,
    /// A large record within another is boxed; a small one and a list are not.
    large_records,
    /// Definitions that are neither objects nor enums are no types.
    aliases,
    /// Keywords, digits, the empty name, and names that only their punctuation tells apart.
    odd_properties,
    /// Values that are no identifiers, or the same one, or that of the variant which every enum has.
    odd_values,
    /// Enums of the same values, named by the same word, are one type with several names.
    shared_enums,
    /// What two groups use is common to them; what nothing reaches is left out.
    two_groups,
    /// `allOf` merges; of one part alone it is that part; `oneOf` is JSON of any kind.
    all_of,
    /// Descriptions become docs without warnings of rustdoc; permissions, preview and deprecation.
    docs,
    /// Names of methods that Rust or every group has already.
    method_names,
    /// Names of groups that the crate has already.
    group_names,
    /// operationIds that are one name in Rust.
    colliding_operations,
    /// Definitions that are one name in Rust, or a name that generated code uses.
    colliding_definitions,
    /// Parameters that are one name in Rust, or that of what every call has.
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
fn both_formats_give_the_same() {
    let swagger = generate(&document("directory.swagger.json")).unwrap();
    let openapi = generate(&document("directory.openapi.json")).unwrap();
    assert_eq!(swagger.sources, openapi.sources);
    assert_eq!(swagger.operations, openapi.operations);
    assert_eq!(swagger.definitions, openapi.definitions);
    assert_snapshot!(bindings("directory.openapi.json"));
}
