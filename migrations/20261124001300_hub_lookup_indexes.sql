-- Where a table has no statistics yet, as in a first import, the planner takes every comparison of a column for equally
-- selective, and these two indexes looked as good for finding a row by its key as the primary key. Each lookup then read
-- all rows of the kind or tenant, and time grew with the square of the import.

-- Read by no statement: external_id stands behind updated_at in it.
drop index hub.entities_changed;

-- Within a partition there is one month only, so the month told nothing apart.
drop index hub.results_tenant;
create index results_tenant on hub.results (tenant_id, report_id);
comment on index hub.results_tenant is 'For the policies, which ask for the tenant alone, and for the rows of one report of a run with many.';
