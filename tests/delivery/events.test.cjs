'use strict';
// Keys, history, receipts, one order for all; and the namespace that promises nothing.

const assert = require('node:assert/strict');
const { after, describe, test } = require('node:test');
const {
  AT_ONCE, DURABLE, MODES, PORT, Page, closeAll, numbers, settings, unique,
} = require('./support.cjs');

after(closeAll);

const durable = DURABLE.map((namespace) => ({ port: PORT, namespace }));

describe('events of a durable namespace', { concurrency: AT_ONCE }, () => {
  for (const setting of durable) {
    const where = setting.namespace;

    test(`${where}: every event ends in its token, which its publisher gets too`, async () => {
      const room = unique('room');
      const page = await Page.joined(setting, room);
      const tokens = [];
      for (const payload of numbers(5)) tokens.push(await page.publish(room, payload));
      await page.until(() => page.heard.length === 5, 'not all events');
      assert.deepEqual(page.tokens, tokens);
      assert.equal(new Set(tokens).size, 5);
      assert.ok(tokens.every((token) => typeof token === 'string' && token.length < 40), tokens[0]);
    });

    test(`${where}: payloads of every kind arrive as they were published, now and later`, async () => {
      const room = unique('room');
      const payloads = [
        null, true, -0.5, '', 'zoë 🐟', [], [1, [2]], {}, { a: { b: null } },
        Buffer.from([0, 171, 255]), { file: Buffer.from('fish'), name: 'a' },
      ];
      const page = await Page.joined(setting, room);
      const later = await Page.joined(setting, room);
      await later.cut();
      const other = await Page.open(setting);
      for (const payload of payloads) await other.publish(room, payload);
      await later.back();
      await later.fence(other);
      await page.fence(other);
      assert.deepEqual(page.heard, payloads);
      assert.deepEqual(later.heard, payloads);
      assert.deepEqual(later.tokens, page.tokens);
    });

    test(`${where}: a key that comes again is answered again, and emits nothing`, async () => {
      const [room, key] = [unique('room'), unique('key')];
      const page = await Page.joined(setting, room);
      const first = await page.publish(room, 1, key);
      assert.equal(await page.publish(room, 1, key), first);
      assert.equal(await page.publish(unique('elsewhere'), 'another payload', key), first);
      assert.notEqual(await page.publish(room, 2, unique('key')), first);
      await page.fence(page);
      assert.deepEqual(page.heard, [1, 2]);
    });

    test(`${where}: a key that comes twenty times at once emits one event`, async () => {
      const [room, key] = [unique('room'), unique('key')];
      const page = await Page.joined(setting, room);
      const others = await Promise.all(numbers(4).map(() => Page.open(setting)));
      const published = numbers(20).map((number) => others[number % 4].publish(room, 1, key));
      const tokens = await Promise.all(published);
      assert.equal(new Set(tokens).size, 1);
      await page.fence(page);
      assert.deepEqual(page.heard, [1]);
    });

    test(`${where}: a key that comes again after a drop is answered again`, async () => {
      const [room, key] = [unique('room'), unique('key')];
      const page = await Page.joined(setting, room);
      const first = await page.publish(room, 1, key);
      await page.cut();
      await page.back();
      assert.equal(await page.publish(room, 1, key), first);
      await page.fence(page);
      assert.deepEqual(page.heard, [1]);
    });

    test(`${where}: keys of one namespace mean nothing in another`, async () => {
      const [room, key] = [unique('room'), unique('key')];
      const namespace = where === '/' ? '/async' : '/';
      const page = await Page.joined(setting, room);
      const foreign = await Page.open({ ...setting, namespace });
      const first = await foreign.publish(room, 'foreign', key);
      assert.notEqual(await page.publish(room, 1, key), first);
      await page.fence(page);
      assert.deepEqual(page.heard, [1]);
    });

    test(`${where}: history has the last events of a room, oldest first`, async () => {
      const room = unique('room');
      const page = await Page.joined(setting, room);
      const other = await Page.open(setting);
      assert.deepEqual(await other.ask('history', room, 10), []);
      const tokens = [];
      for (const payload of numbers(20)) {
        tokens.push(await page.publish(room, { payload, text: 'ü"\\' }));
        await page.publish(unique('another room'), payload);
      }
      page.socket.emit('tick', room, 'volatile');
      const all = numbers(20).map((payload) => ({
        token: tokens[payload], args: [{ payload, text: 'ü"\\' }],
      }));
      assert.deepEqual(await other.ask('history', room, 100), all);
      assert.deepEqual(await other.ask('history', room, 20), all);
      assert.deepEqual(await other.ask('history', room, 3), all.slice(-3));
      assert.deepEqual(await other.ask('history', room, 0), []);
    });

    test(`${where}: a receipt counts those who have an event, and those who are away`, async () => {
      const room = unique('room');
      const pages = await Promise.all(numbers(3).map((at) => Page.joined({ ...setting, mode: MODES[at] }, room)));
      const other = await Page.open(setting);
      assert.deepEqual(await other.ask('receipt', room, 1), { delivered: 3, of: 3 });
      await pages[0].cut();
      assert.deepEqual(await other.ask('receipt', room, 2), { delivered: 2, of: 3 }, 'one stays away');
      const receipt = other.ask('receipt', room, 3);
      await pages[1].hears(3);
      await pages[0].back();
      assert.deepEqual(await receipt, { delivered: 3, of: 3 }, 'it comes back in time');
      assert.deepEqual(await other.ask('receipt', unique('empty'), 4), { delivered: 0, of: 0 });
    });

    test(`${where}: a receipt does not count a connection that is dead`, async () => {
      const room = unique('room');
      const page = await Page.joined(setting, room);
      const other = await Page.open(setting);
      await page.silence();
      const receipt = other.ask('receipt', room, 1);
      assert.deepEqual(await receipt, { delivered: 0, of: 1 });
      await page.back();
      await page.fence(other);
      assert.deepEqual(page.heard, [1]);
    });

    test(`${where}: all members hear what three publishers say in one order, whatever happens to them`, async () => {
      await oneOrder(setting);
    });

    test(`${where}: dropped again and again in the middle of a crowd's talk, a client misses nothing`, async () => {
      const room = unique('room');
      const calm = await Page.joined(setting, room);
      const pages = await Promise.all(numbers(4).map(() => Page.joined(setting, room)));
      const publishers = await Promise.all(numbers(3).map(() => Page.open(setting)));
      let isOver = false;
      const talk = publishers.map(async (page) => {
        while (!isOver) await Promise.all(numbers(10).map((number) => page.publish(room, number)));
      });
      await Promise.all(pages.map((page, at) => shake(page, at, 20)));
      isOver = true;
      await Promise.all(talk);
      await Promise.all([calm, ...pages].map((page) => page.fence(publishers[0])));
      const wrong = pages.map((page, at) => differs(page, calm, `client ${at}`));
      assert.deepEqual(wrong.filter(Boolean), []);
    });

    test(`${where}: events that are too young to be stored do not overtake one another`, async () => {
      const room = unique('room');
      const page = await Page.joined(setting, room);
      const payloads = numbers(500);
      const tokens = await Promise.all(payloads.map((payload) => page.publish(room, payload)));
      await page.fence(page);
      assert.deepEqual(page.heard, payloads);
      assert.deepEqual(page.tokens, tokens);
    });
  }
});

async function oneOrder(setting) {
  const room = unique('room');
  const calm = await Promise.all(MODES.map((mode) => Page.joined({ ...setting, mode }, room)));
  const late = await Page.open(setting, { shape: (line) => line.delay(30) });
  await late.join(room);
  const hasty = await Promise.all(MODES.map((mode) => Page.joined({ ...setting, mode }, room)));
  const publishers = await Promise.all(numbers(3).map(() => Page.open(setting)));

  const said = publishers.map((page, who) => say(page, room, who));
  const shaken = hasty.map((page, at) => shake(page, at, 5));
  await Promise.all([...said, ...shaken]);

  const members = [...calm, late, ...hasty];
  await Promise.all(members.map((page) => page.fence(publishers[0])));
  const [first, ...rest] = members;
  assert.equal(first.heard.length, 3 * EACH);
  for (const who of numbers(3)) {
    const own = first.heard.filter((payload) => payload[0] === who);
    assert.deepEqual(own, numbers(EACH).map((number) => [who, number]), 'each publisher in its order');
  }
  const wrong = rest.map((page, at) => differs(page, first, NAMES[at + 1]));
  assert.deepEqual(wrong.filter(Boolean), []);
}

const NAMES = [...MODES.map((mode) => `calm by ${mode}`), 'late', ...MODES.map((mode) => `hasty by ${mode}`)];

// In what a member has heard something else than another one; nothing if in nothing.
function differs(page, other, name) {
  const lost = other.tokens.filter((token) => !page.tokens.includes(token));
  const doubled = page.tokens.filter((token, at) => page.tokens.indexOf(token) !== at);
  const at = page.tokens.findIndex((token, index) => token !== other.tokens[index]);
  if (at < 0 && page.tokens.length === other.tokens.length) return null;
  const what = `lost ${lost.length}, doubled ${doubled.length}, differs from event ${at} on`;
  return `${name}: ${what}, reconnected after ${page.reconnects}`;
}

const EACH = 200;

// A few at a time, so that it takes a while.
async function say(page, room, who) {
  for (let first = 0; first < EACH; first += 10) {
    await Promise.all(numbers(10, first).map((number) => page.publish(room, [who, number])));
  }
}

// Is dropped again and again while they talk.
async function shake(page, at, rounds) {
  page.reconnects = [];
  for (let round = 0; round < rounds; round += 1) {
    const heard = page.heard.length;
    await page.until(() => page.heard.length > heard || page.heard.length === 3 * EACH, 'nobody talks');
    if ((round + at) % 2) await page.cut();
    else await page.halfOpen();
    page.reconnects.push(page.heard.length);
    await page.back();
  }
}

describe('the namespace that promises nothing', { concurrency: AT_ONCE }, () => {
  for (const setting of settings(PORT, ['/plain'])) {
    test(`by ${setting.mode}: there are no tokens, keys do nothing, and there is no history`, async () => {
      const [room, key] = [unique('room'), unique('key')];
      const page = await Page.joined(setting, room);
      assert.equal(await page.publish(room, 1, key), null);
      assert.equal(await page.publish(room, 2, key), null);
      await page.fence(page);
      assert.deepEqual(page.heard, [1, 2]);
      assert.deepEqual(page.tokens, [undefined, undefined]);
      assert.deepEqual(await page.ask('history', room, 10), []);
      assert.deepEqual(page.position, { pid: undefined, offset: undefined });
    });

    test(`by ${setting.mode}: who is dropped is somebody new, and is not told of it as a gap`, async () => {
      const room = unique('room');
      const page = await Page.joined(setting, room);
      const other = await Page.joined(setting, 'lobby');
      const { id } = page;
      await page.cut();
      await other.until(() => other.gone.includes(id), 'nobody is gone');
      await page.back();
      await page.fence(other);
      assert.equal(page.recovered, false);
      assert.notEqual(page.id, id);
      assert.deepEqual(await page.rooms(), []);
      assert.deepEqual(page.gaps, []);
    });
  }
});
