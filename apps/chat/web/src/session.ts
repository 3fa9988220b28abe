// The session that the server keeps for this page, over connections and reloads.
//
// The official client says by itself, whenever it connects again, which session it has (`_pid`) and up to where it
// has its events (`_lastOffset`). What it does not know is that the page was loaded again.

import type { Socket } from "socket.io-client";

import { leaveSession, takeSession } from "./model/keep";

interface WithSession {
  _pid?: string | undefined;
  _lastOffset?: string | undefined;
}

/** Has a client go on with the session that this window had before it was loaded again. */
export function keepSession(client: Socket): void {
  const socket = client as unknown as WithSession;
  const session = takeSession();
  socket._pid = session?.pid;
  socket._lastOffset = session?.offset;
  client.on("connect", () => {
    // A place in the log of another session says nothing.
    if (!client.recovered) socket._lastOffset = undefined;
  });
  addEventListener("pagehide", () => {
    if (socket._pid !== undefined) leaveSession({ pid: socket._pid, offset: socket._lastOffset });
  });
  addEventListener("pageshow", (event) => {
    // It was not loaded again after all, and has what it needs.
    if (event.persisted) takeSession();
  });
}
