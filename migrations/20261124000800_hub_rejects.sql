-- Rejects that a person works through: who resolved one, and, where two sources tell different things of the same entity,
-- the facts of the one that does not count, so that a person can let them count after all.

-- The file that an entity's facts stand in, where they stand in one: two files of one format are two sources.
alter table hub.entities add column source_file text;

alter table hub.import_rejects
  add column resolved_by text check (resolved_by in ('hub', 'person')),
  add column entity_type text,
  add column external_id text,
  add column source text,
  add column other_source text,
  add column fields text[],
  add column facts jsonb check (facts is null or jsonb_typeof(facts) = 'object'),
  add column facts_hash bytea check (octet_length(facts_hash) = 32),
  add constraint import_rejects_facts check (
    facts is null or (entity_type is not null and external_id is not null and source is not null and facts_hash is not null));

create index import_rejects_open on hub.import_rejects (project_id, code) where resolved_at is null;
create index import_rejects_entity on hub.import_rejects (project_id, entity_type, external_id) where facts is not null;
