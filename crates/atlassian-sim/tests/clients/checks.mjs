// Counts named checks and says which failed, for the scripts beside this file; and finds the installed client packages.
//
// A check is a function with plain assertions. One failure does not hide the next: the rest still runs, and the last line
// and the exit code tell the result.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

let passed = 0;
let failed = 0;

/** The site, the account and a word which no earlier run used, so that a run never meets another run's data. */
export function parameters() {
  const [base, email, token, project = 'CTB', space = 'CTB'] = process.argv.slice(2);
  if (!token) {
    console.error(`usage: ${process.argv[1]} BASE_URL EMAIL TOKEN [PROJECT] [SPACE]`);
    process.exit(2);
  }
  return { base: base.replace(/\/+$/, ''), email, token, project, space, run: `run-${randomUUID().slice(0, 8)}` };
}

/**
 * Imports a package as installed in CONTRACT_DIR. Both clients are ESM only, which `require` cannot load, and `import`
 * looks beside this file; so the entry that their manifest names is imported by its path.
 */
export async function installed(name) {
  const directory = process.env.CONTRACT_DIR;
  if (!directory) throw new Error('CONTRACT_DIR does not say where the clients are installed');
  const require = createRequire(path.resolve(directory, 'package.json'));
  const manifest = require.resolve(`${name}/package.json`);
  return import(pathToFileURL(path.join(path.dirname(manifest), require(manifest).exports['.'].import)));
}

/** One numbered line of output: `ok N name`, or `not ok N name: why`. */
export async function check(name, body) {
  const number = passed + failed + 1;
  try {
    await body();
    passed += 1;
    console.log(`ok ${number} ${name}`);
  } catch (error) {
    failed += 1;
    const details = error.report ? ` ${JSON.stringify(error.report)}` : '';
    console.log(`not ok ${number} ${name}: ${error.name}: ${String(error.message).replaceAll('\n', ' ')}${details}`);
    console.error(error);
  }
}

/** The call must fail with an error that the client's own predicate accepts, for this HTTP status; returns the error. */
export async function refused(predicate, status, call) {
  let error;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error, `nothing was refused, expected ${status}`);
  assert.ok(predicate(error), `not the client's own error: ${error.name}: ${error.message}`);
  assert.equal(error.status, status, error.message);
  return error;
}

/** The last line, and the exit code. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
}
