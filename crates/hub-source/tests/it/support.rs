//! A team's database: tables in the shapes that teams have, written for these tests.

use std::time::Duration;

use hub_domain::settings::{Preset, SourceSettings};
use hub_source::{Config, Session, SourceError};
use hub_testkit::TestDatabase;
use tokio_postgres::{Client, NoTls};

/// The tables with tenants, as a team's own migrations make them. Triggers write the time of change.
pub const V2: &str = "
create table tenants (id uuid primary key default gen_random_uuid(), slug text unique not null, name text not null);
create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants,
  name text not null, slug text not null, status text default 'active', created_at timestamptz default now(),
  updated_at timestamptz default now(), unique (tenant_id, slug));
create table test_suites (id uuid primary key default gen_random_uuid(), project_id uuid not null references projects,
  name text not null, suite_type text, priority text, tags text[] default '{}', is_active boolean default true,
  created_at timestamptz default now(), updated_at timestamptz default now());
create table test_cases (id uuid primary key default gen_random_uuid(), test_suite_id uuid references test_suites on delete cascade,
  test_id text unique not null, name text not null, test_type text, component text, module text,
  requirement_ids text[] default '{}', preconditions text, test_steps jsonb, expected_result text, priority text,
  risk_level text, is_automated boolean default false, automation_framework text, status text default 'active',
  tags text[] default '{}', created_at timestamptz default now(), updated_at timestamptz default now());
create table test_executions (id uuid primary key default gen_random_uuid(), project_id uuid not null references projects,
  test_suite_id uuid references test_suites, execution_type text, environment text, browser text, platform text,
  status text not null default 'pending', started_at timestamptz, completed_at timestamptz, total_tests int,
  created_at timestamptz default now(), updated_at timestamptz default now());
create table test_results (id uuid primary key default gen_random_uuid(),
  test_execution_id uuid not null references test_executions on delete cascade,
  test_case_id uuid references test_cases on delete set null, test_name text not null, test_file text, test_id_ref text,
  status text not null, error_message text, error_stack text, duration_ms int, retries int default 0, browser text,
  platform text, screenshot_url text, video_url text, trace_url text, logs text, started_at timestamptz,
  metadata jsonb default '{}', created_at timestamptz default now());
create function touch() returns trigger language plpgsql as $$ begin new.updated_at = current_timestamp; return new; end $$;
create trigger touch before update on test_suites for each row execute function touch();
create trigger touch before update on test_cases for each row execute function touch();
create trigger touch before update on test_executions for each row execute function touch();
create index on test_cases (updated_at, id);
insert into tenants (slug, name) values ('acme', 'Acme');
insert into projects (tenant_id, name, slug) select id, 'Shop', 'shop' from tenants;
insert into test_suites (project_id, name, suite_type) select id, 'Checkout', 'e2e' from projects;
";

/// The tables without tenants: executions have no time of change, and no suite.
pub const V1: &str = "
create table projects (id uuid primary key default gen_random_uuid(), owner_id uuid, name text, slug text unique, status text);
create table test_suites (id uuid primary key default gen_random_uuid(), project_id uuid references projects, name text,
  metadata jsonb, created_at timestamptz default now(), updated_at timestamptz default now());
create table test_cases (id uuid primary key default gen_random_uuid(), test_suite_id uuid references test_suites,
  test_id text unique not null, name text not null, priority text, test_type text, automation_framework text,
  test_steps text, metadata jsonb, created_at timestamptz default now(), updated_at timestamptz default now());
create table test_executions (id uuid primary key default gen_random_uuid(), project_id uuid references projects,
  environment text, status text, started_at timestamptz, completed_at timestamptz, metadata jsonb);
create table test_results (id uuid primary key default gen_random_uuid(), test_execution_id uuid references test_executions,
  test_case_id uuid references test_cases, test_name text, status text, duration_ms int, created_at timestamptz default now());
insert into projects (name, slug) values ('Shop', 'shop');
insert into test_suites (project_id, name) select id, 'Checkout' from projects;
";

/// A team's database.
pub struct Team {
    pub database: TestDatabase,
    pub client: Client,
}

impl Team {
    pub async fn with(tables: &str) -> Self {
        let database = TestDatabase::empty().await;
        let client = database.client().await;
        client.batch_execute(tables).await.unwrap();
        Self { database, client }
    }

    pub async fn sql(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {:?}", error.as_db_error()));
    }

    pub async fn open(&self, settings: SourceSettings) -> Result<Session, SourceError> {
        self.open_as(settings, &self.database.address()).await
    }

    pub async fn open_as(&self, settings: SourceSettings, address: &str) -> Result<Session, SourceError> {
        Session::open(connect(address).await, Config::new(&settings)).await
    }
}

pub async fn connect(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub fn settings(preset: Option<Preset>) -> SourceSettings {
    SourceSettings {
        name: "ours".into(),
        connection: "env://UNUSED".into(),
        preset,
        project: preset.map(|_| "shop".to_owned()),
        margin_ms: 0,
        ..SourceSettings::default()
    }
}

/// Waits for a condition of the database, at most ten seconds.
pub async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within ten seconds");
}
