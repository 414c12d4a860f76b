// The npm package `jira.js`, unmodified, against a Jira Cloud site: REST v3 with documents, and v2 where it sends strings.
// It validates every answer against its own schema of the Cloud API; here a mismatch is an error.
//
// usage: jira_js.mjs BASE_URL EMAIL TOKEN [PROJECT], with CONTRACT_DIR saying where the package is installed

import assert from 'node:assert/strict';

import { check, finish, installed, parameters, refused } from './checks.mjs';

const { base, email, token, project, run } = parameters();
const { createCloudClient, isApiError, isAuthError, isNotFoundError } = await installed('jira.js');

const connect = apiToken =>
  createCloudClient({ host: base, auth: { type: 'basic', email, apiToken }, onSchemaMismatch: 'throw' });
const jira = connect(token);
const bulk = `${run}-bulk`;

const paragraph = text => ({ type: 'paragraph', content: [{ type: 'text', text }] });
const document = (...texts) => ({ type: 'doc', version: 1, content: texts.map(paragraph) });
const fields = (summary, more = {}) => ({
  project: { key: project },
  issuetype: { name: 'Task' },
  summary,
  ...more,
});
const count = async jql => (await jira.issueSearch.countIssues({ jql })).count;
const read = (issueIdOrKey, ...names) => jira.issues.getIssue({ issueIdOrKey, fields: names });

let first;
let second;
let made;

await check('the site and the account behind the token', async () => {
  const site = await jira.serverInfo.getServerInfo();
  assert.equal(site.deploymentType, 'Cloud');
  assert.equal(site.baseUrl, base);
  const me = await jira.myself.getCurrentUser();
  assert.equal(me.emailAddress, email);
  assert.ok(me.accountId && me.active);
});

await check('a project by key and by id', async () => {
  const found = await jira.projects.getProject({ projectIdOrKey: project });
  assert.equal(found.key, project);
  assert.match(found.id, /^\d+$/);
  assert.ok(found.self.startsWith(`${base}/rest/api/3/project/`), found.self);
  assert.equal((await jira.projects.getProject({ projectIdOrKey: found.id })).key, project);
});

await check('a project that does not exist', async () => {
  const error = await refused(isNotFoundError, 404, () => jira.projects.getProject({ projectIdOrKey: 'NOPE' }));
  assert.match(error.body.errorMessages[0], /NOPE/);
});

await check('what can be created: issue types and the fields of their screens', async () => {
  const { issueTypes, total } = await jira.issues.getCreateIssueMetaIssueTypes({ projectIdOrKey: project });
  assert.equal(issueTypes.length, total);
  const task = issueTypes.find(type => type.name === 'Task');
  assert.ok(task && issueTypes.some(type => type.name === 'Bug'));
  const screen = await jira.issues.getCreateIssueMetaIssueTypeId({ projectIdOrKey: project, issueTypeId: task.id });
  const required = screen.fields.filter(field => field.required).map(field => field.fieldId);
  assert.ok(['summary', 'issuetype', 'project'].every(id => required.includes(id)), required.join());
  assert.ok(screen.fields.some(field => field.fieldId === 'labels' && !field.required));
  await refused(isApiError, 400, () =>
    jira.issues.getCreateIssueMetaIssueTypes({ projectIdOrKey: project, maxResults: 201 }),
  );
});

await check('an issue with a document and properties comes back as it was sent', async () => {
  const created = await jira.issues.createIssue({
    fields: fields(`First of ${run} ñ ✓`, {
      description: document('First paragraph.', 'Second paragraph.'),
      labels: [run, 'type:smoke'],
    }),
    properties: [{ key: 'qa.run', value: { id: run, deep: { n: 1 } } }],
  });
  first = await jira.issues.getIssue({ issueIdOrKey: created.key, properties: ['qa.run'] });
  assert.equal(first.id, created.id);
  assert.equal(first.self, created.self);
  assert.equal(first.fields.summary, `First of ${run} ñ ✓`);
  assert.deepEqual(first.fields.description, document('First paragraph.', 'Second paragraph.'));
  assert.deepEqual([...first.fields.labels].sort(), [run, 'type:smoke'].sort());
  assert.deepEqual(first.properties, { 'qa.run': { id: run, deep: { n: 1 } } });
});

await check('a description in plain text goes through v2 and reads as a document', async () => {
  const created = await jira.issues.createIssue({
    fields: fields(`Second of ${run}`, { issuetype: { name: 'Bug' }, description: 'One line.' }),
  });
  second = await jira.issues.getIssue({ issueIdOrKey: created.key });
  assert.equal(second.fields.issuetype.name, 'Bug');
  assert.equal(second.fields.description.type, 'doc');
  assert.equal(second.fields.description.content[0].content[0].text, 'One line.');
});

await check('an issue without a summary and a label with a space are refused, and the field is named', async () => {
  const empty = await refused(isApiError, 400, () => jira.issues.createIssue({ fields: fields('') }));
  assert.ok('summary' in empty.body.errors, JSON.stringify(empty.body));
  const label = await refused(isApiError, 400, () =>
    jira.issues.createIssue({ fields: fields('label', { labels: ['two words'] }) }),
  );
  assert.ok('labels' in label.body.errors, JSON.stringify(label.body));
});

await check('a document that breaks the schema is refused', async () => {
  const broken = { type: 'doc', version: 1, content: [{ type: 'text', text: 'bare text' }] };
  await refused(isApiError, 400, () => jira.issues.createIssue({ fields: fields('broken', { description: broken }) }));
});

await check('60 issues in two bulk calls, in order', async () => {
  made = [];
  for (const [from, to] of [[0, 50], [50, 60]]) {
    const issueUpdates = [];
    for (let n = from; n < to; n += 1) {
      issueUpdates.push({
        fields: fields(`Bulk ${String(n).padStart(2, '0')} of ${run}`, { labels: [bulk] }),
        properties: [{ key: 'qa.run', value: { n } }],
      });
    }
    const { issues, errors } = await jira.issues.createIssues({ issueUpdates });
    assert.deepEqual(errors, []);
    made.push(...issues);
  }
  assert.equal(new Set(made.map(issue => issue.key)).size, 60);
  const ids = made.map(issue => issue.id);
  const fetched = await jira.issues.bulkFetchIssues({
    issueIdsOrKeys: ids,
    fields: ['summary'],
    properties: ['qa.run'],
  });
  const byId = new Map(fetched.issues.map(issue => [issue.id, issue]));
  ids.forEach((id, n) => {
    assert.equal(byId.get(id).fields.summary, `Bulk ${String(n).padStart(2, '0')} of ${run}`);
    assert.deepEqual(byId.get(id).properties['qa.run'], { n });
  });
});

await check('a bulk call with one bad element creates the others and says which failed', async () => {
  const { issues, errors } = await jira.issues.createIssues({
    issueUpdates: [{ fields: fields(`Good ${run}`) }, { fields: fields('') }, { fields: fields(`Also ${run}`) }],
  });
  assert.equal(issues.length, 2);
  assert.equal((await read(issues[1].key, 'summary')).fields.summary, `Also ${run}`);
  assert.deepEqual(errors.map(error => error.failedElementNumber), [1]);
  assert.ok('summary' in errors[0].elementErrors.errors);
});

await check('a bulk call with only bad elements and one with 51 are refused, and nothing is made', async () => {
  const labels = [`${run}-never`];
  const bad = await refused(isApiError, 400, () =>
    jira.issues.createIssues({ issueUpdates: [{ fields: fields('', { labels }) }] }),
  );
  assert.deepEqual(bad.body.issues, []);
  assert.equal(bad.body.errors[0].failedElementNumber, 0);
  const issueUpdates = Array.from({ length: 51 }, () => ({ fields: fields('too many', { labels }) }));
  await refused(isApiError, 400, () => jira.issues.createIssues({ issueUpdates }));
  assert.equal(await count(`project = ${project} AND labels = "${run}-never"`), 0);
});

await check('an issue by id with chosen fields, and one that does not exist', async () => {
  const short = await read(first.id, 'summary', 'labels');
  assert.equal(short.key, first.key);
  assert.deepEqual(Object.keys(short.fields).sort(), ['labels', 'summary']);
  await refused(isNotFoundError, 404, () => read(`${project}-999999`, 'summary'));
});

await check('a search over three pages by POST, each issue once and in order', async () => {
  const jql = `project = ${project} AND labels = "${bulk}" ORDER BY created ASC, key ASC`;
  const pages = [];
  let nextPageToken;
  do {
    const page = await jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({
      jql,
      fields: ['summary'],
      maxResults: 25,
      nextPageToken,
    });
    pages.push(page.issues.map(issue => issue.fields.summary));
    nextPageToken = page.nextPageToken;
    assert.equal(page.isLast, nextPageToken === undefined);
    assert.ok(pages.length < 10, 'the pages never end');
  } while (nextPageToken);
  assert.deepEqual(pages.map(page => page.length), [25, 25, 10]);
  assert.deepEqual(
    pages.flat(),
    made.map((_, n) => `Bulk ${String(n).padStart(2, '0')} of ${run}`),
  );
});

await check('a search by GET over two pages, and one with no fields named, which gives ids only', async () => {
  const jql = `project = "${project}" AND labels = ${bulk} ORDER BY key DESC`;
  const one = await jira.issueSearch.searchAndReconsileIssuesUsingJql({
    jql,
    fields: ['summary', 'labels'],
    maxResults: 40,
  });
  const two = await jira.issueSearch.searchAndReconsileIssuesUsingJql({
    jql,
    fields: ['summary', 'labels'],
    maxResults: 40,
    nextPageToken: one.nextPageToken,
  });
  assert.deepEqual([one.issues.length, two.issues.length], [40, 20]);
  assert.equal(one.issues[0].key, made[59].key);
  assert.deepEqual(two.issues[19].fields, { summary: `Bulk 00 of ${run}`, labels: [bulk] });
  const bare = await jira.issueSearch.searchAndReconsileIssuesUsingJql({ jql, maxResults: 3 });
  assert.deepEqual(Object.keys(bare.issues[0]), ['id']);
});

await check('a count, and a search that is not bounded', async () => {
  assert.equal(await count(`project = ${project} AND labels = "${bulk}"`), 60);
  await refused(isApiError, 400, () =>
    jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: 'ORDER BY created DESC' }),
  );
});

await check('an update of fields and properties, of labels one by one, and one that is refused', async () => {
  await jira.issues.editIssue({
    issueIdOrKey: first.key,
    fields: { summary: `Changed ${run}`, description: document('Only one line now.') },
    properties: [{ key: 'qa.run', value: { id: run, edited: true } }],
  });
  await jira.issues.editIssue({
    issueIdOrKey: first.key,
    update: { labels: [{ add: 'env:qa' }, { remove: 'type:smoke' }] },
  });
  await refused(isApiError, 400, () =>
    jira.issues.editIssue({ issueIdOrKey: first.key, fields: { summary: 'x'.repeat(256) } }),
  );
  const now = await jira.issues.getIssue({ issueIdOrKey: first.key, properties: ['qa.run'] });
  assert.equal(now.fields.summary, `Changed ${run}`);
  assert.deepEqual(now.fields.description, document('Only one line now.'));
  assert.deepEqual([...now.fields.labels].sort(), [run, 'env:qa'].sort());
  assert.deepEqual(now.properties['qa.run'], { id: run, edited: true });
});

await check('a link, seen from both issues, is made once however often it is sent', async () => {
  const { issueLinkTypes } = await jira.issueLinkTypes.getIssueLinkTypes();
  assert.ok(issueLinkTypes.some(type => type.name === 'Blocks' && type.outward === 'blocks'));
  for (let n = 0; n < 2; n += 1) {
    await jira.issueLinks.linkIssues({
      type: { name: 'Blocks' },
      inwardIssue: { key: first.key },
      outwardIssue: { key: second.key },
    });
  }
  const ours = (await read(first.key, 'issuelinks')).fields.issuelinks;
  const theirs = (await read(second.key, 'issuelinks')).fields.issuelinks;
  assert.deepEqual(ours.map(link => [link.type.name, link.outwardIssue.key]), [['Blocks', second.key]]);
  assert.deepEqual(theirs.map(link => link.inwardIssue.key), [first.key]);
  const link = await jira.issueLinks.getIssueLink({ linkId: ours[0].id });
  assert.deepEqual([link.inwardIssue.key, link.outwardIssue.key], [first.key, second.key]);
  await refused(isNotFoundError, 404, () =>
    jira.issueLinks.linkIssues({
      type: { name: 'No such type' },
      inwardIssue: { key: first.key },
      outwardIssue: { key: second.key },
    }),
  );
});

await check('comments: a document with a property, a plain text, a change', async () => {
  const one = await jira.issueComments.addComment({
    issueIdOrKey: first.key,
    body: document(`Seen in ${run}`),
    properties: [{ key: 'qa.marker', value: { run } }],
  });
  assert.deepEqual(one.body, document(`Seen in ${run}`));
  const two = await jira.issueComments.addComment({ issueIdOrKey: first.key, body: 'In plain text' });
  assert.equal(two.body.content[0].content[0].text, 'In plain text');
  await jira.issueComments.updateComment({
    issueIdOrKey: first.key,
    id: one.id,
    body: { body: document('Changed') },
  });
  const page = await jira.issueComments.getComments({ issueIdOrKey: first.key, orderBy: 'created' });
  assert.equal(page.total, 2);
  assert.deepEqual(page.comments.map(comment => comment.id), [one.id, two.id]);
  assert.deepEqual(page.comments[0].body, document('Changed'));
});

await check('properties: set, list, read, delete', async () => {
  const issueIdOrKey = second.key;
  await jira.issueProperties.setIssueProperty({ issueIdOrKey, propertyKey: 'qa.one', body: { n: 1 } });
  await jira.issueProperties.setIssueProperty({ issueIdOrKey, propertyKey: 'qa.two', body: { n: 2 } });
  const { keys } = await jira.issueProperties.getIssuePropertyKeys({ issueIdOrKey });
  assert.deepEqual(keys.map(entry => entry.key).sort(), ['qa.one', 'qa.two']);
  const one = await jira.issueProperties.getIssueProperty({ issueIdOrKey, propertyKey: 'qa.one' });
  assert.deepEqual({ ...one }, { key: 'qa.one', value: { n: 1 } });
  await jira.issueProperties.deleteIssueProperty({ issueIdOrKey, propertyKey: 'qa.one' });
  await refused(isNotFoundError, 404, () =>
    jira.issueProperties.getIssueProperty({ issueIdOrKey, propertyKey: 'qa.one' }),
  );
});

await check('a web link by global id is made once and then replaced', async () => {
  const send = (title, url) =>
    jira.issueRemoteLinks.createOrUpdateRemoteIssueLink({
      issueIdOrKey: first.key,
      globalId: `qa=${run}`,
      object: { title, url },
    });
  const one = await send('One', 'https://example.com/1');
  const two = await send('Two', 'https://example.com/2');
  assert.equal(one.id, two.id);
  const links = await jira.issueRemoteLinks.getRemoteIssueLinks({ issueIdOrKey: first.key });
  const list = Array.isArray(links) ? links : [links];
  assert.deepEqual(list.map(link => [link.globalId, link.object.title]), [[`qa=${run}`, 'Two']]);
});

await check('a wrong token is nobody: no account, and nothing is created', async () => {
  const stranger = connect('wrong');
  await refused(isAuthError, 401, () => stranger.myself.getCurrentUser());
  await refused(isAuthError, 401, () =>
    stranger.issues.createIssue({ fields: fields('by a stranger', { labels: [`${run}-stranger`] }) }),
  );
  await refused(isNotFoundError, 404, () => stranger.issues.getIssue({ issueIdOrKey: first.key }));
  const seen = await stranger.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: `project = ${project}` });
  assert.deepEqual(seen.issues, []);
  assert.equal(await count(`project = ${project} AND labels = "${run}-stranger"`), 0);
});

finish();
