// The reference server on Bun's own engine, answering the profile `bench`: bun server.js --port N

import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { answer, port } from "./handlers.js";

const io = new Server();
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);
answer(io);
// Bun closes what is silent for longer than this many seconds; the engine pings every 25.
Bun.serve({ ...engine.handler(), hostname: "127.0.0.1", port: port(), idleTimeout: 60 });
console.log("socket.io on Bun is ready");
