'use strict';
// Events and their arguments.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PACKED, ask, collect, connect, once, record, unique } = require('./support.cjs');

// The parser in npm for MessagePack writes integers of more than 64 bits and half surrogates as others, and keeps no key
// `__proto__`: it does so before anything is sent.
const HUGE = PACKED ? [] : [1e21, 1.7976931348623157e308];
const testOfJson = PACKED ? () => {} : test;

async function echo(socket, ...args) {
  const back = once(socket, 'echo-back');
  socket.emit('echo', ...args);
  return back;
}

test('an event without arguments comes back without arguments', async () => {
  const socket = await connect();
  assert.deepEqual(await echo(socket), []);
});

test('every kind of JSON value comes back unchanged', async () => {
  const socket = await connect();
  const args = [
    null, true, false, 0, -1, 1.5, 5e-324, 0.1 + 0.2, 2 ** 53, -(2 ** 40), ...HUGE,
    Number.MAX_SAFE_INTEGER, '', 'text', [], {}, [[[]], [null]],
    { a: { b: { c: [1, { d: 'e' }] } }, '': '', ' ': 0 },
  ];
  assert.deepEqual(await echo(socket, ...args), args);
});

test('a date comes back as its text, and what is undefined as nothing', async () => {
  const socket = await connect();
  const date = new Date(1_795_657_106_789);
  const back = await echo(socket, date, { a: undefined, b: date }, [undefined, 1]);
  assert.deepEqual(back, [date.toISOString(), { b: date.toISOString() }, [null, 1]]);
});

test('a hundred arguments keep their order', async () => {
  const socket = await connect();
  const args = Array.from({ length: 100 }, (_, index) => index);
  assert.deepEqual(await echo(socket, ...args), args);
});

test('unicode in text, keys and event names goes both ways', async () => {
  const socket = await connect();
  const texts = [
    'utf8 — Ä Ö ü ß', 'Привет', '日本語', '🐟🌊', 'e\u0301', '\u0000\u0001\u001e\u001f\u007f',
    '\u2028\u2029\ufeff\uffff', '"quoted" \\ / \b\f\n\r\t', '<b>&amp;</b>', '\u{10ffff}',
  ];
  for (const text of texts) {
    assert.deepEqual(await echo(socket, text, { [text]: text }), [text, { [text]: text }]);
    const event = unique(text);
    const heard = once(socket, event);
    socket.emit('to-all', event, text);
    assert.deepEqual(await heard, [text]);
  }
});

testOfJson('a lone surrogate comes back as it was sent', async () => {
  const socket = await connect();
  assert.deepEqual(await echo(socket, '\ud800', 'x\udc00y'), ['\ud800', 'x\udc00y']);
});

testOfJson('own keys named like prototypes are plain keys', async () => {
  const socket = await connect();
  const value = JSON.parse('{"__proto__":{"a":1},"constructor":2,"toString":3}');
  const [back] = await echo(socket, value);
  assert.equal(JSON.stringify(back), JSON.stringify(value));
});

test('binary anywhere in the arguments comes back as binary', async () => {
  const socket = await connect();
  const args = [
    Buffer.from([0, 1, 2, 255]),
    { a: Buffer.from('deep'), b: [Buffer.alloc(0), { c: Buffer.from([7]) }], d: 'text' },
    'between',
    [[Buffer.from([1, 2]), null], 5],
  ];
  assert.deepEqual(await echo(socket, ...args), args);
});

test('the same bytes twice, and ten attachments, are fine', async () => {
  const socket = await connect();
  const same = Buffer.from('same');
  assert.deepEqual(await echo(socket, same, same), [same, same]);
  const ten = Array.from({ length: 10 }, (_, index) => Buffer.alloc(index, index));
  assert.deepEqual(await echo(socket, ten), [ten]);
});

test('text and binary events keep their order among each other', async () => {
  const socket = await connect();
  const count = 200;
  const back = collect(socket, 'echo-back', count);
  for (let index = 0; index < count; index += 1) {
    if (index % 3 === 0) socket.emit('echo', index, Buffer.from([index]));
    else socket.emit('echo', index);
  }
  const order = (await back).map(([index]) => index);
  assert.deepEqual(order, Array.from({ length: count }, (_, index) => index));
});

test('a burst of a thousand arrives complete and in order', async () => {
  const socket = await connect();
  const burst = collect(socket, 'burst', 1000);
  socket.emit('burst', 1000);
  const order = (await burst).map(([index]) => index);
  assert.deepEqual(order, Array.from({ length: 1000 }, (_, index) => index));
});

test('volatile events arrive in order or not at all, and what follows them always', async () => {
  const socket = await connect();
  const seen = record(socket, 'vol');
  const end = once(socket, 'vol-end');
  socket.emit('volatile', 100);
  assert.deepEqual(await end, [100]);
  const numbers = seen.map(([index]) => index);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b), 'once each, in order');
  assert.ok(numbers.every((index) => index >= 0 && index < 100));
});

test('an event nobody listens to harms nobody', async () => {
  const socket = await connect();
  socket.emit('no such event', 1, Buffer.from('x'));
  socket.emit('error', 'a plain event here');
  assert.deepEqual(await ask(socket, 'echo-ack', 1), [1]);
});

test('wrong arguments to a handler harm nobody', async () => {
  const socket = await connect();
  for (const event of ['join', 'to-room', 'call-timeout', 'who', 'big', 'kick', 'burst', 'count']) {
    socket.emit(event, { not: 'that' }, [[]], 'nor that');
    socket.emit(event);
  }
  const next = await connect();
  assert.deepEqual(await ask(next, 'echo-ack', 2), [2]);
});
