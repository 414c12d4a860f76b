// The npm package `confluence.js`, unmodified, against a Confluence Cloud site: REST v2, and v1 for labels. It validates
// every answer against its own schema of the Cloud API; here a mismatch is an error.
//
// usage: confluence_js.mjs BASE_URL EMAIL TOKEN [PROJECT] [SPACE], with CONTRACT_DIR saying where the package is installed

import assert from 'node:assert/strict';

import { check, finish, installed, parameters, refused } from './checks.mjs';

const { base, email, token, space: spaceKey, run } = parameters();
const { createV1Client, createV2Client, isApiError, isAuthError, isNotFoundError } =
  await installed('confluence.js');

const settings = apiToken => ({
  host: base,
  auth: { type: 'basic', email, apiToken },
  onSchemaMismatch: 'throw',
});
const v1 = createV1Client(settings(token));
const v2 = createV2Client(settings(token));

const storage = value => ({ representation: 'storage', value });
const title = `Parent ${run} ñ ✓`;

/** All results of a paged list, and how many pages they took; the cursor is the only thing taken from the next link. */
async function walk(list) {
  const results = [];
  let pages = 0;
  let cursor;
  do {
    const page = await list(cursor);
    results.push(...page.results);
    pages += 1;
    assert.ok(pages < 100, 'the pages never end');
    const next = page._links?.next;
    cursor = next && new URL(next, base).searchParams.get('cursor');
    assert.ok(!next || cursor, `a next link without a cursor: ${next}`);
  } while (cursor);
  return { results, pages };
}

const createPage = (name, value, more = {}) =>
  v2.page.createPage({
    body: { spaceId: space.id, status: 'current', title: name, body: storage(value), ...more },
  });
const update = (id, number, value, name = title) =>
  v2.page.updatePage({
    id,
    body: { id, status: 'current', title: name, body: storage(value), version: { number, message: `v${number}` } },
  });
const labelNames = async (id, limit) =>
  (await walk(cursor => v2.label.getPageLabels({ id, limit, cursor }))).results.map(label => label.name).sort();

let space;
let page;
const children = [];

await check('a space by key and by id', async () => {
  const { results } = await v2.space.getSpaces({ keys: [spaceKey] });
  assert.equal(results.length, 1);
  [space] = results;
  assert.equal(space.key, spaceKey);
  assert.match(space.id, /^\d+$/);
  assert.match(space.homepageId, /^\d+$/);
  assert.equal((await v2.space.getSpaceById({ id: space.id })).name, space.name);
});

await check('a space that does not exist', async () => {
  assert.deepEqual((await v2.space.getSpaces({ keys: ['NOPE'] })).results, []);
  await refused(isNotFoundError, 404, () => v2.space.getSpaceById({ id: '999999999' }));
});

await check('a page below the home page, its body, its first version', async () => {
  page = await createPage(title, '<p>Hello <strong>all</strong> &amp; every one</p>');
  assert.equal(page.version.number, 1);
  assert.equal(page.parentId, space.homepageId);
  const read = await v2.page.getPageById({ id: page.id, bodyFormat: 'storage' });
  assert.deepEqual([read.title, read.spaceId, read.status], [title, space.id, 'current']);
  assert.equal(read.body.storage.representation, 'storage');
  assert.ok(read.body.storage.value.includes('<strong>all</strong> &amp; every one'), read.body.storage.value);
  assert.ok(read.createdAt instanceof Date && !Number.isNaN(read.createdAt.getTime()));
});

await check('a page from a document', async () => {
  const value = JSON.stringify({
    type: 'doc',
    version: 1,
    content: [{ type: 'paragraph', content: [{ type: 'text', text: 'From a document' }] }],
  });
  const made = await v2.page.createPage({
    body: {
      spaceId: space.id,
      status: 'current',
      title: `Document ${run}`,
      parentId: page.id,
      body: { representation: 'atlas_doc_format', value },
    },
  });
  const read = await v2.page.getPageById({ id: made.id, bodyFormat: 'atlas_doc_format' });
  assert.equal(read.body.atlas_doc_format.representation, 'atlas_doc_format');
  assert.equal(JSON.parse(read.body.atlas_doc_format.value).content[0].content[0].text, 'From a document');
  children.push(made);
});

await check('children, listed over three pages', async () => {
  for (let n = 0; n < 4; n += 1) {
    const child = await createPage(`Child ${n} ${run}`, `<p>${n}</p>`, { parentId: page.id });
    assert.equal(child.parentId, page.id);
    assert.equal(child.parentType, 'page');
    children.push(child);
  }
  const old = await walk(cursor => v2.children.getChildPages({ id: page.id, limit: 2, cursor }));
  assert.deepEqual(old.results.map(child => child.id), children.map(child => child.id));
  assert.equal(old.pages, 3);
  const now = await walk(cursor => v2.children.getPageDirectChildren({ id: page.id, limit: 2, cursor }));
  assert.deepEqual(now.results.map(child => [child.id, child.type]), children.map(child => [child.id, 'page']));
});

await check('the pages of the space, over many pages, each once and in order', async () => {
  const inSpace = await walk(cursor => v2.page.getPagesInSpace({ id: space.id, limit: 3, sort: 'id', cursor }));
  const ids = inSpace.results.map(one => Number(one.id));
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b));
  assert.equal(inSpace.pages, Math.ceil(ids.length / 3));
  const all = await walk(cursor =>
    v2.page.getPages({ spaceId: [space.id], status: ['current'], bodyFormat: 'storage', limit: 4, cursor }),
  );
  assert.deepEqual(all.results.map(one => Number(one.id)).sort((a, b) => a - b), ids);
  assert.equal(all.results.filter(one => one.title.includes(run) && one.body.storage.value).length, 6);
});

await check('a page by its title', async () => {
  const { results } = await v2.page.getPages({ spaceId: [space.id], title: `Child 2 ${run}`, limit: 5 });
  assert.deepEqual(results.map(one => one.id), [children[3].id]);
  assert.deepEqual((await v2.page.getPages({ spaceId: [space.id], title: `Nobody ${run}` })).results, []);
});

await check('a title is taken only once in a space, whatever its case', async () => {
  for (const name of [title, title.toUpperCase()]) {
    const error = await refused(isApiError, 400, () => createPage(name, '<p>again</p>'));
    assert.match(error.body.errors[0].title, /already exists/);
  }
});

await check('markup that is not well-formed, and a space that does not exist', async () => {
  const error = await refused(isApiError, 400, () => createPage(`Broken ${run}`, '<p>a & b</p>'));
  assert.match(error.body.errors[0].title, /xhtml/i);
  await refused(isNotFoundError, 404, () =>
    v2.page.createPage({
      body: { spaceId: '999999999', status: 'current', title: `Lost ${run}`, body: storage('<p/>') },
    }),
  );
});

await check('an update raises the version; a stale one and a skipped one are refused', async () => {
  const changed = await update(page.id, 2, '<p>Second</p>');
  assert.equal(changed.version.number, 2);
  for (const number of [2, 4]) {
    const error = await refused(isApiError, 409, () => update(page.id, number, '<p>Stale</p>'));
    assert.match(error.body.errors[0].title, /Current Version: \[2\]/);
  }
  const read = await v2.page.getPageById({ id: page.id, bodyFormat: 'storage' });
  assert.ok(read.body.storage.value.includes('Second'));
  assert.deepEqual([read.version.number, read.version.message], [2, 'v2']);
});

await check('a page renamed to a title that is taken is refused, to a free one it keeps its id', async () => {
  const error = await refused(isApiError, 400, () => update(page.id, 3, '<p>Third</p>', `Child 1 ${run}`));
  assert.match(error.body.errors[0].title, /already exists/);
  const renamed = await update(page.id, 3, '<p>Third</p>', `Renamed ${run}`);
  assert.deepEqual([renamed.id, renamed.title, renamed.version.number], [page.id, `Renamed ${run}`, 3]);
  assert.deepEqual((await v2.page.getPages({ spaceId: [space.id], title })).results, []);
});

await check('labels: add several, add again, list by pages, remove', async () => {
  const label = name => ({ prefix: 'global', name });
  const added = await v1.contentLabels.addLabelsToContent({
    id: page.id,
    body: [label('qa-report'), label('env-qa'), label(run)],
  });
  assert.deepEqual(added.results.map(one => one.name).sort(), ['env-qa', 'qa-report', run].sort());
  await v1.contentLabels.addLabelsToContent({ id: page.id, body: [label('qa-report')] });
  assert.deepEqual(await labelNames(page.id, 2), ['env-qa', 'qa-report', run].sort());
  await v1.contentLabels.removeLabelFromContent({ id: page.id, label: 'env-qa' });
  await v1.contentLabels.removeLabelFromContentUsingQueryParameter({ id: page.id, name: 'qa-report' });
  assert.deepEqual(await labelNames(page.id), [run]);
  const read = await v2.page.getPageById({ id: page.id, includeLabels: true });
  assert.deepEqual(read.labels.results.map(one => one.name), [run]);
  await refused(isNotFoundError, 404, () =>
    v1.contentLabels.addLabelsToContent({ id: '999999999', body: [label('x')] }),
  );
});

await check('page properties: create, find by key, change, and what is refused', async () => {
  const pageId = page.id;
  const made = await v2.contentProperties.createPageProperty({ pageId, key: 'qa.run', value: { id: run } });
  assert.equal(made.version.number, 1);
  await refused(isApiError, 409, () =>
    v2.contentProperties.createPageProperty({ pageId, key: 'qa.run', value: {} }),
  );
  const change = {
    pageId,
    propertyId: made.id,
    key: 'qa.run',
    value: { id: run, n: 2 },
    version: { number: 2, message: '' },
  };
  assert.equal((await v2.contentProperties.updatePagePropertyById(change)).version.number, 2);
  await refused(isApiError, 409, () => v2.contentProperties.updatePagePropertyById(change));
  const { results } = await v2.contentProperties.getPageContentProperties({ pageId, key: 'qa.run' });
  assert.deepEqual(results.map(one => [one.id, one.value]), [[made.id, { id: run, n: 2 }]]);
});

await check('a page that does not exist, and a page moved to the trash', async () => {
  await refused(isNotFoundError, 404, () => v2.page.getPageById({ id: '999999999' }));
  const last = children.at(-1);
  await v2.page.deletePage({ id: last.id });
  const { results } = await v2.children.getChildPages({ id: page.id });
  assert.deepEqual(results.map(one => one.id), children.slice(0, -1).map(one => one.id));
  // The title stays taken: trashed pages count.
  await refused(isApiError, 400, () => createPage(`Child 3 ${run}`, '<p>again</p>'));
});

await check('a wrong token reads and writes nothing', async () => {
  const stranger = createV2Client(settings('wrong'));
  await refused(isAuthError, 401, () => stranger.page.getPageById({ id: page.id }));
  await refused(isAuthError, 401, () =>
    stranger.page.createPage({
      body: { spaceId: space.id, status: 'current', title: `Stranger ${run}`, body: storage('<p/>') },
    }),
  );
  await refused(isAuthError, 401, () =>
    createV1Client(settings('wrong')).contentLabels.addLabelsToContent({
      id: page.id,
      body: [{ prefix: 'global', name: 'stranger' }],
    }),
  );
  assert.deepEqual((await v2.page.getPages({ spaceId: [space.id], title: `Stranger ${run}` })).results, []);
  assert.deepEqual(await labelNames(page.id), [run]);
});

finish();
