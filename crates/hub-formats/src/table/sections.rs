//! The description of a defect as teams write it into one field of their tracker: plain text, textile or HTML, with
//! headings in front of its parts. The parts that the hub has fields for are taken out; the rest stays the description.

use hub_domain::record::DefectRecord;

use super::columns::fold;
use super::ids;
use crate::xml::entities::{Reference, resolve};

/// A part of a description that has a field of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Cases,
    Steps,
    Expected,
    Actual,
    Environment,
    /// A heading whose text stays in the description.
    Kept,
}

/// Headings, folded. A heading stands at the beginning of a line, alone or before a colon.
const HEADINGS: &[(Part, &[&str])] = &[
    (
        Part::Cases,
        &[
            "testcaserelacionado",
            "casodepruebarelacionado",
            "casorelacionado",
            "relatedtestcase",
            "testcase",
            "testcases",
        ],
    ),
    (
        Part::Steps,
        &[
            "pasosparareproducir",
            "pasosparareproducirlaincidencia",
            "pasosparareproducirelerror",
            "pasosareproducir",
            "pasos",
            "stepstoreproduce",
            "steps",
        ],
    ),
    (Part::Expected, &["resultadoesperado", "comportamientoesperado", "expectedresult", "expectedbehavior"]),
    (
        Part::Actual,
        &[
            "resultadoobtenido",
            "resultadoactual",
            "resultadoreal",
            "comportamientoactual",
            "actualresult",
            "actualbehavior",
        ],
    ),
    (Part::Environment, &["entorno", "environment", "ambiente"]),
    (
        Part::Kept,
        &[
            "historiadeusuario",
            "descripcion",
            "descripcin",
            "description",
            "userstory",
            "logsrelevantes",
            "logs",
            "evidencia",
            "evidencias",
            "evidence",
            "navegadores",
            "navegador",
            "browsers",
            "browser",
            "notas",
            "notes",
        ],
    ),
];

/// Moves the parts of a defect's description into their fields, where they are empty. A text with fewer than two headings
/// of such parts is no template and stays whole.
pub(crate) fn take_apart(defect: &mut DefectRecord) {
    let Some(text) = defect.description.take().map(|text| plain(&text)) else { return };
    let lines: Vec<(&str, Option<(Part, &str)>)> = text.lines().map(|line| (line, heading(line))).collect();
    let parts = lines.iter().filter(|(_, found)| found.is_some_and(|(part, _)| part != Part::Kept)).count();
    if parts < 2 {
        defect.description = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        return;
    }
    let mut rest = String::new();
    let mut texts: Vec<(Part, String)> = Vec::new();
    let mut current = Part::Kept;
    for (line, found) in lines {
        let line = match found {
            Some((part, after)) => {
                current = part;
                if part == Part::Kept {
                    line
                } else {
                    texts.push((part, String::new()));
                    after
                }
            }
            None => line,
        };
        let text = match texts.last_mut() {
            Some((_, text)) if current != Part::Kept => text,
            Some(_) | None => &mut rest,
        };
        text.push_str(line);
        text.push('\n');
    }
    let part = |wanted: Part| {
        let texts: Vec<&str> = texts
            .iter()
            .filter(|(part, _)| *part == wanted)
            .map(|(_, text)| text.trim())
            .filter(|t| !t.is_empty())
            .collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    };
    if defect.case_ids.is_empty() {
        defect.case_ids = part(Part::Cases).map(|text| ids(&text)).unwrap_or_default();
    }
    let fill = |field: &mut Option<String>, wanted: Part| *field = field.take().or_else(|| part(wanted));
    fill(&mut defect.steps, Part::Steps);
    fill(&mut defect.expected_result, Part::Expected);
    fill(&mut defect.actual_result, Part::Actual);
    fill(&mut defect.environment, Part::Environment);
    defect.description = Some(rest.trim().to_owned()).filter(|text| !text.is_empty());
}

/// The part whose heading a line is, with what follows on the same line.
fn heading(line: &str) -> Option<(Part, &str)> {
    let (name, after) = line.split_once(':').unwrap_or((line, ""));
    // Marks of textile and Markdown: `h3. Steps`, `*Steps:*`, `## Steps`.
    let name = name.trim();
    let name = name
        .strip_prefix('h')
        .and_then(|rest| rest.split_once(". "))
        .filter(|(level, _)| level.len() == 1)
        .map_or(name, |(_, n)| n);
    if name.chars().count() > 60 {
        return None;
    }
    let folded = fold(name);
    let part = HEADINGS.iter().find(|(_, names)| names.contains(&folded.as_str())).map(|(part, _)| *part)?;
    Some((part, after.trim_start_matches(['*', '_']).trim()))
}

/// A text without HTML: paragraphs and items are lines, references are what they stand for.
fn plain(text: &str) -> String {
    let html = ["<p", "<br", "<li", "<div", "</"].iter().any(|tag| text.contains(tag));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        rest = match found.strip_prefix('<') {
            Some(inside) => without_tag(inside, html, &mut out),
            None => without_reference(found, &mut out),
        };
    }
    out.push_str(rest);
    out
}

/// Passes over a tag of HTML and returns what follows; a `<` that begins none is text.
fn without_tag<'t>(inside: &'t str, html: bool, out: &mut String) -> &'t str {
    let tag = inside.split_once('>').filter(|(tag, _)| {
        let name = tag.trim_start_matches('/');
        html && tag.len() < 200 && name.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    let Some((tag, after)) = tag else {
        out.push('<');
        return inside;
    };
    let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let opens_line =
        ["br", "p", "div", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4"].contains(&name.to_lowercase().as_str());
    if opens_line && !out.ends_with('\n') && !out.is_empty() {
        out.push('\n');
    }
    if name.eq_ignore_ascii_case("li") && !tag.starts_with('/') {
        out.push_str("- ");
    }
    after
}

/// Replaces a reference and returns what follows; an unknown one is text.
fn without_reference<'t>(found: &'t str, out: &mut String) -> &'t str {
    let after = found.strip_prefix('&').unwrap_or(found);
    let name = after.split_once(';').filter(|(name, _)| name.len() <= crate::xml::entities::REFERENCE_BYTES);
    if let Some((name, rest)) = name {
        let c = if name == "nbsp" { Reference::Char(' ') } else { resolve(name) };
        match c {
            Reference::Char(c) if !c.is_control() || c == '\n' => {
                out.push(c);
                return rest;
            }
            Reference::Char(_) | Reference::Nothing | Reference::Unknown => {}
        }
    }
    out.push('&');
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(description: &str) -> DefectRecord {
        let mut defect = DefectRecord { description: Some(description.into()), ..DefectRecord::default() };
        take_apart(&mut defect);
        defect
    }

    #[test]
    fn a_filled_template_is_taken_apart() {
        let defect = apart(
            "Historia de usuario:\nComo cliente\nTest Case Relacionado:\nTC_1 / TC_2\n*Pasos para reproducir:*\n1. a\n2. b\n\
             h3. Resultado esperado: bien\nResultado obtenido\nmal\nEvidencia:\nfoto.png\nEntorno:mcprod\nNavegadores:\nChrome",
        );
        assert_eq!(defect.case_ids, ["TC_1", "TC_2"]);
        assert_eq!(defect.steps.as_deref(), Some("1. a\n2. b"));
        assert_eq!(defect.expected_result.as_deref(), Some("bien"));
        assert_eq!(defect.actual_result.as_deref(), Some("mal"));
        assert_eq!(defect.environment.as_deref(), Some("mcprod"));
        let rest = "Historia de usuario:\nComo cliente\nEvidencia:\nfoto.png\nNavegadores:\nChrome";
        assert_eq!(defect.description.as_deref(), Some(rest));
    }

    #[test]
    fn html_becomes_text_and_other_texts_stay() {
        let html =
            "<p>Pasos:</p><ul><li>abrir &quot;x&quot;</li><li>a &lt; b</li></ul><p>Resultado esperado:</p><p>ok</p>";
        let defect = apart(html);
        assert_eq!(defect.steps.as_deref(), Some("- abrir \"x\"\n- a < b"));
        assert_eq!(defect.expected_result.as_deref(), Some("ok"));
        for text in ["a < b & c > d &unknown; <x", "Pasos: uno solo", "Entorno"] {
            assert_eq!(apart(text).description.as_deref(), Some(text));
        }
        assert_eq!(apart("Mi cuenta &gt; Datos").description.as_deref(), Some("Mi cuenta > Datos"));
    }
}
