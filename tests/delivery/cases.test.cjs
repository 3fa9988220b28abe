'use strict';
// The nine cases, each in every durable namespace and by every transport; G has a file of its own, since its server
// forgets events soon.

const assert = require('node:assert/strict');
const { after, describe, test } = require('node:test');
const { CASES, verdict } = require('./cases.cjs');
const { AT_ONCE, closeAll, settings } = require('./support.cjs');

after(closeAll);

describe('the nine cases', { concurrency: AT_ONCE }, () => {
  for (const { id, title, run } of CASES.filter((one) => one.id !== 'G')) {
    for (const setting of settings()) {
      test(`${id}, ${setting.namespace} by ${setting.mode}: ${title}`, async () => {
        const outcome = await run(setting);
        assert.deepEqual(verdict(outcome), [], JSON.stringify(outcome));
      });
    }
  }
});
