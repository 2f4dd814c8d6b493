//! The facts in the generated sources, read from their text.

use std::collections::{BTreeMap, VecDeque};

use crate::lexer::{Token, tokens};

/// A type in the bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// A name without a path: a scalar, record or enum.
    Named(String),
    /// `Option`, `Vec`, `Map` or `Box`.
    Of(String, Box<Type>),
    Unit,
}

impl Type {
    /// The type inside the boxes.
    pub(crate) fn unboxed(&self) -> &Self {
        match self {
            Self::Of(outer, inner) if outer == "Box" => inner.unboxed(),
            other => other,
        }
    }
}

/// A parameter: its location, name on the wire, and type.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) section: String,
    pub(crate) wire: String,
    pub(crate) kind: Type,
    /// The separator of the values of a list.
    pub(crate) joined_by: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) verb: String,
    pub(crate) path: String,
    pub(crate) accepts: Vec<u64>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) body: Option<(Type, bool)>,
    pub(crate) output: Type,
    pub(crate) call: Option<String>,
}

/// A list or submit: the call, the type of its items, and everything else as tokens.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) call: String,
    pub(crate) item: Type,
    pub(crate) facts: Vec<Token>,
}

/// A conversion between two records, with its number of fields.
#[derive(Clone, Debug)]
pub(crate) struct Conversion {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) fields: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bindings {
    /// By operationId.
    pub(crate) operations: BTreeMap<String, Operation>,
    /// Fields by their name on the wire with their types, by record.
    pub(crate) records: BTreeMap<String, Vec<(String, Type)>>,
    pub(crate) enums: BTreeMap<String, Vec<String>>,
    pub(crate) aliases: BTreeMap<String, String>,
    /// Types by status, by enum.
    pub(crate) replies: BTreeMap<String, Vec<(u64, Type)>>,
    pub(crate) conversions: Vec<Conversion>,
    pub(crate) lists: Vec<Listed>,
    pub(crate) submits: Vec<Listed>,
    /// Constants with their files.
    pub(crate) families: Vec<(String, String, Vec<Token>)>,
    /// The file of each call that lists or submits.
    pub(crate) homes: BTreeMap<String, String>,
}

impl Bindings {
    /// Reads sources by path. Unknown syntax is an error.
    pub(crate) fn read<'a>(
        files: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Result<Self, String> {
        let mut bindings = Self::default();
        for (path, source) in files {
            bindings.add(path, source)?;
        }
        Ok(bindings)
    }

    /// Reads one more source.
    pub(crate) fn add(&mut self, path: &str, source: &str) -> Result<(), String> {
        if path.ends_with("mod.rs") {
            return Ok(());
        }
        let tokens = tokens(source).map_err(|why| format!("{path}: {why}"))?;
        self.file(path, Reader(tokens.into())).map_err(|why| format!("{path}: {why}"))
    }

    fn file(&mut self, path: &str, mut reader: Reader) -> Result<(), String> {
        while let Some(token) = reader.0.pop_front() {
            let Token::Name(word) = token else { return Err(format!("unexpected {token:?}")) };
            match word.as_str() {
                "use" => reader.until(';').map(drop)?,
                "pub" => {
                    reader.word("type")?;
                    let alias = reader.name()?;
                    reader.mark('=')?;
                    let Type::Named(of) = reader.kind()? else {
                        return Err("an odd alias".to_owned());
                    };
                    reader.mark(';')?;
                    unique(&mut self.aliases, alias, of)?;
                }
                name => {
                    reader.mark('!')?;
                    let mut block = reader.block('{', '}')?;
                    self.block(path, name, &mut block).map_err(|why| format!("{name}!: {why}"))?;
                    if !block.0.is_empty() {
                        return Err(format!("{name}!: unexpected {:?}", block.0));
                    }
                }
            }
        }
        Ok(())
    }

    fn block(&mut self, file: &str, name: &str, reader: &mut Reader) -> Result<(), String> {
        match name {
            "group" => reader.0.clear(),
            "record" => {
                let (name, mut body) = reader.head("struct")?;
                let mut fields = Vec::new();
                while !body.0.is_empty() {
                    body.word("pub")?;
                    body.name()?;
                    body.mark(':')?;
                    let Type::Of(option, kind) = body.kind()? else {
                        return Err(format!("{name}: a field is not optional"));
                    };
                    if option != "Option" {
                        return Err(format!("{name}: a field is not optional"));
                    }
                    body.mark('=')?;
                    fields.push((body.text()?, *kind));
                    body.mark(',')?;
                }
                unique(&mut self.records, name, fields)?;
            }
            "convert" => {
                let from = reader.name()?;
                reader.mark('=')?;
                reader.mark('>')?;
                let to = reader.name()?;
                let mut body = reader.block('{', '}')?;
                let mut fields = Vec::new();
                while !body.0.is_empty() {
                    fields.push(body.name()?);
                    body.until(',')?;
                }
                self.conversions.push(Conversion { from, to, fields: fields.len() });
            }
            "open_enum" => {
                let (name, mut body) = reader.head("enum")?;
                let mut values = Vec::new();
                while !body.0.is_empty() {
                    body.name()?;
                    body.mark('=')?;
                    values.push(body.text()?);
                    body.mark(',')?;
                }
                unique(&mut self.enums, name, values)?;
            }
            "replies" => {
                let (name, mut body) = reader.head("enum")?;
                let mut statuses = Vec::new();
                while !body.0.is_empty() {
                    let status = body.number()?;
                    body.mark('=')?;
                    body.mark('>')?;
                    body.name()?;
                    let mut kind = body.block('(', ')')?;
                    statuses.push((status, kind.kind()?));
                    body.mark(',')?;
                }
                unique(&mut self.replies, name, statuses)?;
            }
            "operation" => {
                let (id, operation) = operation(reader)?;
                unique(&mut self.operations, id, operation)?;
            }
            "paged" | "job" => {
                let call = reader.name()?;
                reader.arrow()?;
                let item = reader.kind()?;
                reader.mark(';')?;
                let facts = reader.0.drain(..).collect();
                self.homes.insert(call.clone(), file.to_owned());
                let listed = Listed { call, item, facts };
                if name == "paged" { self.lists.push(listed) } else { self.submits.push(listed) }
            }
            "job_family" => {
                let constant = reader.name()?;
                self.families.push((file.to_owned(), constant, reader.0.drain(..).collect()));
            }
            other => return Err(format!("the macro {other} is not known")),
        }
        Ok(())
    }

    /// The record or enum behind a name.
    pub(crate) fn resolve<'a>(&'a self, mut name: &'a str) -> &'a str {
        for _ in 0..8 {
            match self.aliases.get(name) {
                Some(of) => name = of,
                None => break,
            }
        }
        name
    }
}

fn unique<T>(map: &mut BTreeMap<String, T>, name: String, value: T) -> Result<(), String> {
    match map.insert(name.clone(), value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} is defined twice")),
    }
}

fn operation(reader: &mut Reader) -> Result<(String, Operation), String> {
    let group = reader.name()?;
    reader.mark('.')?;
    let method = format!("{group}.{}", reader.name()?);
    reader.arrow()?;
    let mut output = reader.kind()?;
    let mut call = None;
    if reader.peek() == Some(&Token::Mark('-')) {
        reader.arrow()?;
        let Type::Named(name) = output else { return Err(format!("{method}: an odd call")) };
        call = Some(name);
        output = reader.kind()?;
    }
    reader.mark(';')?;
    let id = reader.text()?;
    let verb = reader.name()?;
    if reader.peek() == Some(&Token::Name("reads".to_owned())) {
        reader.0.pop_front();
    }
    let path = reader.text()?;
    let mut operation = Operation {
        verb,
        path,
        accepts: Vec::new(),
        arguments: Vec::new(),
        body: None,
        output,
        call,
    };
    while !reader.0.is_empty() {
        match reader.name()?.as_str() {
            "accepts" => {
                let list = reader.block('[', ']')?;
                operation.accepts = list
                    .0
                    .into_iter()
                    .filter_map(
                        |token| if let Token::Number(number) = token { Some(number) } else { None },
                    )
                    .collect();
            }
            word @ ("body" | "optional_body") => {
                reader.mark(':')?;
                operation.body = Some((reader.kind()?, word == "body"));
                reader.mark(';')?;
            }
            section => {
                let mut arguments = reader.block('{', '}')?;
                while !arguments.0.is_empty() {
                    arguments.name()?;
                    arguments.mark(':')?;
                    let kind = arguments.kind()?;
                    arguments.mark('=')?;
                    let wire = arguments.text()?;
                    let joined_by = arguments.text().ok();
                    arguments.mark(',')?;
                    operation.arguments.push(Argument {
                        section: section.to_owned(),
                        wire,
                        kind,
                        joined_by,
                    });
                }
            }
        }
    }
    Ok((id, operation))
}

/// Reads tokens from the front.
pub(crate) struct Reader(pub(crate) VecDeque<Token>);

impl Reader {
    pub(crate) fn peek(&self) -> Option<&Token> {
        self.0.front()
    }

    pub(crate) fn name(&mut self) -> Result<String, String> {
        match self.0.pop_front() {
            Some(Token::Name(name)) => Ok(name),
            other => Err(format!("{other:?} where a name is due")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        let name = self.name()?;
        if name == word { Ok(()) } else { Err(format!("{name} where {word} is due")) }
    }

    pub(crate) fn text(&mut self) -> Result<String, String> {
        match self.0.front() {
            Some(Token::Text(_)) => {}
            other => return Err(format!("{other:?} where a text is due")),
        }
        match self.0.pop_front() {
            Some(Token::Text(text)) => Ok(text),
            _ => Err("nothing".to_owned()),
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        match self.0.pop_front() {
            Some(Token::Number(number)) => Ok(number),
            other => Err(format!("{other:?} where a number is due")),
        }
    }

    pub(crate) fn mark(&mut self, mark: char) -> Result<(), String> {
        match self.0.pop_front() {
            Some(Token::Mark(found)) if found == mark => Ok(()),
            other => Err(format!("{other:?} where {mark} is due")),
        }
    }

    fn arrow(&mut self) -> Result<(), String> {
        self.mark('-')?;
        self.mark('>')
    }

    fn until(&mut self, mark: char) -> Result<Vec<Token>, String> {
        let end = self.0.iter().position(|token| *token == Token::Mark(mark));
        let end = end.ok_or_else(|| format!("no {mark}"))?;
        Ok(self.0.drain(..=end).collect())
    }

    /// Returns the tokens between a pair of delimiters.
    pub(crate) fn block(&mut self, open: char, close: char) -> Result<Self, String> {
        self.mark(open)?;
        let mut depth = 1;
        let end = self.0.iter().position(|token| {
            match token {
                Token::Mark(mark) if *mark == open => depth += 1,
                Token::Mark(mark) if *mark == close => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let end = end.ok_or_else(|| format!("no {close}"))?;
        let inner = self.0.drain(..end).collect();
        self.mark(close)?;
        Ok(Self(inner))
    }

    /// `pub struct Name { .. }`
    fn head(&mut self, keyword: &str) -> Result<(String, Self), String> {
        self.word("pub")?;
        self.word(keyword)?;
        Ok((self.name()?, self.block('{', '}')?))
    }

    fn kind(&mut self) -> Result<Type, String> {
        if self.peek() == Some(&Token::Mark('(')) {
            self.block('(', ')')?;
            return Ok(Type::Unit);
        }
        let mut name = self.name()?;
        if self.peek() == Some(&Token::Mark(':')) && self.0.get(1) == Some(&Token::Mark(':')) {
            self.0.drain(..2);
            name = self.name()?;
        }
        if self.peek() != Some(&Token::Mark('<')) {
            return Ok(Type::Named(name));
        }
        self.mark('<')?;
        let inner = self.kind()?;
        self.mark('>')?;
        Ok(Type::Of(name, Box::new(inner)))
    }
}
