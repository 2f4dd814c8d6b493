use crate::digits::push_number;

/// Names the records of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noun {
    words: String,
    /// Prefixes, used in turn.
    qualifiers: &'static [&'static str],
}

/// Queues are often filtered by name, so they belong to departments.
const DEPARTMENTS: &[&str] = &["Support ", "Sales ", "Billing ", "Returns "];

impl Noun {
    /// Derives the noun from a definition: `DataTableRow` gives "Data Table Row".
    pub(crate) fn of_definition(definition: &str) -> Self {
        let mut words = String::new();
        let mut after_small = false;
        for letter in definition.chars().filter(char::is_ascii_alphanumeric) {
            if letter.is_ascii_uppercase() && after_small {
                words.push(' ');
            }
            after_small = !letter.is_ascii_uppercase();
            words.push(if words.is_empty() { letter.to_ascii_uppercase() } else { letter });
        }
        if words.is_empty() {
            words.push_str("Record");
        }
        let qualifiers = if words == "Queue" { DEPARTMENTS } else { &[""] };
        Self { words, qualifiers }
    }

    /// Returns a plausible collection path for such records.
    pub(crate) fn collection(&self) -> String {
        format!("/api/v2/{}s", self.words.replace(' ', "").to_ascii_lowercase())
    }

    /// Writes the name of the record with this number, counted from 0.
    pub(crate) fn write(&self, out: &mut Vec<u8>, number: u64) {
        let qualifier = self.qualifiers[number as usize % self.qualifiers.len()];
        out.extend_from_slice(qualifier.as_bytes());
        out.extend_from_slice(self.words.as_bytes());
        out.push(b' ');
        push_number(out, number + 1, 4);
    }
}

/// A filter by name, as in the service: the whole name, or a part of it with an asterisk before or after,
/// ignoring case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameFilter {
    part: Vec<u8>,
    open_start: bool,
    open_end: bool,
}

impl NameFilter {
    pub(crate) fn new(pattern: &str) -> Self {
        let open_start = pattern.starts_with('*');
        let open_end = pattern.ends_with('*');
        let part = pattern.trim_matches('*').to_ascii_lowercase().into_bytes();
        Self { part, open_start, open_end }
    }

    pub(crate) fn accepts(&self, name: &[u8]) -> bool {
        let (part, length) = (self.part.as_slice(), self.part.len());
        match (self.open_start, self.open_end) {
            _ if length > name.len() => false,
            (false, false) => name.eq_ignore_ascii_case(part),
            (false, true) => name[..length].eq_ignore_ascii_case(part),
            (true, false) => name[name.len() - length..].eq_ignore_ascii_case(part),
            (true, true) => {
                part.is_empty()
                    || name.windows(length).any(|window| window.eq_ignore_ascii_case(part))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(definition: &str, number: u64) -> String {
        let mut out = Vec::new();
        Noun::of_definition(definition).write(&mut out, number);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn names_a_record_after_its_definition() {
        assert_eq!(name("Queue", 0), "Support Queue 0001");
        assert_eq!(name("Queue", 5), "Sales Queue 0006");
        assert_eq!(name("DataTableRow", 12_344), "Data Table Row 12345");
        assert_eq!(name("ADFS", 0), "ADFS 0001");
        assert_eq!(name("", 0), "Record 0001");
    }

    #[test]
    fn matches_with_asterisks_at_either_end() {
        let accepts = |pattern: &str| NameFilter::new(pattern).accepts(b"Support Queue 0001");
        for pattern in ["support queue 0001", "Support*", "*0001", "*queue*", "*"] {
            assert!(accepts(pattern), "{pattern}");
        }
        for pattern in ["Support", "*Support", "Queue*", "*sales*", "Support Queue 0001 and more"] {
            assert!(!accepts(pattern), "{pattern}");
        }
    }
}
