// Compares the output shown in the guide with the real one. A fragment that the sample tests and the tests of the
// command include.

/// Whether the output is the one shown. A line `...` stands for any lines, and `[..]` for any text in a line; durations,
/// ports, times and counts of calls left are compared by their form.
pub(crate) fn matches(shown: &str, real: &str) -> bool {
    let lines = |text: &str| text.lines().map(|line| form(line.trim_end())).collect::<Vec<_>>();
    lines_match(&lines(shown.trim()), &lines(real.trim()))
}

fn lines_match(shown: &[String], real: &[String]) -> bool {
    match shown.split_first() {
        None => real.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=real.len()).any(|skipped| lines_match(rest, &real[skipped..]))
        }
        Some((first, rest)) => match real.split_first() {
            Some((line, real)) => line_matches(first, line) && lines_match(rest, real),
            None => false,
        },
    }
}

fn line_matches(shown: &str, real: &str) -> bool {
    match shown.split_once("[..]") {
        None => shown == real,
        Some((start, rest)) => {
            let Some(real) = real.strip_prefix(start) else { return false };
            real.char_indices().map(|(at, _)| at).chain([real.len()]).any(|at| line_matches(rest, &real[at..]))
        }
    }
}

/// Replaces what varies from run to run: each number in a word that is a duration, a port or a time, and a number
/// before `calls left` or after `in`.
pub(crate) fn form(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut form = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let next = |ahead: usize| words.get(index + ahead).copied().unwrap_or_default();
        let unit = |word: &str| matches!(word.trim_end_matches([',', ';', ')']), "s" | "ms");
        let is_number = word.starts_with(|it: char| it.is_ascii_digit());
        let is_duration = is_number && unit(next(1));
        let is_budget = is_number && next(1) == "of" && next(3) == "calls" && next(4).starts_with("left");
        let is_port = word.contains("://127.0.0.1:");
        let is_time = is_number && word.contains('T') && word.matches(':').count() >= 1;
        let varies = is_duration || is_budget || is_port || is_time;
        form.push(if varies { without_digits(word) } else { (*word).to_owned() });
    }
    form.join(" ")
}

/// Replaces each run of digits, with its separators, by `#`.
fn without_digits(word: &str) -> String {
    let mut text = String::new();
    for character in word.chars() {
        match character {
            '0'..='9' | ',' | '.' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            other => text.push(other),
        }
    }
    text
}
