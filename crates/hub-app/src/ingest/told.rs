//! What documents tell of the same thing: whose word counts, defects that the rows of cases name, and what becomes of
//! facts that do not count.

use std::collections::{BTreeMap, BTreeSet};

use hub_domain::{
    Entity, EntityKind, ExternalId, Position, Problem, Severity, codes, entity::EntityFacts, settings::Precedence,
};
use hub_pipeline::{normalise::PRECEDENCE_DOCUMENT, rivals};
use hub_store::{Conflict, EntityRow, ProjectRow, Rivals, WorkerTx};

use crate::AppError;

/// Gives the documents of a file the precedence that the project's settings declare.
pub fn declare(entities: &mut [Entity], file: &str, precedence: &Precedence) {
    for entity in entities.iter_mut().filter(|entity| entity.origin.precedence == PRECEDENCE_DOCUMENT) {
        let (format, table) = match entity.origin.source.split_once(':') {
            Some((format, table)) => (format, Some(table)),
            None => (entity.origin.source.as_str(), None),
        };
        if let Some(declared) = precedence.of_source(file, format, table) {
            entity.origin.precedence = declared;
        }
    }
}

/// Joins what is told of defects with what is known of them: cases whose rows name a defect stay beside what its list
/// says. A row that only names a defect that is on record adds its case and nothing else: it is taken out of `entities`,
/// and the defect comes back with its case and with the file that tells the rest of it.
pub async fn join_defects(
    tx: &WorkerTx,
    project: &ProjectRow,
    entities: &mut Vec<Entity>,
) -> Result<Vec<(Option<String>, Entity)>, AppError> {
    let ids: BTreeSet<ExternalId> = entities.iter().filter_map(|entity| defect_id(entity).cloned()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ExternalId> = ids.into_iter().collect();
    let known = tx.entities_by_ids(project.id, EntityKind::Defect, &ids).await?;
    let known = known.into_iter().filter(|row| row.deleted_at.is_none());
    let known: BTreeMap<ExternalId, EntityRow> = known.map(|row| (row.entity.external_id.clone(), row)).collect();
    let mut named: BTreeMap<ExternalId, BTreeSet<ExternalId>> = BTreeMap::new();
    let rows = known.values().map(|row| &row.entity);
    for entity in rows.chain(entities.iter()).filter(|entity| !named_by(entity).is_empty()) {
        named.entry(entity.external_id.clone()).or_default().extend(named_by(entity).iter().cloned());
    }
    let is_document = |entity: &Entity| entity.origin.precedence >= PRECEDENCE_DOCUMENT;
    let documents: BTreeSet<ExternalId> =
        entities.iter().filter(|entity| is_document(entity)).filter_map(|entity| defect_id(entity).cloned()).collect();
    // Of rows that name a defect which nothing else tells, the first one does.
    let mut first = BTreeSet::new();
    entities.retain(|entity| {
        let told = documents.contains(&entity.external_id) || known.contains_key(&entity.external_id);
        defect_id(entity).is_none() || is_document(entity) || (!told && first.insert(entity.external_id.clone()))
    });
    let join = |entity: &mut Entity| {
        if let (EntityFacts::Defect(defect), Some(named)) = (&mut entity.facts, named.get(&entity.external_id)) {
            defect.named_by = named.iter().cloned().collect();
        }
    };
    entities.iter_mut().for_each(join);
    let left = known.into_values().filter(|row| !documents.contains(&row.entity.external_id));
    Ok(left
        .map(|mut row| {
            join(&mut row.entity);
            (row.source_file, row.entity)
        })
        .collect())
}

fn defect_id(entity: &Entity) -> Option<&ExternalId> {
    matches!(entity.facts, EntityFacts::Defect(_)).then_some(&entity.external_id)
}

fn named_by(entity: &Entity) -> &[ExternalId] {
    match &entity.facts {
        EntityFacts::Defect(defect) => &defect.named_by,
        EntityFacts::Suite(_)
        | EntityFacts::TestCase(_)
        | EntityFacts::Release(_)
        | EntityFacts::Run(_)
        | EntityFacts::Report(_) => &[],
    }
}

/// What recording the conflicts of a batch found.
#[derive(Debug, Default)]
pub struct Conflicts {
    /// The numbers of those in which the file that is read does not count.
    pub own: Vec<i64>,
    /// Those that are open, as problems of the file that is read.
    pub problems: Vec<Problem>,
}

/// Records what of `file` and of other files does not count.
pub async fn record(
    tx: &WorkerTx,
    project: &ProjectRow,
    file: &str,
    shown: &str,
    rivals: Vec<Rivals>,
    found: &mut Conflicts,
) -> Result<(), AppError> {
    for rivals in rivals {
        let own = !rivals.saved;
        let Some(conflict) = conflict(file, rivals) else { continue };
        let (id, open) = tx.add_conflict(project.id, &conflict, false).await?;
        if own {
            found.own.push(id);
        }
        if open {
            found.problems.push(Problem {
                code: &codes::SOURCES_DISAGREE,
                message: conflict.message.chars().take(300).collect(),
                position: Position {
                    file: if own { shown.to_owned() } else { conflict.file.clone() },
                    line: conflict.loser.origin.line,
                    column: None,
                },
                subject: Some(conflict.loser.external_id.as_str().to_owned()),
                // What another file loses is no loss of this one.
                severity: if own { Severity::Rejected } else { Severity::Repaired },
            });
        }
    }
    Ok(())
}

/// The conflict of two sources, where there is one: of different precedence, any difference; of the same, another title. A
/// later version of the same facts is none.
fn conflict(file: &str, rivals: Rivals) -> Option<Conflict> {
    let Rivals { before, told, saved } = rivals;
    let equal = before.entity.origin.precedence == told.origin.precedence;
    if equal && !rivals::another_thing(&before.entity.facts, &told.facts) {
        return None;
    }
    let name_of = |row: &EntityRow| row.source_file.clone().unwrap_or_else(|| row.entity.origin.source.clone());
    let before_name = name_of(&before);
    let (winner, winner_name, loser, loser_file) = match saved {
        true => (told, file.to_owned(), before.entity, before_name),
        false => (before.entity, before_name, told, file.to_owned()),
    };
    let fields: Vec<String> = rivals::differences(&winner.facts, &loser.facts).into_iter().map(str::to_owned).collect();
    if fields.is_empty() {
        return None;
    }
    let name = rivals::name(loser.facts.kind(), &loser.external_id);
    let why = if equal { "which came later" } else { "which counts more" };
    let verb = if fields.len() == 1 { "differs" } else { "differ" };
    let message = format!("{name}: {} {verb} from {winner_name}, {why}", fields.join(", "));
    Some(Conflict { loser, file: loser_file, winner: winner_name, fields, message })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_word_that_tells_a_column_of_results_is_a_result() {
        for word in hub_formats::outcome_words() {
            assert!(hub_pipeline::words::result_status(word).is_some(), "{word}");
        }
    }
}
