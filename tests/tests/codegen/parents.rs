//! The list that supplies each path parameter of another.

use genesys_cloud_catalogue::tags::Parent;
use xtask::codegen;
use xtask::exceptions::Exceptions;
use xtask::model::Tagged;

/// A document of lists with records of `Thing`, which has an `id`, or of `Code`, which has a `code`.
fn document(lists: &[(&str, &str)]) -> String {
    let list = |(at, (route, record)): (usize, &(&str, &str))| {
        let (method, path) = route.split_once(' ').unwrap();
        let parameters = path.split('{').skip(1).map(|rest| {
            let name = rest.split_once('}').unwrap().0;
            format!(r#"{{ "name": "{name}", "in": "path", "required": true, "type": "string" }}"#)
        });
        let parameters: Vec<String> = parameters.collect();
        format!(
            r##""{path}": {{ "{}": {{
                "operationId": "list{at}",
                "parameters": [{}],
                "responses": {{ "200": {{ "schema": {{ "type": "object", "properties": {{
                    "entities": {{ "type": "array", "items": {{ "$ref": "#/definitions/{record}" }} }}
                }} }} }} }}
            }} }}"##,
            method.to_lowercase(),
            parameters.join(", "),
        )
    };
    let paths: Vec<String> = lists.iter().enumerate().map(list).collect();
    format!(
        r#"{{ "swagger": "2.0", "paths": {{ {} }}, "definitions": {{
            "Thing": {{ "type": "object", "properties": {{ "id": {{ "type": "string" }}, "number": {{ "type": "integer" }} }} }},
            "Code": {{ "type": "object", "properties": {{ "code": {{ "type": "string" }} }} }}
        }} }}"#,
        paths.join(", ")
    )
}

/// What is decided for these lists, a line each; or the error.
fn parents(lists: &[(&str, &str)], entries: &str) -> Result<Vec<String>, String> {
    let (document, _) = codegen::read(&document(lists), false).unwrap();
    let entries = format!("path\tlist\tfield\treason\n{entries}");
    let exceptions = Exceptions::parse("", "", &entries).map_err(|error| format!("{error:#}"))?;
    let tagged = Tagged::of(&document, &exceptions, true).map_err(|error| format!("{error:#}"))?;
    let text = |parent: &Parent| match (&parent.list, &parent.reason) {
        (Some(list), _) => format!("{}={}.{}", parent.parameter, list.operation, list.field),
        (None, reason) => format!("{}: {}", parent.parameter, reason.as_deref().unwrap()),
    };
    let operations = tagged.operations.iter().filter(|it| !it.tag.parents.is_empty());
    let line = |it: &xtask::model::TaggedOperation<'_>| {
        let parents: Vec<String> = it.tag.parents.iter().map(text).collect();
        format!("{} {}", it.operation.id, parents.join(" "))
    };
    let mut lines: Vec<String> = operations.map(line).collect();
    lines.sort();
    Ok(lines)
}

#[test]
fn the_path_before_a_parameter_is_its_list() {
    let lists = [
        ("GET /queues", "Thing"),
        ("GET /queues/{queueId}/members", "Thing"),
        ("GET /queues/{queueId}/members/{memberId}/skills", "Thing"),
        ("GET /codes", "Code"),
        ("GET /codes/{code}/uses", "Thing"),
    ];
    let expected = [
        "list1 queueId=list0.id",
        "list2 queueId=list0.id memberId=list1.id",
        "list4 code=list3.code",
    ];
    assert_eq!(parents(&lists, "").unwrap(), expected);
}

#[test]
fn a_query_below_the_path_is_its_list() {
    let lists = [("POST /types/query", "Thing"), ("GET /types/{typeId}/flows", "Thing")];
    assert_eq!(parents(&lists, "").unwrap(), ["list1 typeId=list0.id"]);
}

#[test]
fn a_name_means_the_list_on_which_most_paths_agree() {
    let lists = [
        ("GET /users", "Thing"),
        ("GET /users/{userId}/queues", "Thing"),
        ("GET /users/{userId}/skills", "Thing"),
        ("GET /voicemail/users/{userId}/messages", "Thing"),
    ];
    assert_eq!(parents(&lists, "").unwrap()[2], "list3 userId=list0.id");
    // One path is not enough.
    let error = parents(&[lists[0], lists[1], lists[3]], "").unwrap_err();
    insta::assert_snapshot!(error, @"GET /voicemail/users/{userId}/messages (list2): no rule finds the list that has the values of `userId`; add /voicemail/users/{userId} to openapi/parents.tsv, with the list and its field, or with the reason why there is none");
}

#[test]
fn reviewed_entries_decide_and_are_checked() {
    let lists = [("GET /things", "Thing"), ("GET /weeks/{week}/shifts", "Thing")];
    let entry = |entry: &str| parents(&lists, entry);
    let none = "/weeks/{week}\t-\t-\tweeks are dates";
    assert_eq!(entry(none).unwrap(), ["list1 week: weeks are dates"]);
    let numbered = "/weeks/{week}\tlist0\tnumber\tweeks are numbered";
    assert_eq!(entry(numbered).unwrap(), ["list1 week=list0.number"]);
    let refused: Vec<String> = [
        "/weeks/{week}\tlist0\tname\tx",
        "/weeks/{week}\tlist9\tid\tx",
        "/days/{day}\t-\t-\tx",
        "/weeks/{week}\t-\tid\tx",
        "/weeks/{week}\t-\t-\t",
        "/weeks\t-\t-\tx",
    ]
    .map(|line| entry(line).unwrap_err())
    .to_vec();
    insta::assert_snapshot!(refused.join("\n"), @r"
    openapi/parents.tsv: /weeks/{week}: the records of `list0` have no text or number at `name`
    openapi/parents.tsv: /weeks/{week}: the document has no operation `list9`
    openapi/parents.tsv: no list has the path parameter /days/{day}; remove the line
    openapi/parents.tsv, line 2: state both list and field, or neither
    openapi/parents.tsv, line 2: add the reason
    openapi/parents.tsv, line 2: the path must end with a parameter
    ");
    let lists = [("GET /things", "Thing"), ("GET /things/{id}/parts", "Thing")];
    let error = parents(&lists, "/things/{id}\tlist0\tid\tx").unwrap_err();
    insta::assert_snapshot!(error, @"openapi/parents.tsv: the rules find the list of /things/{id} by themselves; remove the line");
}
