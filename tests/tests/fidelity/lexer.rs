//! The tokens of generated source: names, strings, numbers and punctuation.

use std::iter::Peekable;
use std::str::CharIndices;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Name(String),
    Text(String),
    Number(u64),
    /// One punctuation character.
    Mark(char),
}

/// The tokens of a source, without comments and attributes.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::with_capacity(source.len() / 6);
    let mut letters = source.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter.is_whitespace() => {}
            '/' if source[at..].starts_with("//") => {
                letters.by_ref().find(|(_, letter)| *letter == '\n');
            }
            '#' => skip_attribute(&mut letters),
            '"' => tokens.push(Token::Text(text(&mut letters).ok_or("a text does not end")?)),
            _ if letter == '_' || letter.is_alphanumeric() => {
                let mut end = at + letter.len_utf8();
                while let Some((next, letter)) =
                    letters.next_if(|it| it.1 == '_' || it.1.is_alphanumeric())
                {
                    end = next + letter.len_utf8();
                }
                let word = &source[at..end];
                tokens.push(match word.replace('_', "").parse() {
                    Ok(number) if letter.is_ascii_digit() => Token::Number(number),
                    _ => Token::Name(word.to_owned()),
                });
            }
            '\'' => {
                tokens.push(Token::Text(character(&mut letters).ok_or("a character does not end")?))
            }
            mark => tokens.push(Token::Mark(mark)),
        }
    }
    Ok(tokens)
}

/// Skips `[..]` or `![..]`.
fn skip_attribute(letters: &mut Peekable<CharIndices<'_>>) {
    let mut depth = 0;
    while let Some((_, letter)) = letters.next() {
        match letter {
            '"' => drop(text(letters)),
            '[' => depth += 1,
            ']' if depth == 1 => return,
            ']' => depth -= 1,
            _ => {}
        }
    }
}

/// Reads the rest of a string, after its opening quote.
fn text(letters: &mut Peekable<CharIndices<'_>>) -> Option<String> {
    until(letters, '"')
}

/// Reads the rest of a character literal, as a string.
fn character(letters: &mut Peekable<CharIndices<'_>>) -> Option<String> {
    until(letters, '\'')
}

fn until(letters: &mut Peekable<CharIndices<'_>>, end: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()?.1 {
            letter if letter == end => return Some(text),
            '\\' => text.push(match letters.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let code: String = letters
                        .by_ref()
                        .skip(1)
                        .map(|(_, letter)| letter)
                        .take_while(|it| *it != '}')
                        .collect();
                    char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                }
                same => same,
            }),
            letter => text.push(letter),
        }
    }
}
