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

/// Parses a number above 0.
pub(crate) fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("must be a whole number above 0".to_owned()),
    }
}

/// Parses the name of a field.
pub(crate) fn field(text: &str) -> Result<String, String> {
    match text.is_empty() {
        false => Ok(text.to_owned()),
        true => Err("empty field name; separate names with commas, such as id,name".to_owned()),
    }
}

/// Parses the path of a list.
pub(crate) fn list_path(text: &str) -> Result<String, String> {
    match text.split('.').any(str::is_empty) {
        false => Ok(text.to_owned()),
        true => Err("write the path of a list, such as participants.sessions".to_owned()),
    }
}

/// Parses the name of a column that is part of a path.
pub(crate) fn column_name(text: &str) -> Result<String, String> {
    let is_name = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    match is_name {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits and _, such as conversation_day".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_pairs_and_numbers() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(name_value("a=b"), pair("a", "b"));
        assert_eq!(name_value(" a =b=c "), pair("a", "b=c "));
        assert_eq!(list_count("routing.queues=5"), Ok(("routing.queues".to_owned(), 5)));
        for odd in ["", "a", "=b", " =b"] {
            assert!(name_value(odd).is_err() && list_count(odd).is_err(), "{odd}");
        }
        assert_eq!(list_path("a.b"), Ok("a.b".to_owned()));
        for odd in ["", ".", "a.", ".a", "a..b"] {
            assert!(list_path(odd).is_err(), "{odd}");
        }
        assert_eq!(positive("1"), Ok(1));
        for odd in ["", "0", "-1", "1.5", "many", "18446744073709551616"] {
            assert!(positive(odd).is_err(), "{odd}");
        }
        assert_eq!(column_name("call_day2"), Ok("call_day2".to_owned()));
        for odd in ["", "2day", "a-b", "a=b", "..", "a/b", "a b"] {
            assert!(column_name(odd).is_err(), "{odd}");
        }
        for odd in ["a=", "a=b", "a=-1", "a=1.5"] {
            assert!(list_count(odd).is_err(), "{odd}");
        }
    }
}
