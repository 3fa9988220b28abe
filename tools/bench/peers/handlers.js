// The handlers of the profile `bench`, the same for every server that runs the reference implementation.

export function answer(io) {
  io.on("connection", (socket) => {
    socket.on("message", (...args) => socket.emit("message-back", ...args));
    socket.on("message-with-ack", (...args) => {
      const ack = args.pop();
      if (typeof ack === "function") ack(...args);
    });
    socket.on("broadcast", (x) => io.emit("news", x));
    socket.on("join", (room, ack) => {
      socket.join(room);
      if (typeof ack === "function") ack();
    });
    socket.on("say", (room, x) => io.to(room).emit("said", x));
  });
}

/** The number behind `--port`. */
export function port() {
  const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
  if (Number.isInteger(port) && port > 0) return port;
  console.error("usage: server.js --port N");
  process.exit(1);
}
