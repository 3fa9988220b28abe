// What the connection is doing, said as it is: in the head, as a banner, in the title, and to a screen reader.

import type { Chat, Status } from "../model/chat";
import { count } from "../model/room";
import { byId, setText } from "./dom";

const WORDS: Record<Status["kind"], string> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  offline: "Offline",
  refused: "Refused",
};

export class StatusLine {
  #before: Status["kind"] = "connecting";

  constructor(readonly chat: Chat) {}

  draw(): void {
    const { status } = this.chat;
    byId("app").dataset.status = status.kind;
    setText(byId("status-words"), WORDS[status.kind]);
    const banner = bannerFor(status, this.chat.outbox.length);
    byId("banner").hidden = banner === "";
    setText(byId("banner"), banner);
    this.#drawTitle();
    this.#before = status.kind;
  }

  #drawTitle(): void {
    let unread = 0;
    for (const room of this.chat.rooms.values()) unread += room.unread;
    const away = this.#before === "reconnecting" || this.#before === "offline" ? "… " : "";
    document.title = `${away}${unread > 0 ? `(${unread}) ` : ""}${this.chat.current} · Sockeye`;
  }
}

function bannerFor(status: Status, waiting: number): string {
  const kept = waiting > 0 ? ` ${count(waiting, "message")} will be sent when it is back.` : "";
  switch (status.kind) {
    case "reconnecting": {
      const tries = status.attempt > 1 ? ` (try ${status.attempt})` : "";
      return `The connection is lost. Trying to get it back${tries}.${kept}`;
    }
    case "offline":
      return `This device is offline.${kept}`;
    case "refused":
      return `The server does not let this page in: ${status.why}`;
    default:
      return "";
  }
}
