// The reference server, answering the profile `bench`: node server.js --port N

import { createServer } from "node:http";
import { Server } from "socket.io";
import { answer, port } from "./handlers.js";

const http = createServer();
answer(new Server(http, { serveClient: false, httpCompression: false }));
http.listen(port(), "127.0.0.1", () => console.log("socket.io is ready"));
