//! Parsers for the values of options.

/// Parses a parameter: `name=value`.
pub(crate) fn name_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write it as name=value".to_owned()),
    }
}

/// Parses the length of a list of the fake org: `operation=count`.
pub(crate) fn list_count(text: &str) -> Result<(String, u64), String> {
    let (name, count) = name_value(text).map_err(|_| "write it as operation=count")?;
    let count = count.trim().parse().map_err(|_| "the count must be a whole number")?;
    Ok((name, count))
}

/// Parses the name of a field.
pub(crate) fn field(text: &str) -> Result<String, String> {
    match text.is_empty() {
        false => Ok(text.to_owned()),
        true => Err("empty field name; separate names with commas, such as id,name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(name_value("a=b"), pair("a", "b"));
        assert_eq!(name_value(" a =b=c "), pair("a", "b=c "));
        assert_eq!(list_count("routing.queues=5"), Ok(("routing.queues".to_owned(), 5)));
        for odd in ["", "a", "=b", " =b"] {
            assert!(name_value(odd).is_err() && list_count(odd).is_err(), "{odd}");
        }
        for odd in ["a=", "a=b", "a=-1", "a=1.5"] {
            assert!(list_count(odd).is_err(), "{odd}");
        }
    }
}
