//! The columns of a team's tables under all the names they have: what a header names, and what its table holds.

/// What a table holds, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Test cases.
    Cases,
    /// Results of test cases.
    Results,
    /// Defects.
    Defects,
}

/// A column that the hub has a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// An id whose kind the header does not tell: `ID`, `#`.
    Id,
    /// A test case's id.
    CaseId,
    /// A defect's id.
    DefectId,
    /// A run's id.
    RunId,
    /// A title.
    Title,
    /// A description.
    Description,
    /// The type of test.
    TestType,
    /// The component.
    Component,
    /// The module.
    Module,
    /// Requirement ids.
    Requirement,
    /// What must hold before.
    Preconditions,
    /// The steps.
    Steps,
    /// What must hold afterwards.
    Expected,
    /// What happened.
    Actual,
    /// The priority.
    Priority,
    /// The risk.
    Risk,
    /// The severity.
    Severity,
    /// Tags.
    Tags,
    /// The state of a document or defect.
    Status,
    /// The outcome of a test.
    Outcome,
    /// The device.
    Device,
    /// The environment.
    Environment,
    /// Files and addresses.
    Evidence,
    /// Notes of a person.
    Notes,
    /// When a test ran.
    Date,
}

/// Names without case, accents, spaces and signs. A name stands once in this table.
const NAMES: &[(Column, &[&str])] = &[
    (Column::Id, &["id", "#", "clave", "key"]),
    (
        Column::CaseId,
        &["testid", "testcaseid", "tcid", "caseid", "casoid", "idcaso", "idtest", "idcasoprueba", "testkey"],
    ),
    (
        Column::DefectId,
        &[
            "defectoid",
            "defectid",
            "iddefecto",
            "bugid",
            "idbug",
            "incidenciaid",
            "idincidencia",
            "issueid",
            "incidentid",
        ],
    ),
    (Column::RunId, &["runid", "idrun", "ejecucionid", "idejecucion", "testrunid", "executionid"]),
    (
        Column::Title,
        &["titulo", "title", "testname", "nombre", "name", "asunto", "subject", "summary", "resumen", "casodeprueba"],
    ),
    (Column::Description, &["descripcion", "description", "detalle"]),
    (Column::TestType, &["tipoprueba", "tipodeprueba", "testtype", "tipo", "type"]),
    (Column::Component, &["componente", "component"]),
    (Column::Module, &["modulo", "module"]),
    (
        Column::Requirement,
        &["requisitoid", "requisito", "requisitos", "requirement", "requirements", "requirementid", "reqid"],
    ),
    (
        Column::Preconditions,
        &["precondiciones", "precondicion", "preconditions", "precondition", "prerequisitos", "prerequisites"],
    ),
    (
        Column::Steps,
        &["pasos", "steps", "pasosreproducir", "pasosparareproducir", "stepstoreproduce", "teststeps", "pasosdeprueba"],
    ),
    (Column::Expected, &["resultadoesperado", "expectedresult", "expected", "resultadosesperados", "expectedresults"]),
    (Column::Actual, &["resultadoobtenido", "actualresult", "actual", "resultadoactual", "resultadoreal"]),
    (Column::Priority, &["prioridad", "priority"]),
    (Column::Risk, &["riesgo", "risk"]),
    (Column::Severity, &["severidad", "severity", "gravedad"]),
    (Column::Tags, &["etiquetaautomatizacion", "etiquetas", "etiqueta", "tags", "tag", "labels", "automationtag"]),
    (Column::Status, &["estado", "status", "state"]),
    (Column::Outcome, &["resultado", "result", "outcome", "resultadoejecucion", "testresult", "verdict"]),
    (Column::Device, &["dispositivo", "device", "plataforma", "platform", "navegador", "browser"]),
    (Column::Environment, &["entorno", "environment", "ambiente", "env"]),
    (Column::Evidence, &["evidencia", "evidencias", "evidence", "attachments", "adjuntos"]),
    (Column::Notes, &["notas", "notes", "nota", "comentarios", "comments", "observaciones"]),
    (
        Column::Date,
        &["fecha", "date", "fechaejecucion", "executiondate", "executedat", "startedat", "fechadeejecucion"],
    ),
];

/// A name without case, accents, spaces and signs; `#` stays, because it is a name.
pub(crate) fn fold(name: &str) -> String {
    let name = name.trim();
    if name == "#" {
        return name.to_owned();
    }
    name.chars()
        .flat_map(char::to_lowercase)
        .filter_map(|c| match c {
            'á' | 'à' | 'â' | 'ä' | 'ã' => Some('a'),
            'é' | 'è' | 'ê' | 'ë' => Some('e'),
            'í' | 'ì' | 'î' | 'ï' => Some('i'),
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' => Some('o'),
            'ú' | 'ù' | 'û' | 'ü' => Some('u'),
            'ñ' => Some('n'),
            'ç' => Some('c'),
            // A combining accent and every separator or sign go.
            c => c.is_alphanumeric().then_some(c),
        })
        .collect()
}

/// A table's header.
#[derive(Debug)]
pub(crate) struct Header {
    names: Vec<String>,
    columns: Vec<Option<Column>>,
}

impl Header {
    /// Recognises the columns of a header; a name that comes again is not recognised a second time.
    pub(super) fn new(cells: Vec<String>) -> Self {
        let mut columns: Vec<Option<Column>> = Vec::new();
        for cell in &cells {
            let folded = fold(cell);
            let known = NAMES.iter().find(|(_, names)| names.contains(&folded.as_str())).map(|(column, _)| *column);
            columns.push(known.filter(|column| !columns.contains(&Some(*column))));
        }
        let mut names: Vec<String> = cells.into_iter().map(|cell| cell.trim().to_owned()).collect();
        // Empty cells behind the last name come from spreadsheets.
        while names.len() > 1 && names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        columns.truncate(names.len());
        Self { names, columns }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn index_of(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|known| *known == Some(column))
    }

    /// How many columns have a known name.
    pub(super) fn known(&self) -> usize {
        self.columns.iter().flatten().count()
    }

    /// Whether a row is the header again.
    pub(super) fn is_repeated_by(&self, cells: &[String]) -> bool {
        cells.len() >= self.names.len()
            && self.names.iter().zip(cells).all(|(name, cell)| fold(name) == fold(cell))
            && cells.iter().skip(self.names.len()).all(|cell| cell.trim().is_empty())
    }

    /// What the table holds. The first id decides: a case may name its defect, and a defect its case.
    pub(super) fn kind(&self) -> Option<Kind> {
        let has = |column| self.index_of(column).is_some();
        let is_id = |column: &Column| matches!(column, Column::Id | Column::CaseId | Column::DefectId);
        let id = self.columns.iter().flatten().copied().find(is_id)?;
        let titled = has(Column::Title) || has(Column::Description);
        let document = has(Column::Steps) || has(Column::Expected) || has(Column::TestType) || has(Column::Module);
        if self.names.len() < 3 {
            None
        } else if titled && (id == Column::DefectId || has(Column::Severity)) {
            Some(Kind::Defects)
        } else if id == Column::DefectId {
            None
        } else if has(Column::Outcome) && !has(Column::Steps) {
            Some(Kind::Results)
        } else if id == Column::Id && self.names.first().is_some_and(|name| name == "#") && titled {
            Some(Kind::Defects)
        } else if titled && document {
            Some(Kind::Cases)
        } else if !titled && has(Column::Status) && has(Column::Device) {
            Some(Kind::Results)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(header: &str, delimiter: char) -> Option<Kind> {
        Header::new(header.split(delimiter).map(str::to_owned).collect()).kind()
    }

    #[test]
    fn a_name_stands_once_and_folded() {
        let all: Vec<&str> = NAMES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for (index, name) in all.iter().enumerate() {
            assert_eq!(fold(name), *name);
            assert!(!all[..index].contains(name), "{name}");
        }
    }

    #[test]
    fn the_headers_in_use_are_told_apart() {
        for (header, delimiter, expect) in [
            ("TEST_ID|TIPO_PRUEBA|COMPONENTE|MODULO|REQUISITO_ID|DESCRIPCION|PRECONDICIONES|PASOS", '|', Kind::Cases),
            ("ID,TestName,Module,Type,Requirement,Steps,ExpectedResult,Priority,Status,BugID", ',', Kind::Cases),
            ("Id;Título;Módulo;Precondición;Pasos;Resultado Esperado", ';', Kind::Cases),
            ("TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS", '|', Kind::Results),
            ("test id,device,status", ',', Kind::Results),
            ("DEFECTO_ID|TITULO|TEST_ID|RUN_ID|SEVERIDAD|ESTADO|PASOS|RESULTADO_ESPERADO", '|', Kind::Defects),
            ("DEFECT_ID|TITLE|TEST_ID", '|', Kind::Defects),
            ("ID,Título,Severidad,Estado", ',', Kind::Defects),
            ("#;Proyecto;Tipo;Estado;Prioridad;Asunto;Autor", ';', Kind::Defects),
        ] {
            assert_eq!(kind(header, delimiter), Some(expect), "{header}");
        }
        for header in ["a|b|c", "id|name", "id|name|age", "TEST_ID|RESULTADO", "bug id|status|device"] {
            assert_eq!(kind(header, '|'), None, "{header}");
        }
    }
}
