//! The canonical form of the pinned document: the same document always yields the same bytes, and a change of one
//! property or parameter changes one line.

use anyhow::Result;

use crate::json::Json;

/// Brings the text of a document into canonical form.
///
/// Keys are sorted, but properties keep their order, in which the service writes them. A response equal to one of the
/// document's shared responses becomes a reference.
pub fn canonical(text: &str) -> Result<String> {
    let mut root = Json::parse(text)?;
    sort(&mut root, "");
    share_replies(&mut root);
    Ok(root.pretty())
}

fn sort(json: &mut Json, key: &str) {
    match json {
        Json::Object(entries) => {
            // The keys of `properties` are names, and one of them may be `properties`.
            let named = key == "properties";
            for (key, value) in entries.iter_mut() {
                sort(value, if named { "" } else { key });
            }
            if !named {
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            }
        }
        Json::Array(elements) => elements.iter_mut().for_each(|element| sort(element, "")),
        _ => {}
    }
}

/// Shares responses: every operation of the published document repeats the same dozen error responses.
fn share_replies(root: &mut Json) {
    let shared = root.get("responses").cloned().unwrap_or(Json::Null);
    let Json::Object(entries) = root else { return };
    let Some((_, Json::Object(paths))) = entries.iter_mut().find(|(key, _)| key == "paths") else {
        return;
    };
    for (_, item) in paths {
        let Json::Object(operations) = item else { continue };
        for (_, operation) in operations {
            let Json::Object(parts) = operation else { continue };
            let Some((_, Json::Object(replies))) =
                parts.iter_mut().find(|(key, _)| key == "responses")
            else {
                continue;
            };
            for (code, reply) in replies {
                if shared.get(code).is_some_and(|known| known == reply) {
                    let reference = Json::String(format!("#/responses/{code}"));
                    *reply = Json::Object(vec![("$ref".to_owned(), reference)]);
                }
            }
        }
    }
}
