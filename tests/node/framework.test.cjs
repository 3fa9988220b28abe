'use strict';
// A chat of `examples/` on one framework: its page, the client that it serves, and official clients that talk.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const vm = require('node:vm');
const { MODE, PORT, ask1, once, settled, within } = require('./support.cjs');

// Two clients that hear what is said; in mode `upgrade` they have gone over.
async function two() {
  const pair = [await settled(), await settled()];
  for (const { io } of pair) {
    assert.equal(io.engine.transport.name, MODE === 'polling' ? 'polling' : 'websocket');
  }
  return pair;
}

test('what one says is heard by all and counted, however long it is', async () => {
  const [ada, bob] = await two();
  for (const text of ['hello', 'ü€😀', 'x'.repeat(300_000), '']) {
    const heard = [once(ada, 'said'), once(bob, 'said')];
    assert.equal(await ask1(ada, 'say', text), 2);
    assert.deepEqual(await Promise.all(heard), [[text], [text]]);
  }
});

test('who leaves, or is cut off, is noticed by the others', async () => {
  const leave = (socket) => socket.disconnect();
  // A polling client that is cut off is noticed by its silence, after 45 s: here it leaves.
  const cut = MODE === 'polling' ? leave : (socket) => socket.io.engine.transport.ws.terminate();
  for (const go of [leave, cut]) {
    const [ada, bob] = await two();
    const { id } = bob;
    const left = new Promise((resolve) => ada.on('left', (who) => who === id && resolve()));
    bob.io.reconnection(false);
    go(bob);
    await within(left, 'nobody has left');
  }
});

test('the page is beside it, and loads a client that runs', async () => {
  const page = await fetch(`http://127.0.0.1:${PORT}/`);
  const text = await page.text();
  assert.equal(page.status, 200);
  assert.match(text, /<title>A small chat<\/title>/);
  const bundle = await fetch(new URL(text.match(/src="([^"]+)"/)[1], page.url));
  assert.equal(bundle.status, 200);
  assert.equal(bundle.headers.get('content-type'), 'application/javascript; charset=utf-8');
  const browser = vm.createContext({ setTimeout, clearTimeout });
  browser.self = browser;
  vm.runInContext(await bundle.text(), browser);
  assert.equal(typeof browser.io, 'function');
  const again = { 'if-none-match': bundle.headers.get('etag') };
  assert.equal((await fetch(bundle.url, { headers: again })).status, 304);
  const nothing = await fetch(`http://127.0.0.1:${PORT}/nothing`);
  assert.equal(nothing.status, 404);
});

test('what is refused is refused in the words of the protocol', async () => {
  const refused = await fetch(`http://127.0.0.1:${PORT}/socket.io/?EIO=4&transport=smoke`);
  assert.equal(refused.status, 400);
  assert.deepEqual(await refused.json(), { code: 0, message: 'Transport unknown' });
  const foreign = { origin: 'https://foe.example' };
  const url = `http://127.0.0.1:${PORT}/socket.io/?EIO=4&transport=polling`;
  assert.equal((await fetch(url, { headers: foreign })).status, 403);
});
