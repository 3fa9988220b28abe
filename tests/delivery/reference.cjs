'use strict';
// The reference server with connection state recovery, as far as it can keep the profile `delivery`: what
// `compare.cjs` plays the nine cases to.
//
//   node reference.cjs PORT
//
// EVENTS_MS and SESSION_MS are one thing here, `maxDisconnectionDuration`; ASK_MS is how long an answer is waited for.
// What it has no word for: keys do nothing, receipts are null, `gone` comes at the disconnect, and the data of a
// killed server is gone. History is read from the packets that its adapter keeps for recovery.

const { createServer } = require('node:http');
const { Server } = require('socket.io');

const { EVENTS_MS, SESSION_MS, ASK_MS = 30_000 } = process.env;
const port = Number(process.argv[2]);

const http = createServer();
const io = new Server(http, {
  pingInterval: 2000,
  pingTimeout: 2000,
  connectionStateRecovery: {
    maxDisconnectionDuration: Number(EVENTS_MS ?? SESSION_MS ?? 120_000),
    skipMiddlewares: true,
  },
});

for (const name of ['/', '/async', '/memory']) {
  const namespace = io.of(name);
  namespace.on('connection', (socket) => serve(namespace, socket));
}

function serve(namespace, socket) {
  const emit = (room, payload) => {
    namespace.to(room).emit('event', payload);
    return { token: namespace.adapter.packets.at(-1).id };
  };
  socket.on('join', async (room, ack) => {
    await socket.join(room);
    ack(true);
  });
  socket.on('leave', async (room, ack) => {
    await socket.leave(room);
    ack(true);
  });
  socket.on('publish', (room, key, payload, ack) => ack(emit(room, payload)));
  socket.on('tell', (id, payload, ack) => ack(emit(id, payload)));
  socket.on('ask', async (id, payload, ack) => {
    const asked = namespace.to(id).timeout(Number(ASK_MS)).emitWithAck('question', payload);
    const answers = await asked.catch(() => []);
    ack(answers[0] ?? null);
  });
  socket.on('tick', (room, payload) => namespace.to(room).volatile.emit('tick', payload));
  socket.on('remove', (id, room, ack) => {
    namespace.in(id).socketsLeave(room);
    ack(true);
  });
  socket.on('whoami', (ack) => {
    const rooms = [...socket.rooms].filter((room) => room !== socket.id).sort();
    ack({ id: socket.id, rooms });
  });
  socket.on('history', (room, limit, ack) => {
    const packets = namespace.adapter.packets.filter(({ opts }) => opts.rooms.has(room));
    ack(packets.slice(-limit).map(({ id, data }) => ({ token: id, args: data.slice(1, -1) })));
  });
  socket.on('receipt', (room, payload, ack) => {
    emit(room, payload);
    ack(null);
  });
  socket.on('disconnect', () => namespace.to('lobby').emit('gone', socket.id));
}

http.listen(port, '127.0.0.1', () => console.log(`reference: ready on 127.0.0.1:${port}`));
