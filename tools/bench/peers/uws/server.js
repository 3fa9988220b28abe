// The reference server on µWebSockets, answering the profile `bench`: node server.js --port N

import { Server } from "socket.io";
import uWS from "@trufflesuite/uws-js-unofficial";
import { answer, port } from "./handlers.js";

const app = uWS.App();
const io = new Server({ serveClient: false, httpCompression: false });
io.attachApp(app);
answer(io);
app.listen("127.0.0.1", port(), (listening) => {
  if (!listening) process.exit(1);
  console.log("socket.io on µWebSockets is ready");
});
