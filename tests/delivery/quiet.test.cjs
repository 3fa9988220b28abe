'use strict';
// A server that keeps events for a second: CONTRACT_PORT was started with EVENTS_MS=1000.

const assert = require('node:assert/strict');
const { after, describe, test } = require('node:test');
const { CASES, verdict } = require('./cases.cjs');
const { AT_ONCE, Page, closeAll, eventually, settings, unique } = require('./support.cjs');

const G = CASES.find(({ id }) => id === 'G');

after(closeAll);

describe('where events are kept for a second', { concurrency: AT_ONCE }, () => {
  for (const setting of settings()) {
    const where = `${setting.namespace} by ${setting.mode}`;

    test(`G, ${where}: ${G.title}`, async () => {
      const outcome = await G.run(setting);
      assert.deepEqual(verdict(outcome), [], JSON.stringify(outcome));
    });

    test(`${where}: who missed an event that is gone is told so, and is somebody new`, async () => {
      const other = await Page.open(setting);
      const page = await Page.open(setting);
      const room = unique('room');
      await page.join(room);
      await other.publish(room, 1);
      await page.hears(1);
      const { id } = page;
      const [elsewhere, long] = [unique('elsewhere'), 'x'.repeat(50_000)];
      await page.cut();
      const missed = await other.publish(room, 'missed');
      await other.publish(room, 'missed too');
      await eventually(async () => {
        // What was said a moment ago may still be at hand, so much is said behind it.
        for (let part = 0; part < 20; part += 1) await other.publish(elsewhere, long);
        const kept = await other.ask('history', room, 10);
        return !kept.some(({ token }) => token === missed);
      }, 'an event that is too old is dropped');
      await page.back();
      await page.until(() => page.gaps.length > 0, 'no notice of the gap');
      await page.fence(other);
      assert.equal(page.recovered, false);
      assert.notEqual(page.id, id);
      assert.equal(page.gaps[0].reason, 'gap');
      assert.deepEqual(page.heard, [1], 'never a part of what was missed');
      assert.deepEqual(await page.rooms(), []);
    });
  }
});
