//! Confluence's query language, the part that scripts use: comparisons joined by AND, OR and NOT, and an order.
//!
//! A field or an operator that is not known is an error with the server's wording, never a guess.

use std::fmt;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`, also `in`.
    Is,
    /// `!=`, also `not in`.
    IsNot,
    /// `~`
    Contains,
    /// `!~`
    ContainsNot,
    /// `>` or `>=`
    After,
    /// `<` or `<=`
    Before,
}

/// What can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `type`
    Type,
    /// `space`, `space.key`
    Space,
    /// `label`
    Label,
    /// `title`
    Title,
    /// `text`, `siteSearch`
    Text,
    /// `ancestor`
    Ancestor,
    /// `parent`
    Parent,
    /// `id`, `content`
    Id,
    /// `creator`, `contributor`
    Creator,
    /// `created`
    Created,
    /// `lastmodified`
    Modified,
}

impl Field {
    fn read(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "type" => Self::Type,
            "space" | "space.key" => Self::Space,
            "label" => Self::Label,
            "title" => Self::Title,
            "text" | "sitesearch" => Self::Text,
            "ancestor" => Self::Ancestor,
            "parent" => Self::Parent,
            "id" | "content" => Self::Id,
            "creator" | "contributor" => Self::Creator,
            "created" => Self::Created,
            "lastmodified" => Self::Modified,
            _ => return None,
        })
    }

    fn takes(self, operator: Operator) -> bool {
        match operator {
            Operator::Is | Operator::IsNot => self != Self::Text,
            Operator::Contains | Operator::ContainsNot => matches!(self, Self::Title | Self::Text | Self::Space),
            Operator::After | Operator::Before => matches!(self, Self::Created | Self::Modified),
        }
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Both.
    And(Box<Condition>, Box<Condition>),
    /// One of them.
    Or(Box<Condition>, Box<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A comparison with one of some values.
    Compare(Field, Operator, Vec<String>),
}

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What must hold.
    pub condition: Condition,
    /// Fields to order by, each with whether it goes backwards.
    pub order: Vec<(Field, bool)>,
}

/// Why a query is refused, in the server's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CqlError(pub String);

impl fmt::Display for CqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Result<Vec<Token>, CqlError> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let sign = match c {
            _ if c.is_whitespace() => continue,
            '"' | '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        Some('\\') => value.extend(chars.next()),
                        Some(end) if end == c => break,
                        Some(other) => value.push(other),
                        None => return Err(CqlError(format!("Could not parse cql : {text}"))),
                    }
                }
                out.push(Token::Quoted(value));
                continue;
            }
            '(' => "(",
            ')' => ")",
            ',' => ",",
            '=' => "=",
            '~' => "~",
            '!' if chars.next_if_eq(&'=').is_some() => "!=",
            '!' if chars.next_if_eq(&'~').is_some() => "!~",
            '!' => return Err(CqlError(format!("Could not parse cql : {text}"))),
            '>' => {
                chars.next_if_eq(&'=');
                ">"
            }
            '<' => {
                chars.next_if_eq(&'=');
                "<"
            }
            _ => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|c| !c.is_whitespace() && !"()=!~<>,\"'".contains(*c)) {
                    word.push(next);
                }
                out.push(Token::Word(word));
                continue;
            }
        };
        out.push(Token::Sign(sign));
    }
    Ok(out)
}

/// Reads a query.
///
/// # Errors
/// When it cannot be parsed, or names a field or an operator that does not exist.
pub fn parse(text: &str) -> Result<Query, CqlError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, text, depth: 0 };
    let condition = parser.either()?;
    let mut order = Vec::new();
    if parser.word("order") {
        if !parser.word("by") {
            return parser.fail();
        }
        loop {
            let field = parser.field()?;
            let backwards = if parser.word("desc") {
                true
            } else {
                parser.word("asc");
                false
            };
            order.push((field, backwards));
            if !parser.sign(",") {
                break;
            }
        }
    }
    if parser.at < parser.tokens.len() {
        return parser.fail();
    }
    Ok(Query { condition, order })
}

/// Deeper parentheses are refused.
const DEPTH_MAX: usize = 50;

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    text: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn fail<T>(&self) -> Result<T, CqlError> {
        Err(CqlError(format!("Could not parse cql : {}", self.text)))
    }

    fn word(&mut self, word: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(there);
        there
    }

    fn either(&mut self) -> Result<Condition, CqlError> {
        let mut left = self.both()?;
        while self.word("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, CqlError> {
        let mut left = self.single()?;
        loop {
            if self.word("and") {
                left = Condition::And(Box::new(left), Box::new(self.single()?));
            } else if self.word("not") {
                // `a not b` is how CQL writes "a and not b".
                left = Condition::And(Box::new(left), Box::new(Condition::Not(Box::new(self.single()?))));
            } else {
                return Ok(left);
            }
        }
    }

    fn single(&mut self) -> Result<Condition, CqlError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail();
        }
        let made = if self.word("not") {
            Condition::Not(Box::new(self.single()?))
        } else if self.sign("(") {
            let inner = self.either()?;
            if !self.sign(")") {
                return self.fail();
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(made)
    }

    fn field(&mut self) -> Result<Field, CqlError> {
        let Some(Token::Word(word)) = self.tokens.get(self.at).cloned() else { return self.fail() };
        self.at += 1;
        Field::read(&word).ok_or_else(|| {
            CqlError(format!(
                "No field exists with the name: '{word}'\nDid you mean one of : space, subtype, space.key, siteSearch, space.type"
            ))
        })
    }

    fn comparison(&mut self) -> Result<Condition, CqlError> {
        let field = self.field()?;
        let operator = if self.sign("=") {
            Operator::Is
        } else if self.sign("!=") {
            Operator::IsNot
        } else if self.sign("~") {
            Operator::Contains
        } else if self.sign("!~") {
            Operator::ContainsNot
        } else if self.sign(">") {
            Operator::After
        } else if self.sign("<") {
            Operator::Before
        } else {
            let not = self.word("not");
            if !self.word("in") {
                return self.fail();
            }
            let values = self.values()?;
            return Ok(Condition::Compare(field, if not { Operator::IsNot } else { Operator::Is }, values));
        };
        if !field.takes(operator) {
            return Err(CqlError(format!("The operator is not supported by the field: {}", self.text)));
        }
        Ok(Condition::Compare(field, operator, vec![self.value()?]))
    }

    fn values(&mut self) -> Result<Vec<String>, CqlError> {
        if !self.sign("(") {
            return self.fail();
        }
        let mut values = vec![self.value()?];
        while self.sign(",") {
            values.push(self.value()?);
        }
        if self.sign(")") { Ok(values) } else { self.fail() }
    }

    /// A value; a function without arguments is kept with its parentheses.
    fn value(&mut self) -> Result<String, CqlError> {
        match self.tokens.get(self.at).cloned() {
            Some(Token::Quoted(value)) => {
                self.at += 1;
                Ok(value)
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                if self.sign("(") {
                    if !self.sign(")") {
                        return self.fail();
                    }
                    return Ok(format!("{word}()"));
                }
                Ok(word)
            }
            Some(Token::Sign(_)) | None => self.fail(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(field: Field, operator: Operator, value: &str) -> Box<Condition> {
        Box::new(Condition::Compare(field, operator, vec![value.to_owned()]))
    }

    #[test]
    fn conditions_bind_as_in_logic() {
        let query =
            parse("type = page AND (label = \"a b\" or title ~ 'x') not space in (A, B) order by title desc").unwrap();
        let labels = Box::new(Condition::Or(
            compare(Field::Label, Operator::Is, "a b"),
            compare(Field::Title, Operator::Contains, "x"),
        ));
        let left = Box::new(Condition::And(compare(Field::Type, Operator::Is, "page"), labels));
        let spaces = Condition::Compare(Field::Space, Operator::Is, vec!["A".to_owned(), "B".to_owned()]);
        assert_eq!(query.condition, Condition::And(left, Box::new(Condition::Not(Box::new(spaces)))));
        assert_eq!(query.order, [(Field::Title, true)]);
        let or_last = parse("id = 1 or id = 2 and id = 3").unwrap().condition;
        assert!(matches!(or_last, Condition::Or(..)));
    }

    #[test]
    fn quotes_are_escaped_and_functions_kept() {
        let query = parse(r#"title = "say \"hi\" \\" and space = currentSpace()"#).unwrap();
        let Condition::And(title, space) = query.condition else { panic!("{query:?}") };
        assert_eq!(title, compare(Field::Title, Operator::Is, r#"say "hi" \"#));
        assert_eq!(space, compare(Field::Space, Operator::Is, "currentSpace()"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in [
            "",
            "title",
            "title =",
            "title = \"x",
            "= 1",
            "title = a b",
            "(id = 1",
            "id in 1",
            "id = 1 order title",
            "text = x",
            "title ! x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let unknown = parse("status = current").unwrap_err();
        assert!(unknown.0.starts_with("No field exists with the name: 'status'"), "{unknown}");
        assert!(parse(&format!("{}id = 1", "(".repeat(10_000))).is_err());
    }
}
