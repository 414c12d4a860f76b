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
pub(crate) use hub_domain::settings::TableField as Column;

/// Names without case, accents, spaces and signs. A name stands once in this table.
const NAMES: &[(Column, &[&str])] = &[
    (Column::Id, &["id", "#", "clave", "key", "nro", "numero"]),
    (
        Column::CaseId,
        &[
            "testid",
            "testcaseid",
            "tcid",
            "caseid",
            "casoid",
            "idcaso",
            "idtest",
            "idcasoprueba",
            "idcasodeprueba",
            "testkey",
            "testquefallo",
            "casorelacionado",
            "testcaserelacionado",
            "relatedtestcase",
        ],
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
            "bug",
            "bugs",
            "defecto",
            "defect",
            "defects",
            "defectoasociado",
            "incidencia",
            "linkeddefect",
            "linkedissues",
        ],
    ),
    (Column::RunId, &["runid", "idrun", "ejecucionid", "idejecucion", "testrunid", "executionid"]),
    (
        Column::Title,
        &[
            "titulo",
            "ttulo",
            "title",
            "testname",
            "testtitle",
            "nombre",
            "nombretest",
            "nombredelcaso",
            "name",
            "asunto",
            "subject",
            "summary",
            "resumen",
            "casodeprueba",
        ],
    ),
    (Column::Description, &["descripcion", "descripcin", "description", "detalle", "detalles"]),
    (Column::TestType, &["tipoprueba", "tipodeprueba", "testtype", "tipo", "type"]),
    (Column::Component, &["componente", "component"]),
    (Column::Module, &["modulo", "mdulo", "module"]),
    (
        Column::Requirement,
        &[
            "requisitoid",
            "requisito",
            "requisitos",
            "requirement",
            "requirements",
            "requirementid",
            "reqid",
            "requirementids",
        ],
    ),
    (
        Column::Preconditions,
        &[
            "precondiciones",
            "precondicion",
            "precondicin",
            "preconditions",
            "precondition",
            "prerequisitos",
            "prerequisites",
        ],
    ),
    (
        Column::Steps,
        &["pasos", "steps", "pasosreproducir", "pasosparareproducir", "stepstoreproduce", "teststeps", "pasosdeprueba"],
    ),
    (
        Column::ExpectedResult,
        &[
            "resultadoesperado",
            "expectedresult",
            "expected",
            "resultadosesperados",
            "expectedresults",
            "respuestaesperada",
            "expectedresponse",
        ],
    ),
    (Column::ActualResult, &["resultadoobtenido", "actualresult", "actual", "resultadoactual", "resultadoreal"]),
    (Column::Priority, &["prioridad", "priority"]),
    (Column::Risk, &["riesgo", "risk"]),
    (Column::Severity, &["severidad", "severity", "gravedad"]),
    (Column::Tags, &["etiquetaautomatizacion", "etiquetas", "etiqueta", "tags", "tag", "labels", "automationtag"]),
    (Column::Status, &["estado", "status", "state"]),
    (Column::Result, &["resultado", "result", "outcome", "resultadoejecucion", "testresult", "verdict"]),
    (Column::Device, &["dispositivo", "device", "plataforma", "platform", "navegador", "browser"]),
    (Column::Environment, &["entorno", "environment", "ambiente", "env"]),
    (Column::Evidence, &["evidencia", "evidencias", "evidence", "attachments", "adjuntos"]),
    (Column::Notes, &["notas", "notes", "nota", "comentarios", "comments", "observaciones"]),
    (
        Column::Date,
        &[
            "fecha",
            "date",
            "fechaejecucion",
            "fechaejecucin",
            "executiondate",
            "executedat",
            "executedon",
            "startedat",
            "startdate",
            "fechadeejecucion",
        ],
    ),
    (Column::DurationMs, &["durationms", "duracionms", "durationmilliseconds"]),
    (Column::DurationS, &["duration", "duracion", "durations", "duracions", "durationseconds", "duracionsegundos"]),
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
#[derive(Debug, Clone)]
pub(crate) struct Header {
    names: Vec<String>,
    columns: Vec<Option<Column>>,
    /// What holds for a row whose cell says nothing.
    constants: Vec<(Column, String)>,
}

impl Header {
    /// Recognises the columns of a header; a name that comes again is not recognised a second time.
    pub(super) fn new(cells: Vec<String>) -> Self {
        Self::with(cells, |_| None, Vec::new())
    }

    /// A header of which `meaning` says more than the names that are known: it counts more, and what it says is said of
    /// one column only.
    pub(super) fn with(
        cells: Vec<String>,
        meaning: impl Fn(&str) -> Option<Column>,
        constants: Vec<(Column, String)>,
    ) -> Self {
        let folded: Vec<String> = cells.iter().map(|cell| fold(cell)).collect();
        let mut columns: Vec<Option<Column>> = Vec::with_capacity(cells.len());
        let mut said: Vec<Option<Column>> = Vec::with_capacity(cells.len());
        for name in &folded {
            let column = meaning(name);
            said.push(column.filter(|column| *column == Column::Other || !said.contains(&Some(*column))));
        }
        for (name, column) in folded.iter().zip(&said) {
            let known = || NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column);
            let free = |column: &Column| !columns.contains(&Some(*column)) && !said.contains(&Some(*column));
            let column = match column {
                Some(column) => Some(*column).filter(|column| *column != Column::Other),
                None => known().filter(free),
            };
            columns.push(column);
        }
        let mut names: Vec<String> = cells.into_iter().map(|cell| cell.trim().to_owned()).collect();
        // Empty cells behind the last name come from spreadsheets.
        while names.len() > 1 && names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        columns.truncate(names.len());
        Self { names, columns, constants }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn index_of(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|known| *known == Some(column))
    }

    /// The meaning of the column at a place.
    pub(super) fn column_at(&self, index: usize) -> Option<Column> {
        self.columns.get(index).copied().flatten()
    }

    /// What holds for a row that says nothing of a column.
    pub(super) fn constant(&self, column: Column) -> Option<&str> {
        self.constants.iter().find(|(known, _)| *known == column).map(|(_, value)| value.as_str())
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

    /// Whether the rows of a table of cases tell of executions as well: when, what happened, which defect came of it.
    pub(super) fn has_executions(&self) -> bool {
        let has = |column| self.index_of(column).is_some();
        has(Column::Result) || (has(Column::Status) && (has(Column::Date) || has(Column::ActualResult)))
    }

    /// What the table holds. The first id decides: a case may name its defect, and a defect its case.
    pub(super) fn kind(&self) -> Option<Kind> {
        let has = |column| self.index_of(column).is_some();
        let is_id = |column: &Column| matches!(column, Column::Id | Column::CaseId | Column::DefectId);
        let id = self.columns.iter().flatten().copied().find(is_id)?;
        let titled = has(Column::Title) || has(Column::Description);
        let steps = has(Column::Steps) || has(Column::ExpectedResult) || has(Column::Preconditions);
        let document = steps || has(Column::TestType) || has(Column::Module);
        if self.names.len() < 3 {
            None
        } else if titled && (id == Column::DefectId || (has(Column::Severity) && !has(Column::TestType))) {
            Some(Kind::Defects)
        } else if id == Column::DefectId {
            None
        } else if has(Column::Result) && !has(Column::Steps) {
            Some(Kind::Results)
        } else if id == Column::Id && !steps && titled && self.is_of_a_tracker() {
            Some(Kind::Defects)
        } else if titled && document {
            Some(Kind::Cases)
        } else if !titled && has(Column::Status) && has(Column::Device) {
            Some(Kind::Results)
        } else {
            None
        }
    }

    /// Whether it is the header of a defect tracker's export: its id is `#`, or it has a subject and a state.
    fn is_of_a_tracker(&self) -> bool {
        let named = |wanted: &[&str]| self.names.iter().any(|name| wanted.contains(&fold(name).as_str()));
        self.names.first().is_some_and(|name| name == "#")
            || (named(&["asunto", "subject"]) && self.index_of(Column::Status).is_some())
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
            ("ID,Tipo,Estado,Prioridad,Plataforma,Modulo,Asunto,Asignado,Actualizado,Creado", ',', Kind::Defects),
            ("ID,Severidad,Componente,Titulo,Descripcion,Test_que_fallo,Estado", ',', Kind::Defects),
            ("ID,Módulo,Requisito,Descripción,Tipo de Prueba,Pasos,Resultado Esperado,Estado", ',', Kind::Cases),
            ("TEST_ID|TIPO_PRUEBA|DESCRIPCION|METHOD|ENDPOINT|RESULTADO_ESPERADO|ESTADO", '|', Kind::Cases),
            ("TEST_ID|TIPO_PRUEBA|DESCRIPCION|SELECTOR|PASOS|ESTADO", '|', Kind::Cases),
        ] {
            assert_eq!(kind(header, delimiter), Some(expect), "{header}");
        }
        let mapped = Header::with(
            vec!["Ref".into(), "Estado".into(), "Resultado".into()],
            |name| (name == "ref").then_some(Column::CaseId).or((name == "estado").then_some(Column::Result)),
            vec![(Column::Device, "iOS".into())],
        );
        assert_eq!(mapped.index_of(Column::CaseId), Some(0));
        assert_eq!(mapped.index_of(Column::Result), Some(1), "what is said counts more than the name");
        assert_eq!(mapped.column_at(2), None);
        assert_eq!(mapped.constant(Column::Device), Some("iOS"));
        for header in ["a|b|c", "id|name", "id|name|age", "TEST_ID|RESULTADO", "bug id|status|device"] {
            assert_eq!(kind(header, '|'), None, "{header}");
        }
    }
}
