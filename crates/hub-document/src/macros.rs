//! Confluence's own building blocks. Each says what stands in its place where Confluence is not: in ADF and wiki markup.

use serde::Serialize;

use crate::inline::Inline;
use crate::model::{Block, Content};
use crate::table::Table;
use crate::text::CleanLine;

/// A Confluence macro.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Macro {
    /// Labelled facts of this page. Elsewhere: a two-column table.
    PageProperties(PageProperties),
    /// The facts of many pages in a table. Elsewhere: its query, as text.
    PagePropertiesReport(PagePropertiesReport),
    /// The pages below this one. Elsewhere: nothing.
    Children(Children),
    /// Table of contents. Elsewhere: nothing.
    Toc(Toc),
    /// A live list of Jira issues. Elsewhere: its query, as text.
    JiraIssues(JiraIssues),
}

impl Macro {
    /// The blocks that stand for the macro outside Confluence, and in places where Confluence cannot hold it.
    pub(crate) fn portable(&self) -> Vec<Block> {
        match self {
            Self::PageProperties(properties) if properties.hidden => Vec::new(),
            Self::PageProperties(properties) => properties.as_table().map(Block::Table).into_iter().collect(),
            Self::PagePropertiesReport(report) => vec![Block::paragraph([Inline::code(report.cql.as_str())])],
            Self::JiraIssues(issues) => vec![Block::paragraph([Inline::code(issues.jql.as_str())])],
            Self::Children(_) | Self::Toc(_) => Vec::new(),
        }
    }
}

/// Labelled facts of a page, which a [`PagePropertiesReport`] on another page collects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PageProperties {
    pub(crate) id: Option<CleanLine>,
    pub(crate) hidden: bool,
    pub(crate) rows: Vec<(CleanLine, Vec<Inline>)>,
}

impl PageProperties {
    /// Facts without an id: a report sees all of a page's properties.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Facts that a report selects by this id.
    #[must_use]
    pub fn with_id(id: impl Into<CleanLine>) -> Self {
        Self { id: Some(id.into()).filter(|id| !id.is_empty()), hidden: false, rows: Vec::new() }
    }

    /// The page does not show the facts; a report and a program that reads the page still see them.
    #[must_use]
    pub fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// Adds a fact. A report matches labels by their text.
    #[must_use]
    pub fn row(mut self, label: impl Into<CleanLine>, value: impl IntoIterator<Item = Inline>) -> Self {
        self.rows.push((label.into(), value.into_iter().collect()));
        self
    }

    /// A table with the labels in a header column; `None` without facts.
    pub(crate) fn as_table(&self) -> Option<Table> {
        let mut table = Table::new().with_header_column();
        for (label, value) in &self.rows {
            table = table.row([Content::from(label.as_str()), Content::from(value.clone())]);
        }
        (!self.rows.is_empty()).then_some(table)
    }
}

/// A table of the properties of all pages that a query finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PagePropertiesReport {
    pub(crate) cql: CleanLine,
    pub(crate) headings: Vec<CleanLine>,
    pub(crate) first_column: Option<CleanLine>,
    pub(crate) sort_by: Option<CleanLine>,
    pub(crate) reverse: bool,
    pub(crate) page_size: Option<u16>,
    pub(crate) id: Option<CleanLine>,
}

impl PagePropertiesReport {
    /// All properties of the pages that the CQL query finds.
    #[must_use]
    pub fn new(cql: impl Into<CleanLine>) -> Self {
        Self {
            cql: cql.into(),
            headings: Vec::new(),
            first_column: None,
            sort_by: None,
            reverse: false,
            page_size: None,
            id: None,
        }
    }

    /// Only these labels, in this order.
    #[must_use]
    pub fn headings<H: Into<CleanLine>>(self, headings: impl IntoIterator<Item = H>) -> Self {
        Self { headings: headings.into_iter().map(Into::into).collect(), ..self }
    }

    /// The heading of the column with the page titles.
    #[must_use]
    pub fn first_column(self, heading: impl Into<CleanLine>) -> Self {
        Self { first_column: Some(heading.into()), ..self }
    }

    /// The label to sort by; descending when `reverse`.
    #[must_use]
    pub fn sort_by(self, label: impl Into<CleanLine>, reverse: bool) -> Self {
        Self { sort_by: Some(label.into()), reverse, ..self }
    }

    /// Rows shown at a time.
    #[must_use]
    pub fn page_size(self, rows: u16) -> Self {
        Self { page_size: Some(rows), ..self }
    }

    /// Only properties with this id (see [`PageProperties::with_id`]).
    #[must_use]
    pub fn only_id(self, id: impl Into<CleanLine>) -> Self {
        Self { id: Some(id.into()).filter(|id| !id.is_empty()), ..self }
    }

    /// The comma list of the macro; a heading with a comma is quoted, otherwise it would be two.
    pub(crate) fn heading_list(&self) -> Option<String> {
        let quoted = |heading: &CleanLine| {
            if heading.as_str().contains(',') { format!("\"{heading}\"") } else { heading.to_string() }
        };
        let list: Vec<String> = self.headings.iter().filter(|heading| !heading.is_empty()).map(quoted).collect();
        (!list.is_empty()).then(|| list.join(","))
    }
}

/// The tree of pages below a page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Children {
    pub(crate) depth: Option<u8>,
    pub(crate) sort: Option<ChildrenSort>,
    pub(crate) reverse: bool,
}

impl Children {
    /// All pages below, in the order of the page tree.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Only this many levels; 0 counts as 1.
    #[must_use]
    pub fn depth(levels: u8) -> Self {
        Self { depth: Some(levels.max(1)), ..Self::default() }
    }

    /// Another order than the page tree's.
    #[must_use]
    pub fn sorted(self, sort: ChildrenSort, reverse: bool) -> Self {
        Self { sort: Some(sort), reverse, ..self }
    }
}

/// The order of child pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildrenSort {
    /// By title.
    Title,
    /// By time of creation.
    Creation,
    /// By time of the last change.
    Modified,
}

/// A table of contents of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Toc {
    pub(crate) min_level: u8,
    pub(crate) max_level: u8,
}

impl Toc {
    /// Headings of these levels, brought into 1 to 6 and into order.
    #[must_use]
    pub fn levels(min_level: u8, max_level: u8) -> Self {
        let (min_level, max_level) = (min_level.clamp(1, 6), max_level.clamp(1, 6));
        Self { min_level: min_level.min(max_level), max_level: max_level.max(min_level) }
    }
}

/// A live list of Jira issues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JiraIssues {
    pub(crate) jql: CleanLine,
    pub(crate) columns: Vec<CleanLine>,
    pub(crate) max: Option<u16>,
    pub(crate) server: Option<JiraServer>,
}

impl JiraIssues {
    /// The issues that the JQL query finds, with the columns and number that Confluence chooses.
    #[must_use]
    pub fn new(jql: impl Into<CleanLine>) -> Self {
        Self { jql: jql.into(), columns: Vec::new(), max: None, server: None }
    }

    /// Field ids, such as `key`, `summary`, `status`.
    #[must_use]
    pub fn columns<C: Into<CleanLine>>(self, columns: impl IntoIterator<Item = C>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), ..self }
    }

    /// At most this many issues.
    #[must_use]
    pub fn max(self, issues: u16) -> Self {
        Self { max: Some(issues), ..self }
    }

    /// Which linked Jira, where Confluence knows several.
    #[must_use]
    pub fn on_server(self, server: JiraServer) -> Self {
        Self { server: Some(server), ..self }
    }

    /// The comma list of the macro.
    pub(crate) fn column_list(&self) -> Option<String> {
        let list: Vec<&str> = self.columns.iter().filter(|c| !c.is_empty()).map(CleanLine::as_str).collect();
        (!list.is_empty()).then(|| list.join(","))
    }
}

/// A Jira that Confluence is linked with: needed on Data Center, and on Cloud with several links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JiraServer {
    /// The link's name, as Confluence shows it.
    pub name: CleanLine,
    /// The link's id, a UUID.
    pub id: CleanLine,
}

impl From<Macro> for Block {
    fn from(value: Macro) -> Self {
        Self::Macro(value)
    }
}

impl From<PageProperties> for Block {
    fn from(value: PageProperties) -> Self {
        Self::Macro(Macro::PageProperties(value))
    }
}

impl From<PagePropertiesReport> for Block {
    fn from(value: PagePropertiesReport) -> Self {
        Self::Macro(Macro::PagePropertiesReport(value))
    }
}

impl From<Children> for Block {
    fn from(value: Children) -> Self {
        Self::Macro(Macro::Children(value))
    }
}

impl From<Toc> for Block {
    fn from(value: Toc) -> Self {
        Self::Macro(Macro::Toc(value))
    }
}

impl From<JiraIssues> for Block {
    fn from(value: JiraIssues) -> Self {
        Self::Macro(Macro::JiraIssues(value))
    }
}
