'use strict';
// The reference server with what the tests of the client ask for: the words of the contract server's profile `handlers`.
//
//   node npm.cjs [--version 2] [--msgpack] [--recovery] [--ping MILLISECONDS]
//
// Prints one line with its port when it is ready, and ends when its standard input does: with whoever started it.

const { createServer } = require('node:http');
const { parseArgs } = require('node:util');

const { values: options } = parseArgs({
  options: {
    version: { type: 'string', default: '4' },
    msgpack: { type: 'boolean', default: false },
    recovery: { type: 'boolean', default: false },
    ping: { type: 'string', default: '25000' },
  },
});

const isOld = options.version === '2';
const ping = Number(options.ping);
const http = createServer();
const io = server();

function server() {
  const settings = { pingInterval: ping, pingTimeout: ping, maxHttpBufferSize: 2_000_000 };
  if (isOld) return require('socket.io-2')(http, { ...settings, serveClient: false });
  const { Server } = require('socket.io');
  if (options.msgpack) settings.parser = require('socket.io-msgpack-parser');
  if (options.recovery) settings.connectionStateRecovery = { maxDisconnectionDuration: 120_000 };
  return new Server(http, settings);
}

// What came, in order, for `notes`. Old ones are forgotten.
const noted = [];
const MOST_NOTES = 1_000_000;

for (const name of ['/', '/custom', '/auth']) {
  const namespace = io.of(name);
  namespace.on('connection', (socket) => serve(namespace, socket));
}
io.of('/auth').use((socket, next) => {
  const token = socket.handshake.auth?.token ?? socket.handshake.query.token;
  if (token === 'secret') return next();
  const refusal = new Error('not authorized');
  refusal.data = { code: 'E_AUTH', retryAfter: 5 };
  next(refusal);
});

function serve(namespace, socket) {
  // Of version 2 the refusal comes as a packet of its own.
  socket.use(([event], next) => next(event === 'forbidden' ? new Error('not allowed') : undefined));
  talk(socket);
  keepCount(socket);
  audience(namespace, socket);
  life(namespace, socket);
}

function talk(socket) {
  socket.on('echo', (...args) => socket.emit('echo-back', ...args));
  socket.on('echo-ack', (...args) => args.pop()(...args));
  socket.on('call-me', (...args) => {
    socket.emit('call', ...args, (...answer) => socket.emit('call-result', ...answer));
  });
  socket.on('burst', (count) => {
    for (let index = 0; index < count; index++) socket.emit('burst', index);
  });
  socket.on('big', (size, kind, ack) => {
    ack(kind === 'binary' ? Buffer.alloc(size, 0xab) : 'x'.repeat(size));
  });
}

function keepCount(socket) {
  // What is said reliably has a key behind it.
  socket.on('note', (note, ...rest) => {
    noted.push(note);
    if (noted.length > MOST_NOTES) noted.shift();
    const ack = rest.at(-1);
    if (typeof ack === 'function') ack(note);
  });
  socket.on('notes', (prefix, ack) => ack(noted.filter((note) => note.startsWith(prefix))));
}

function audience(namespace, socket) {
  const all = (rooms, start) => [rooms].flat().reduce((to, room) => to.to(room), start);
  socket.on('join', async (rooms, ack) => {
    await socket.join(rooms);
    ack(true);
  });
  socket.on('leave', async (room, ack) => {
    await socket.leave(room);
    ack(true);
  });
  socket.on('to-room', (rooms, event, payload) => all(rooms, socket).emit(event, payload));
  socket.on('in-room', (rooms, event, payload) => all(rooms, namespace).emit(event, payload));
  socket.on('broadcast', (event, payload) => socket.broadcast.emit(event, payload));
  socket.on('to-all', (event, payload) => namespace.emit(event, payload));
}

function life(namespace, socket) {
  socket.on('kick', (close) => socket.disconnect(close === true));
  socket.on('kill-transport', () => socket.conn.close());
  socket.on('transport', (ack) => ack(socket.conn.transport.name));
  socket.on('id', (ack) => ack(socket.id));
  socket.on('handshake', (ack) => {
    const { auth, query, headers } = socket.handshake;
    ack({ auth: auth ?? {}, query, headers, nsp: namespace.name, eio: isOld ? 3 : 4 });
  });
}

process.stdin.resume().on('end', () => process.exit()).on('error', () => process.exit());
http.listen(0, '127.0.0.1', () => console.log(`ready on 127.0.0.1:${http.address().port}`));
