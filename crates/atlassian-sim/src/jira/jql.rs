//! The query language, as text: words, then clauses. What the words mean on this site is decided in
//! [`super::jql_match`].

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What an issue must fulfil; `None` for a query that restricts nothing.
    pub condition: Option<Condition>,
    /// Fields to sort by, and whether downwards.
    pub order: Vec<(String, bool)>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// One of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A comparison.
    Clause(Clause),
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The field as written.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: one operand, or several for `in` and `not in`.
    pub operands: Vec<Operand>,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `~`
    Like,
    /// `!~`
    NotLike,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `is`
    Is,
    /// `is not`
    IsNot,
}

impl Operator {
    /// As written in a query.
    pub fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Like => "~",
            Self::NotLike => "!~",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Is => "is",
            Self::IsNot => "is not",
        }
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A value.
    Text(String),
    /// `EMPTY` or `null`.
    Empty,
    /// A function with its arguments.
    Function(String, Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(&'static str),
}

impl Token {
    fn shown(&self) -> &str {
        match self {
            Self::Word(text) | Self::Quoted(text) => text,
            Self::Symbol(text) => text,
        }
    }

    /// Whether it is this unquoted word.
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

const SYMBOLS: [&str; 14] = ["!=", "!~", ">=", "<=", "&&", "||", "=", "~", ">", "<", "(", ")", ",", "!"];

/// Characters that a query must quote.
const RESERVED: [char; 13] = ['+', ';', '?', '|', '*', '/', '%', '^', '$', '#', '@', '{', '}'];

fn at(position: usize) -> String {
    format!("(line 1, character {})", position + 1)
}

/// Splits a query into tokens, each with the position of its first character.
fn tokens(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut index = 0;
    while let Some(&c) = chars.get(index) {
        if c.is_whitespace() {
            index += 1;
        } else if c == '"' || c == '\'' {
            let (value, end) = quoted(&chars, index)?;
            out.push((Token::Quoted(value), index));
            index = end;
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| {
            symbol.chars().enumerate().all(|(offset, wanted)| chars.get(index + offset) == Some(&wanted))
        }) {
            out.push((Token::Symbol(symbol), index));
            index += symbol.len();
        } else {
            let start = index;
            let mut word = String::new();
            let mut brackets = 0_usize;
            while let Some(&c) = chars.get(index) {
                let ends = c.is_whitespace() || c == '"' || c == '\'' || "=!~<>(),&".contains(c);
                if ends && brackets == 0 {
                    break;
                }
                match c {
                    '[' => brackets += 1,
                    ']' => brackets = brackets.saturating_sub(1),
                    c if RESERVED.contains(&c) && brackets == 0 => {
                        return Err(format!(
                            "Error in the JQL Query: The character '{c}' is a reserved JQL character. You must enclose \
                             it in a string or use the escape '\\u{:04x}' instead. {}",
                            u32::from(c),
                            at(index)
                        ));
                    }
                    _ => {}
                }
                word.push(c);
                index += 1;
            }
            out.push((Token::Word(word), start));
        }
    }
    Ok(out)
}

/// A quoted string from its opening quote on, and the position behind its closing one.
fn quoted(chars: &[char], start: usize) -> Result<(String, usize), String> {
    let quote = chars.get(start).copied().unwrap_or('"');
    let mut value = String::new();
    let mut index = start + 1;
    loop {
        match chars.get(index) {
            None => {
                return Err(format!(
                    "Error in the JQL Query: The quoted string '{value}' has not been completed. {}",
                    at(start)
                ));
            }
            Some(c) if *c == quote => return Ok((value, index + 1)),
            Some('\\') => {
                index += 1;
                match chars.get(index) {
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some(c) => value.push(*c),
                    None => {}
                }
            }
            Some(c) => value.push(*c),
        }
        index += 1;
    }
}

/// Reads a query.
///
/// # Errors
/// The text that Jira answers to one it cannot read.
pub fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0 };
    let condition = match parser.peek() {
        None => None,
        Some(token) if token.is("order") => None,
        Some(_) => Some(parser.any()?),
    };
    let order = parser.order()?;
    match parser.take() {
        None => Ok(Query { condition, order }),
        Some((token, position)) => Err(format!(
            "Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{}'. {}",
            token.shown(),
            at(position)
        )),
    }
}

#[derive(Debug)]
struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn take(&mut self) -> Option<(Token, usize)> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(word));
        self.next += usize::from(found);
        found
    }

    fn skip(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(text)) if *text == symbol);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.skip_word("or") || self.skip("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.not()?];
        while self.skip_word("and") || self.skip("&&") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn not(&mut self) -> Result<Condition, String> {
        if self.skip_word("not") || self.skip("!") {
            return Ok(Condition::Not(Box::new(self.not()?)));
        }
        if self.skip("(") {
            let inner = self.any()?;
            if self.skip(")") {
                return Ok(inner);
            }
            return Err(match self.take() {
                Some((token, position)) => {
                    format!("Error in the JQL Query: Expecting ')' but got '{}'. {}", token.shown(), at(position))
                }
                None => "Error in the JQL Query: Expecting ')' before the end of the query.".to_owned(),
            });
        }
        self.clause().map(Condition::Clause)
    }

    fn clause(&mut self) -> Result<Clause, String> {
        let field = match self.take() {
            Some((Token::Word(field) | Token::Quoted(field), _)) => field,
            Some((token, position)) => {
                return Err(format!(
                    "Error in the JQL Query: Expecting a field name but got '{}'. {}",
                    token.shown(),
                    at(position)
                ));
            }
            None => return Err("Error in the JQL Query: Expecting a field name at the end of the query.".to_owned()),
        };
        let operator = self.operator()?;
        let operands = match operator {
            Operator::In | Operator::NotIn => self.list()?,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Greater
            | Operator::AtLeast
            | Operator::Less
            | Operator::AtMost
            | Operator::Like
            | Operator::NotLike
            | Operator::Is
            | Operator::IsNot => vec![self.operand()?],
        };
        Ok(Clause { field, operator, operands })
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let symbol = match self.peek() {
            Some(Token::Symbol("=")) => Some(Operator::Equal),
            Some(Token::Symbol("!=")) => Some(Operator::NotEqual),
            Some(Token::Symbol(">")) => Some(Operator::Greater),
            Some(Token::Symbol(">=")) => Some(Operator::AtLeast),
            Some(Token::Symbol("<")) => Some(Operator::Less),
            Some(Token::Symbol("<=")) => Some(Operator::AtMost),
            Some(Token::Symbol("~")) => Some(Operator::Like),
            Some(Token::Symbol("!~")) => Some(Operator::NotLike),
            Some(Token::Symbol(_) | Token::Word(_) | Token::Quoted(_)) | None => None,
        };
        if let Some(operator) = symbol {
            self.next += 1;
            return Ok(operator);
        }
        if self.skip_word("in") {
            return Ok(Operator::In);
        }
        if self.skip_word("not") && self.skip_word("in") {
            return Ok(Operator::NotIn);
        }
        if self.skip_word("is") {
            return Ok(if self.skip_word("not") { Operator::IsNot } else { Operator::Is });
        }
        const VALID: &str = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'in', 'not in', 'is' \
            and 'is not'.";
        Err(match self.take() {
            Some((token, position)) => format!(
                "Error in the JQL Query: Expecting operator but got '{}'. {VALID} {}",
                token.shown(),
                at(position)
            ),
            None => format!("Error in the JQL Query: Expecting operator before the end of the query. {VALID}"),
        })
    }

    fn list(&mut self) -> Result<Vec<Operand>, String> {
        if !self.skip("(") {
            // `in` also takes a function that gives a list.
            return Ok(vec![self.operand()?]);
        }
        let mut out = vec![self.operand()?];
        while self.skip(",") {
            out.push(self.operand()?);
        }
        if self.skip(")") {
            return Ok(out);
        }
        Err(match self.take() {
            Some((token, position)) => {
                format!("Error in the JQL Query: Expecting ')' but got '{}'. {}", token.shown(), at(position))
            }
            None => "Error in the JQL Query: Expecting ')' before the end of the query.".to_owned(),
        })
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.take() {
            Some((Token::Quoted(text), _)) => Ok(Operand::Text(text)),
            Some((Token::Word(text), _)) => {
                if self.skip("(") {
                    let mut arguments = Vec::new();
                    while !self.skip(")") {
                        match self.take() {
                            Some((Token::Word(text) | Token::Quoted(text), _)) => arguments.push(text),
                            Some((Token::Symbol(","), _)) => {}
                            Some((Token::Symbol(_), _)) | None => {
                                return Err(format!(
                                    "Error in the JQL Query: Expecting ')' to end the arguments of function '{text}'."
                                ));
                            }
                        }
                    }
                    return Ok(Operand::Function(text, arguments));
                }
                if text.eq_ignore_ascii_case("empty") || text.eq_ignore_ascii_case("null") {
                    return Ok(Operand::Empty);
                }
                Ok(Operand::Text(text))
            }
            Some((token, position)) => Err(format!(
                "Error in the JQL Query: Expecting either a value, list or function but got '{0}'. You must surround \
                 '{0}' in quotation marks to use it as a value. {1}",
                token.shown(),
                at(position)
            )),
            None => {
                Err("Error in the JQL Query: Expecting either a value, list or function before the end of the query."
                    .to_owned())
            }
        }
    }

    fn order(&mut self) -> Result<Vec<(String, bool)>, String> {
        if !self.skip_word("order") {
            return Ok(Vec::new());
        }
        if !self.skip_word("by") {
            return Err("Error in the JQL Query: Expecting 'by' after 'order'.".to_owned());
        }
        let mut out = Vec::new();
        loop {
            let Some((Token::Word(field) | Token::Quoted(field), _)) = self.take() else {
                return Err("Error in the JQL Query: Expecting a field name at the end of the query.".to_owned());
            };
            let down = self.skip_word("desc");
            if !down {
                self.skip_word("asc");
            }
            out.push((field, down));
            if !self.skip(",") {
                return Ok(out);
            }
        }
    }
}
