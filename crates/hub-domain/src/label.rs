//! Labels: the controlled taxonomy by which people search. They are derived from facts, never written by hand, and hold
//! no structured data of their own (`project:ctb`, `module:auth`, `type:e2e`, `env:production`, `platform:ios`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The dimensions of the taxonomy. There are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// The project's key.
    Project,
    /// The module or component under test.
    Module,
    /// The type of test.
    Type,
    /// The environment of a run.
    Env,
    /// The platform of a run or case.
    Platform,
}

impl Dimension {
    /// Every dimension, in the order in which labels are written.
    pub const ALL: [Self; 5] = [Self::Project, Self::Module, Self::Type, Self::Env, Self::Platform];

    /// The word before the colon.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Module => "module",
            Self::Type => "type",
            Self::Env => "env",
            Self::Platform => "platform",
        }
    }
}

/// A label of the taxonomy: lower case, ASCII, no spaces, at most 255 characters, valid in Jira and in Confluence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(String);

/// The longest value behind the colon, so that a label stays readable and far below Jira's 255 characters.
const MAX_VALUE: usize = 60;

impl Label {
    /// Derives the label of a value in a dimension; nothing where the value holds no letter or digit.
    ///
    /// Accents are folded (`Menú` becomes `menu`), everything else than a-z, 0-9 becomes one `-`.
    #[must_use]
    pub fn derive(dimension: Dimension, value: &str) -> Option<Self> {
        let mut slug = String::with_capacity(value.len().min(MAX_VALUE));
        for c in value.chars() {
            let folded = fold(c);
            if folded.is_ascii_alphanumeric() {
                slug.push(folded.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= MAX_VALUE {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        (!slug.is_empty()).then(|| Self(format!("{}:{slug}", dimension.as_str())))
    }

    /// What an issue carries whose entity its source no longer has: nothing is deleted at a site.
    #[must_use]
    pub fn source_deleted() -> Self {
        Self("haida-source-deleted".to_owned())
    }

    /// The same for a page.
    #[must_use]
    pub fn archived() -> Self {
        Self("archived".to_owned())
    }

    /// Whether a text is a label of the taxonomy: a dimension, a colon and a value.
    #[must_use]
    pub fn is_controlled(text: &str) -> bool {
        let dimension = text.split_once(':').map(|(dimension, _)| dimension);
        Dimension::ALL.iter().any(|d| Some(d.as_str()) == dimension)
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Folds the accented Latin letters of the languages that the first teams write; other characters stay.
#[must_use]
pub fn fold(c: char) -> char {
    match c {
        'á' | 'à' | 'ä' | 'â' | 'ã' | 'å' => 'a',
        'Á' | 'À' | 'Ä' | 'Â' | 'Ã' | 'Å' => 'A',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'É' | 'È' | 'Ë' | 'Ê' => 'E',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'Í' | 'Ì' | 'Ï' | 'Î' => 'I',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'Ó' | 'Ò' | 'Ö' | 'Ô' | 'Õ' => 'O',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'Ú' | 'Ù' | 'Ü' | 'Û' => 'U',
        'ñ' => 'n',
        'Ñ' => 'N',
        'ç' => 'c',
        'Ç' => 'C',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_searchable_words_and_nothing_else() {
        let cases = [
            (Dimension::Module, "Password Reset", Some("module:password-reset")),
            (Dimension::Module, "  Menú / Navegación  ", Some("module:menu-navegacion")),
            (Dimension::Type, "E2E", Some("type:e2e")),
            (Dimension::Env, "---", None),
            (Dimension::Platform, "🎉", None),
            (Dimension::Project, "ctb", Some("project:ctb")),
        ];
        for (dimension, value, expected) in cases {
            assert_eq!(Label::derive(dimension, value).as_ref().map(Label::as_str), expected, "{value:?}");
        }
        assert!(Label::is_controlled("env:qa") && !Label::is_controlled("urgent") && !Label::is_controlled("team:qa"));
        let long = Label::derive(Dimension::Module, &"x y".repeat(200)).unwrap();
        assert!(long.as_str().len() <= 255 && !long.as_str().contains(' ') && !long.as_str().ends_with('-'));
    }
}
