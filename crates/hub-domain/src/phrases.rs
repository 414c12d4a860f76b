//! The words that the hub writes into issues, pages and reports, in each language that it speaks.

use crate::vocabulary::{
    CaseStatus, DefectSeverity, DefectStatus, FailureCause, Locale, ResultStatus, Risk, RunStatus,
};

macro_rules! phrases {
    ($($(#[$doc:meta])* $name:ident: $en:literal, $es:literal;)*) => {
        /// A word or short text for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Phrase {
            $(#[doc = $en] $name),*
        }

        impl Phrase {
            /// Every phrase.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The phrase in a language.
            #[must_use]
            pub fn text(self, locale: Locale) -> &'static str {
                match (self, locale) {
                    $((Self::$name, Locale::En) => $en, (Self::$name, Locale::Es) => $es),*
                }
            }
        }
    };
}

phrases! {
    Preconditions: "Preconditions", "Precondiciones";
    Steps: "Steps", "Pasos";
    ExpectedResult: "Expected result", "Resultado esperado";
    ActualResult: "Actual result", "Resultado obtenido";
    Description: "Description", "Descripción";
    Requirements: "Requirements", "Requisitos";
    Component: "Component", "Componente";
    Module: "Module", "Módulo";
    TestType: "Type of test", "Tipo de prueba";
    Priority: "Priority", "Prioridad";
    Risk: "Risk", "Riesgo";
    Status: "Status", "Estado";
    Severity: "Severity", "Severidad";
    Platforms: "Platforms", "Plataformas";
    Environment: "Environment", "Entorno";
    Device: "Device", "Dispositivo";
    Release: "Release", "Versión";
    Run: "Test run", "Ejecución";
    TestCase: "Test case", "Caso de prueba";
    TestCases: "Test cases", "Casos de prueba";
    Suite: "Suite", "Suite";
    Test: "Test", "Prueba";
    Result: "Result", "Resultado";
    Results: "Results", "Resultados";
    Duration: "Duration", "Duración";
    Message: "Message", "Mensaje";
    Started: "Started", "Inicio";
    Coverage: "Coverage", "Cobertura";
    Total: "Total", "Total";
    Failures: "Failures", "Fallos";
    NoFailures: "No test was unsuccessful.", "Ninguna prueba ha fallado.";
    ResultsBySuite: "Results by suite", "Resultados por suite";
    Properties: "Properties", "Propiedades";
    Releases: "Releases", "Versiones";
    TestRuns: "Test runs", "Ejecuciones";
    Reports: "Reports", "Informes";
    ReportIndex: "Report index", "Índice de informes";
    Report: "Report", "Informe";
    File: "File", "Archivo";
    Format: "Format", "Formato";
    Digest: "Digest (BLAKE3)", "Huella (BLAKE3)";
    Counted: "Counted", "Contado";
    Declared: "Declared by the file", "Declarado por el archivo";
    Problems: "Problems found while reading", "Problemas encontrados al leer";
    Issues: "Issues", "Incidencias";
    MoreRows: "{n} more rows are not shown here.", "Hay {n} filas más que no se muestran aquí.";
    Evidence: "Evidence", "Evidencias";
    NotHandedOver: "not handed over", "no entregado";
    MoreEvidence: "{n} more", "{n} más";
    Shortened: "The text was shortened by {n} characters.", "El texto se ha acortado en {n} caracteres.";
    Other: "Further facts", "Otros datos";
    KeptByHub: "Kept by haida-hub from the QA database: change it there, not here.", "Mantenido por haida-hub desde la base de datos de QA: cámbielo allí, no aquí.";
    Incident: "Incident", "Incidente";
    IncidentText: "Nearly everything that was executed failed for one cause. It is one incident, not {n} defects.", "Casi todo lo ejecutado ha fallado por una sola causa. Es un incidente, no {n} defectos.";
    Cause: "Cause", "Causa";
    Affected: "Affected results", "Resultados afectados";
    Example: "Example", "Ejemplo";
    NewFailures: "{n} new failures in one run", "{n} fallos nuevos en una ejecución";
    Fingerprint: "Fingerprint", "Huella del fallo";
    FirstSeenIn: "First seen in", "Visto por primera vez en";
    LastSeenIn: "Last seen in", "Visto por última vez en";
    RunsSeen: "Test runs that show it", "Ejecuciones que lo muestran";
    ReopenedIn: "Came back in", "Ha vuelto en";
    Traceability: "Requirements", "Requisitos";
    Requirement: "Requirement", "Requisito";
    RequirementsNamed: "Requirements with test cases", "Requisitos con casos de prueba";
    RequirementsExecuted: "Executed", "Ejecutados";
    RequirementsPassed: "Passed", "Superados";
    RequirementsFailed: "Failed", "Fallidos";
    UntracedCases: "Test cases without a requirement", "Casos de prueba sin requisito";
    PartlyExecuted: "Partly executed", "Ejecutado en parte";
    RequirementFailed: "Failed", "Fallido";
    RequirementNotExecuted: "Not executed", "No ejecutado";
    RequirementPassed: "Passed", "Superado";
    AsOfRun: "As of test run", "Según la ejecución";
    Trend: "Compared with earlier test runs", "Comparación con ejecuciones anteriores";
    PassRate: "Pass rate", "Tasa de éxito";
    PassRateChange: "Pass rate against the run before", "Tasa de éxito frente a la anterior";
    ThisRun: "this run", "esta ejecución";
    NewlyFailing: "Newly failing", "Nuevos fallos";
    StillFailing: "Still failing", "Siguen fallando";
    Fixed: "Fixed", "Corregidos";
    FlakyCases: "Flaky", "Inestables";
    Number: "Number", "Número";
    Executed: "Executed", "Ejecutados";
    Difference: "The file declares other numbers than its rows", "El archivo declara otras cifras que sus filas";
    Yes: "Yes", "Sí";
    Unknown: "unknown", "desconocido";
    Unreleased: "Without release", "Sin versión";
}

impl Phrase {
    /// The phrase with a number in the place of `{n}`.
    #[must_use]
    pub fn with_number(self, locale: Locale, n: u64) -> String {
        self.text(locale).replace("{n}", &n.to_string())
    }
}

/// The status of a result for people.
#[must_use]
pub fn result_status(status: ResultStatus, locale: Locale) -> &'static str {
    match (status, locale) {
        (ResultStatus::Passed, Locale::En) => "Passed",
        (ResultStatus::Passed, Locale::Es) => "Pasado",
        (ResultStatus::Failed, Locale::En) => "Failed",
        (ResultStatus::Failed, Locale::Es) => "Fallido",
        (ResultStatus::Broken, Locale::En) => "Broken",
        (ResultStatus::Broken, Locale::Es) => "Roto",
        (ResultStatus::Timeout, Locale::En) => "Timed out",
        (ResultStatus::Timeout, Locale::Es) => "Tiempo agotado",
        (ResultStatus::Flaky, Locale::En) => "Flaky",
        (ResultStatus::Flaky, Locale::Es) => "Inestable",
        (ResultStatus::Skipped, Locale::En) => "Skipped",
        (ResultStatus::Skipped, Locale::Es) => "Omitido",
        (ResultStatus::Blocked, Locale::En) => "Blocked",
        (ResultStatus::Blocked, Locale::Es) => "Bloqueado",
        (ResultStatus::NotRun, Locale::En) => "Not run",
        (ResultStatus::NotRun, Locale::Es) => "No ejecutado",
    }
}

/// The status of a run for people.
#[must_use]
pub fn run_status(status: RunStatus, locale: Locale) -> &'static str {
    match (status, locale) {
        (RunStatus::Passed, Locale::En) => "Passed",
        (RunStatus::Passed, Locale::Es) => "Pasado",
        (RunStatus::Failed, Locale::En) => "Failed",
        (RunStatus::Failed, Locale::Es) => "Fallido",
        (RunStatus::NotExecuted, Locale::En) => "Not executed",
        (RunStatus::NotExecuted, Locale::Es) => "No ejecutado",
    }
}

macro_rules! spoken {
    ($(#[$doc:meta])* $name:ident($type:ident) { $($variant:ident: $en:literal, $es:literal;)* }) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(word: $type, locale: Locale) -> &'static str {
            match (word, locale) {
                $(($type::$variant, Locale::En) => $en, ($type::$variant, Locale::Es) => $es),*
            }
        }
    };
}

spoken!(
    /// The risk of a test case for people.
    risk(Risk) {
        High: "High", "Alto";
        Medium: "Medium", "Medio";
        Low: "Low", "Bajo";
    }
);

spoken!(
    /// Where a test case stands, for people.
    case_status(CaseStatus) {
        Draft: "Draft", "Borrador";
        Active: "Active", "Activo";
        Deprecated: "Deprecated", "Obsoleto";
    }
);

spoken!(
    /// Where a defect stands, for people.
    defect_status(DefectStatus) {
        Open: "Open", "Abierto";
        InProgress: "In progress", "En curso";
        Resolved: "Resolved", "Resuelto";
        Closed: "Closed", "Cerrado";
        Rejected: "Rejected", "Desestimado";
    }
);

spoken!(
    /// A cause of the infrastructure, for people.
    failure_cause(FailureCause) {
        Dns: "The name of a host could not be resolved (DNS)", "No se pudo resolver el nombre de un equipo (DNS)";
        ConnectionRefused: "Connection refused", "Conexión rechazada";
        ConnectionLost: "Connection lost", "Conexión perdida";
        ConnectionTimeout: "Connection timed out", "Tiempo de conexión agotado";
        Network: "Network error", "Error de red";
        Certificate: "Certificate not accepted", "Certificado no aceptado";
        Gateway: "A gateway of the environment answered with an error", "Una pasarela del entorno respondió con un error";
        BrowserMissing: "Browser not installed", "Navegador no instalado";
        BrowserClosed: "Browser closed", "Navegador cerrado";
        SessionNotCreated: "Browser session not created", "Sesión del navegador no creada";
        OutOfMemory: "Out of memory", "Memoria agotada";
        DiskFull: "Disk full", "Disco lleno";
    }
);

spoken!(
    /// How bad a defect is, for people.
    severity(DefectSeverity) {
        Critical: "Critical", "Crítica";
        High: "High", "Alta";
        Medium: "Medium", "Media";
        Low: "Low", "Baja";
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_speaks_both_languages_with_the_same_slots() {
        for phrase in Phrase::ALL {
            let (en, es) = (phrase.text(Locale::En), phrase.text(Locale::Es));
            assert!(!en.is_empty() && !es.is_empty());
            assert_eq!(en.contains("{n}"), es.contains("{n}"), "{en}");
        }
        assert_eq!(Phrase::MoreRows.with_number(Locale::Es, 3), "Hay 3 filas más que no se muestran aquí.");
    }
}
