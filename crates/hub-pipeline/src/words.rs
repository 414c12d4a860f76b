//! The words that sources use, mapped to the controlled vocabulary. A word that is not listed is never guessed: the
//! caller keeps it and reports a problem.

use hub_domain::{
    label::fold,
    vocabulary::{CaseStatus, DefectSeverity, DefectStatus, Priority, ResultStatus, Risk},
};

/// Lower case, accents folded, every run of other characters one `_`: `Bloqueado ` and `BLOQUEADO` are one word.
#[must_use]
pub fn key(word: &str) -> String {
    let mut key = String::with_capacity(word.len());
    for c in word.trim().chars().map(fold) {
        if c.is_alphanumeric() {
            key.extend(c.to_lowercase());
        } else if !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
    }
    key.trim_end_matches('_').to_owned()
}

/// The status of a result, in the words of every format that is read, and of the teams' tables.
///
/// pytest's `xfailed` was expected and counts as left out, as in its own JUnit report; `xpassed` passed, and where that is
/// a mistake (`strict`) pytest says `failed`. `rerun` is an attempt whose repetition never came. CTRF's `other` is an
/// outcome that its tool had no word for: nobody can say that it passed.
#[must_use]
pub fn result_status(word: &str) -> Option<ResultStatus> {
    Some(match key(word).as_str() {
        // NUnit's `Warning` passed with remarks, which are its steps.
        "warning" => ResultStatus::Passed,
        "passed" | "pass" | "ok" | "success" | "successful" | "pasado" | "pasada" | "aprobado" | "aprobada"
        | "correcto" | "correcta" | "xpassed" => ResultStatus::Passed,
        // TRX: it ran and nothing is said against it.
        "passedbutrunaborted" | "completed" => ResultStatus::Passed,
        "failed" | "fail" | "failure" | "fallido" | "fallida" | "fallo" | "ko" | "not_ok" => ResultStatus::Failed,
        // TestNG: one of several invocations failed, though fewer than the test allows.
        "success_percentage_failure" => ResultStatus::Failed,
        // What stands around a test failed (TestNG, CUnit), or the test itself cannot be run as it is written (NUnit, TRX).
        "configuration_failure" | "suite_failure" | "invalid" | "notrunnable" | "cancelled" => ResultStatus::Broken,
        // NUnit: it runs only where somebody asks for it by name.
        "explicit" => ResultStatus::Skipped,
        // Allure's `unknown` and Cucumber's `UNKNOWN` are tests that began and of which no answer came.
        "broken" | "error" | "errored" | "roto" | "interrupted" | "unknown" | "running" | "hook_error"
        | "cleanup_error" | "rerun" | "other" => ResultStatus::Broken,
        // TRX: what ran the test ended, not the test.
        "aborted" | "disconnected" => ResultStatus::Broken,
        "timeout" | "timedout" | "timed_out" | "tiempo_agotado" => ResultStatus::Timeout,
        "flaky" | "inestable" => ResultStatus::Flaky,
        "skipped" | "skip" | "ignored" | "disabled" | "suppressed" | "inconclusive" | "omitido" | "omitida"
        | "deshabilitado" | "saltado" | "saltada" | "xfailed" => ResultStatus::Skipped,
        // vstest writes `NotExecuted` for a test that was skipped, Allure 1 `canceled` for one whose assumption did not hold;
        // NUnit's `Cancelled`, with two l, was stopped while it ran.
        "notexecuted" | "canceled" => ResultStatus::Skipped,
        // An ambiguous step has several definitions, and Cucumber runs none of them.
        "blocked" | "bloqueado" | "bloqueada" | "ambiguous" => ResultStatus::Blocked,
        "undefined" | "untested" | "untested_pending" | "untested_undefined" | "scheduled" | "pending_warn"
        | "not_run" | "notrun" | "no_ejecutado" | "no_ejecutada" | "pendiente" | "pending" | "generado" | "todo"
        | "not_executed" | "" => ResultStatus::NotRun,
        // TRX: it was not done when the file was written.
        "inprogress" | "in_progress" => ResultStatus::NotRun,
        _ => return None,
    })
}

/// A priority, as `P0`..`P4`, in words, or in Redmine's and Jira's words.
#[must_use]
pub fn priority(word: &str) -> Option<Priority> {
    Some(match key(word).as_str() {
        "p0" | "critica" | "critico" | "critical" | "highest" | "blocker" | "inmediata" | "urgente" => Priority::P0,
        "p1" | "alta" | "alto" | "high" | "major" => Priority::P1,
        "p2" | "media" | "medio" | "medium" | "normal" => Priority::P2,
        "p3" | "baja" | "bajo" | "low" | "minor" => Priority::P3,
        "p4" | "minima" | "lowest" | "trivial" => Priority::P4,
        _ => return None,
    })
}

/// A risk.
#[must_use]
pub fn risk(word: &str) -> Option<Risk> {
    Some(match key(word).as_str() {
        "alto" | "alta" | "high" | "critical" | "critico" => Risk::High,
        "medio" | "media" | "medium" => Risk::Medium,
        "bajo" | "baja" | "low" => Risk::Low,
        _ => return None,
    })
}

/// The severity of a defect.
#[must_use]
pub fn severity(word: &str) -> Option<DefectSeverity> {
    Some(match key(word).as_str() {
        "critica" | "critico" | "critical" | "blocker" | "bloqueante" | "s0" | "s1" => DefectSeverity::Critical,
        "alta" | "alto" | "high" | "major" | "mayor" | "s2" => DefectSeverity::High,
        "media" | "medio" | "medium" | "normal" | "moderate" | "s3" => DefectSeverity::Medium,
        "baja" | "bajo" | "low" | "minor" | "menor" | "trivial" | "s4" => DefectSeverity::Low,
        _ => return None,
    })
}

/// The status of a defect.
#[must_use]
pub fn defect_status(word: &str) -> Option<DefectStatus> {
    Some(match key(word).as_str() {
        "open" | "nueva" | "nuevo" | "new" | "abierta" | "abierto" | "pendiente" | "pending" | "reabierta"
        | "reabierto" | "reopened" | "bloqueada" | "bloqueado" => DefectStatus::Open,
        "in_progress" | "en_curso" | "en_progreso" | "in_curso" | "en_desarrollo" | "en_revision" => {
            DefectStatus::InProgress
        }
        "resolved" | "resuelta" | "resuelto" | "fixed" | "corregido" | "corregida" => DefectStatus::Resolved,
        "closed" | "cerrada" | "cerrado" | "done" => DefectStatus::Closed,
        "rejected" | "wont_fix" | "won_t_fix" | "duplicate" | "desestimada" | "desestimado" | "rechazada"
        | "rechazado" | "duplicada" | "duplicado" => DefectStatus::Rejected,
        _ => return None,
    })
}

/// Where a test case stands, in the words of the teams' tables.
#[must_use]
pub fn case_status(word: &str) -> Option<CaseStatus> {
    Some(match key(word).as_str() {
        "generado" | "generada" | "draft" | "borrador" | "pendiente" | "pending" | "en_desarrollo" => CaseStatus::Draft,
        "active" | "activo" | "activa" | "ready" | "implementado" | "implementada" | "en_ejecucion" | "pasado"
        | "fallido" | "bloqueado" | "approved" | "automated" | "pass" | "passed" | "ok" | "fail" | "failed" | "ko"
        | "blocked" | "skipped" | "flaky" | "pasada" | "fallida" | "bloqueada" => CaseStatus::Active,
        "deprecated" | "deprecado" | "deprecada" | "archived" | "obsoleto" | "obsoleta" => CaseStatus::Deprecated,
        _ => return None,
    })
}

/// The canonical environment. Any word is one: a team may have environments of its own; known aliases are united.
#[must_use]
pub fn environment(word: &str) -> Option<String> {
    let key = key(word);
    Some(match key.as_str() {
        "" => return None,
        "production" | "prod" | "produccion" | "live" | "mcprod" => "production".to_owned(),
        "staging" | "stage" | "stg" | "preproduccion" | "preprod" | "pre" | "staging_api" => "staging".to_owned(),
        "qa" | "test" | "testing" | "pruebas" => "qa".to_owned(),
        "development" | "dev" | "desarrollo" | "local" => "development".to_owned(),
        _ => key.replace('_', "-"),
    })
}

/// The browser that a word for a device, browser project or engine names (`Desktop Chrome`, `chromium`, `webkit`).
#[must_use]
pub fn browser(word: &str) -> Option<&'static str> {
    let key = key(word);
    let has = |words: &[&str]| words.iter().any(|w| key.split('_').any(|part| part.starts_with(w)));
    if has(&["edge", "msedge", "microsoftedge"]) {
        Some("edge")
    } else if has(&["firefox", "gecko"]) {
        Some("firefox")
    } else if has(&["chrome", "chromium", "googlechrome", "headlesschrome"]) {
        Some("chrome")
    } else if has(&["safari", "webkit"]) {
        Some("safari")
    } else if has(&["opera"]) {
        Some("opera")
    } else {
        None
    }
}

/// The platform of a device or browser project (`iPhone 14`, `Pixel 7`, `Desktop Chrome`).
#[must_use]
pub fn platform(device: &str) -> Option<&'static str> {
    let key = key(device);
    let has = |words: &[&str]| words.iter().any(|w| key.split('_').any(|part| part == *w));
    if has(&["ios", "iphone", "ipad", "ipados"]) || key.starts_with("iphone") || key.starts_with("ipad") {
        Some("ios")
    } else if has(&["android", "pixel", "galaxy", "nexus"]) {
        Some("android")
    } else if has(&[
        "desktop",
        "dsk",
        "chrome",
        "chromium",
        "firefox",
        "safari",
        "webkit",
        "edge",
        "msedge",
        "web",
        "escritorio",
        "windows",
        "win32",
        "linux",
        "macos",
        "darwin",
        "mac",
        "ubuntu",
    ]) {
        Some("desktop")
    } else if has(&["api"]) {
        Some("api")
    } else if has(&["mobile", "mob", "movil"]) {
        Some("mobile")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spanish_and_english_words_of_every_source_meet() {
        for (word, status) in [
            ("PASS", ResultStatus::Passed),
            ("Pasado", ResultStatus::Passed),
            ("FAIL", ResultStatus::Failed),
            ("failure", ResultStatus::Failed),
            ("error", ResultStatus::Broken),
            ("timedOut", ResultStatus::Timeout),
            ("BLOQUEADO", ResultStatus::Blocked),
            ("NO_EJECUTADO", ResultStatus::NotRun),
            (" no ejecutado ", ResultStatus::NotRun),
            ("disabled", ResultStatus::Skipped),
            ("Passed", ResultStatus::Passed),
            ("UNDEFINED", ResultStatus::NotRun),
            ("untested", ResultStatus::NotRun),
            ("pending", ResultStatus::NotRun),
            ("scheduled", ResultStatus::NotRun),
            ("AMBIGUOUS", ResultStatus::Blocked),
            ("interrupted", ResultStatus::Broken),
            ("unknown", ResultStatus::Broken),
            ("hook_error", ResultStatus::Broken),
            ("running", ResultStatus::Broken),
            ("xfailed", ResultStatus::Skipped),
            ("xpassed", ResultStatus::Passed),
            ("rerun", ResultStatus::Broken),
            ("other", ResultStatus::Broken),
            ("todo", ResultStatus::NotRun),
            ("success", ResultStatus::Passed),
            ("ok", ResultStatus::Passed),
            ("not ok", ResultStatus::Failed),
        ] {
            assert_eq!(result_status(word), Some(status), "{word}");
        }
        assert_eq!(result_status("maybe"), None);
        assert_eq!(priority("CRÍTICA"), Some(Priority::P0));
        assert_eq!(priority("Normal"), Some(Priority::P2));
        assert_eq!(risk("Bajo"), Some(Risk::Low));
        assert_eq!(severity("Menor"), Some(DefectSeverity::Low));
        assert_eq!(defect_status("En curso"), Some(DefectStatus::InProgress));
        assert_eq!(defect_status("Reabierta"), Some(DefectStatus::Open));
        assert_eq!(case_status("Generado"), Some(CaseStatus::Draft));
    }

    #[test]
    fn every_word_of_the_first_team_is_known_with_and_without_its_accents() {
        for word in
            ["P0", "p4", "CRÍTICA", "ALTA", "MEDIA", "BAJA", "Critical", "High", "Medium", "Low", "Normal", "Critica"]
        {
            assert!(priority(word).is_some(), "{word}");
        }
        for word in ["Alto", "Medio", "Bajo", "high", "medium", "low"] {
            assert!(risk(word).is_some(), "{word}");
        }
        for word in [
            "Generado",
            "Pendiente",
            "En_Desarrollo",
            "Implementado",
            "En_Ejecucion",
            "Pasado",
            "Fallido",
            "Bloqueado",
            "Deprecado",
            "En Ejecución",
            "PASSED",
            "FAILED",
            "Blocked",
        ] {
            assert!(case_status(word).is_some(), "{word}");
        }
        for word in [
            "Nueva",
            "En curso",
            "Resuelta",
            "Cerrada",
            "Reabierta",
            "Bloqueada",
            "Pendiente",
            "Desestimada",
            "Open",
            "Pending",
            "in_progress",
            "resolved",
            "closed",
            "wont_fix",
            "duplicate",
        ] {
            assert!(defect_status(word).is_some(), "{word}");
        }
        for word in ["HIGH", "MEDIUM", "LOW", "CRITICAL", "Crítica", "Media"] {
            assert!(severity(word).is_some(), "{word}");
        }
        for word in ["PENDIENTE", "Pendiente", "PENDING", "Generado", "NO_EJECUTADO", "Bloqueado", "BLOCKED", "Pasado"]
        {
            assert!(result_status(word).is_some(), "{word}");
        }
        for (device, expect) in [("DSK", "desktop"), ("MOB", "mobile"), ("iOS", "ios"), ("Android", "android")] {
            assert_eq!(platform(device), Some(expect), "{device}");
        }
    }

    #[test]
    fn every_outcome_of_dotnet_robot_and_allure_1_is_known() {
        use ResultStatus::{Broken, Failed, NotRun, Passed, Skipped, Timeout};
        for (format, words) in [
            (
                "xunitnet",
                &[("Pass", Passed), ("Fail", Failed), ("Skip", Skipped), ("NotRun", NotRun), ("error", Broken)][..],
            ),
            (
                "trx",
                &[
                    ("Error", Broken),
                    ("Failed", Failed),
                    ("Timeout", Timeout),
                    ("Aborted", Broken),
                    ("Inconclusive", Skipped),
                    ("PassedButRunAborted", Passed),
                    ("NotRunnable", Broken),
                    ("NotExecuted", Skipped),
                    ("Disconnected", Broken),
                    ("Warning", Passed),
                    ("Passed", Passed),
                    ("Completed", Passed),
                    ("InProgress", NotRun),
                    ("Pending", NotRun),
                ],
            ),
            (
                "robot",
                &[("PASS", Passed), ("FAIL", Failed), ("SKIP", Skipped), ("NOT RUN", NotRun), ("NOT_RUN", NotRun)],
            ),
            (
                "allure1",
                &[
                    ("passed", Passed),
                    ("failed", Failed),
                    ("broken", Broken),
                    ("canceled", Skipped),
                    ("skipped", Skipped),
                    ("pending", NotRun),
                ],
            ),
        ] {
            for (word, status) in words {
                assert_eq!(result_status(word), Some(*status), "{format} {word}");
            }
        }
    }

    #[test]
    fn every_word_of_testng_nunit_and_cunit_has_its_status() {
        for (words, status) in [
            (&["PASS", "Success", "Passed", "success", "Warning"][..], ResultStatus::Passed),
            (&["FAIL", "Failure", "Failed", "failure", "SUCCESS_PERCENTAGE_FAILURE"], ResultStatus::Failed),
            (&["Error", "Invalid", "NotRunnable", "Cancelled"], ResultStatus::Broken),
            (&["Configuration Failure", "suite failure"], ResultStatus::Broken),
            (&["SKIP", "Skipped", "skipped", "Ignored", "Explicit", "Inconclusive"], ResultStatus::Skipped),
            (&["not-run"], ResultStatus::NotRun),
        ] {
            for word in words {
                assert_eq!(result_status(word), Some(status), "{word}");
            }
        }
    }

    #[test]
    fn environments_and_devices_are_united_but_never_invented() {
        assert_eq!(environment("mcprod").as_deref(), Some("production"));
        assert_eq!(environment("Staging API").as_deref(), Some("staging"));
        assert_eq!(environment("Cliente Norte").as_deref(), Some("cliente-norte"));
        assert_eq!(environment("  "), None);
        assert_eq!(platform("iPhone 14"), Some("ios"));
        assert_eq!(platform("Pixel 7"), Some("android"));
        assert_eq!(platform("Desktop Safari"), Some("desktop"));
        for (word, united) in
            [("DSK", Some("desktop")), ("MOB", Some("mobile")), ("UNK", None), ("chromium", Some("desktop"))]
        {
            assert_eq!(platform(word), united, "{word}");
        }
        for (word, united) in [
            ("Desktop Chrome", Some("chrome")),
            ("chromium", Some("chrome")),
            ("webkit", Some("safari")),
            ("Desktop Safari", Some("safari")),
            ("Desktop Firefox", Some("firefox")),
            ("MicrosoftEdge", Some("edge")),
            ("iPhone 14", None),
            ("Pixel 7", None),
        ] {
            assert_eq!(browser(word), united, "{word}");
        }
        assert_eq!(platform("build-agent-7"), None);
    }
}
