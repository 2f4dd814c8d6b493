use std::borrow::Cow;
use std::collections::HashMap;

use genesys_cloud_catalogue::Operation;
use percent_encoding::percent_decode_str;

/// Finds the operation of a request.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<&'static str, Node>,
    parameter: Option<Box<Node>>,
    /// The operations with this path: method, and index in the table of endpoints.
    operations: Vec<(&'static str, usize)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Operation { index: usize, path_values: Vec<Cow<'a, str>> },
    OtherMethod,
    Unknown,
}

impl Routes {
    pub(crate) fn new(operations: impl Iterator<Item = &'static Operation>) -> Self {
        let mut routes = Self::default();
        for (index, operation) in operations.enumerate() {
            let mut node = &mut routes.root;
            for segment in segments(&operation.path) {
                node = if segment.starts_with('{') {
                    node.parameter.get_or_insert_default()
                } else {
                    node.literals.entry(segment).or_default()
                };
            }
            node.operations.push((&operation.method, index));
        }
        routes
    }

    pub(crate) fn find<'a>(&self, method: &str, path: &'a str) -> Route<'a> {
        let segments: Vec<_> = segments(path).collect();
        let mut values = Vec::new();
        if let Some(index) = self.root.find(&segments, &mut values, &|node| node.operation(method))
        {
            let decode = |value| percent_decode_str(value).decode_utf8_lossy();
            return Route::Operation {
                index,
                path_values: values.into_iter().map(decode).collect(),
            };
        }
        let any_method = |node: &Node| node.operations.first().map(|&(_, index)| index);
        match self.root.find(&segments, &mut values, &any_method) {
            Some(_) => Route::OtherMethod,
            None => Route::Unknown,
        }
    }
}

impl Node {
    fn operation(&self, method: &str) -> Option<usize> {
        self.operations.iter().find(|(offered, _)| *offered == method).map(|&(_, index)| index)
    }

    /// A literal segment takes precedence over a parameter, but only if the rest matches: `/users/me` and
    /// `/users/{userId}/queues` share their first segments.
    fn find<'a>(
        &self,
        segments: &[&'a str],
        values: &mut Vec<&'a str>,
        end: &dyn Fn(&Node) -> Option<usize>,
    ) -> Option<usize> {
        let Some((segment, rest)) = segments.split_first() else {
            return end(self);
        };
        let literal = self.literals.get(segment).and_then(|node| node.find(rest, values, end));
        if literal.is_some() {
            return literal;
        }
        let node = self.parameter.as_deref().filter(|_| !segment.is_empty())?;
        values.push(segment);
        let found = node.find(rest, values, end);
        if found.is_none() {
            values.pop();
        }
        found
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

#[cfg(test)]
mod tests {
    use genesys_cloud_catalogue::Catalogue;

    use super::*;

    fn find(method: &str, path: &str) -> Result<(&'static str, Vec<String>), &'static str> {
        let operations: Vec<_> = Catalogue::embedded().operations().collect();
        match Routes::new(operations.iter().copied()).find(method, path) {
            Route::Operation { index, path_values } => {
                let values = path_values.into_iter().map(Cow::into_owned).collect();
                Ok((operations[index].id.as_str(), values))
            }
            Route::OtherMethod => Err("other method"),
            Route::Unknown => Err("unknown"),
        }
    }

    #[test]
    fn finds_every_operation_at_its_path() {
        let operations = || Catalogue::embedded().operations();
        let routes = Routes::new(operations());
        for (expected, operation) in operations().enumerate() {
            let path = operation.path.replace(['{', '}'], "");
            let Route::Operation { index, .. } = routes.find(&operation.method, &path) else {
                panic!("{} {}", operation.method, operation.path);
            };
            assert_eq!(index, expected, "{}", operation.path);
        }
    }

    #[test]
    fn a_literal_takes_precedence_over_a_parameter() {
        assert_eq!(find("GET", "/api/v2/users/me"), Ok(("getUsersMe", vec![])));
        let values = vec!["me too".to_owned()];
        assert_eq!(find("GET", "/api/v2/users/me%20too"), Ok(("getUser", values)));
    }

    #[test]
    fn distinguishes_unknown_paths_from_unknown_methods() {
        assert_eq!(find("GET", "/api/v2/nothing"), Err("unknown"));
        assert_eq!(find("GET", "/api/v2/users/"), Err("unknown"));
        assert_eq!(find("DELETE", "/api/v2/users"), Err("other method"));
    }
}
