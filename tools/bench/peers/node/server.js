// The reference server, answering the profile `bench`: node server.js --port N

import { createServer } from "node:http";
import { Server } from "socket.io";

const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
if (!Number.isInteger(port) || port <= 0) {
  console.error("usage: node server.js --port N");
  process.exit(1);
}

const http = createServer();
const io = new Server(http, { serveClient: false, httpCompression: false });

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

http.listen(port, "127.0.0.1", () => console.log("socket.io is ready"));
