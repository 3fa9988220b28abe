// The rooms on the left: those one is in, with what is unread, and those one could enter.

import type { Chat } from "../model/chat";
import type { Room } from "../model/room";
import { byId, make, reconcile, setText } from "./dom";
import { paint } from "./words";

interface Row {
  name: string;
  people: number;
  unread: number;
  current: boolean;
  joined: boolean;
}

export class RoomList {
  constructor(
    readonly chat: Chat,
    readonly enter: (name: string) => void,
  ) {
    this.#listenToForm();
  }

  draw(): void {
    const { chat } = this;
    const joined = [...chat.rooms.values()].map((room) => this.#row(room.name, room));
    const others = [...chat.listings.values()]
      .filter((listing) => !chat.rooms.has(listing.room))
      .sort((a, b) => Number(b.given) - Number(a.given) || b.people - a.people || a.room.localeCompare(b.room))
      .map((listing) => this.#row(listing.room, undefined));
    this.#list(byId("joined-rooms"), joined);
    this.#list(byId("other-rooms"), others);
    const elsewhere = joined.some((row) => row.unread > 0 && !row.current);
    byId("rooms-open").classList.toggle("with-news", elsewhere);
    byId("other-title").hidden = others.length === 0;
    paint(byId("my-avatar"), chat.me.name || "?");
    setText(byId("my-name"), chat.me.name);
    setText(byId("my-status"), chat.status.kind === "connected" ? "Here" : "Not connected");
  }

  /** The rooms as they stand on the page, for going up and down by keys. */
  order(): string[] {
    return [...this.chat.rooms.keys()];
  }

  #row(name: string, room: Room | undefined): Row {
    const inside = room && room.phase === "in" ? room.here : this.chat.listings.get(name)?.people;
    return {
      name,
      // Without a connection nobody knows.
      people: this.chat.status.kind === "connected" ? (inside ?? 0) : 0,
      unread: room?.unread ?? 0,
      current: name === this.chat.current,
      joined: room !== undefined,
    };
  }

  #list(list: HTMLElement, rows: Row[]): void {
    reconcile(
      list,
      rows,
      (row) => row.name,
      (row) => JSON.stringify(row),
      (row) => this.#draw(row),
    );
  }

  #draw(row: Row): HTMLElement {
    const link = make(
      "a",
      { href: `#${encodeURIComponent(row.name)}`, class: "room", "aria-current": row.current ? "page" : undefined },
      make("span", { class: "hash", "aria-hidden": "true" }, "#"),
      make("span", { class: "room-label", dir: "auto" }, row.name),
      row.unread > 0 && this.#badge(row.unread),
      row.unread === 0 && row.people > 0 && this.#inside(row.people),
    );
    return make("li", { class: row.unread > 0 ? "with-news" : "" }, link);
  }

  #badge(unread: number): HTMLElement {
    const shown = unread > 99 ? "99+" : String(unread);
    return make("span", { class: "badge" }, shown, make("span", { class: "visually-hidden" }, " unread"));
  }

  #inside(people: number): HTMLElement {
    return make("span", { class: "inside" }, String(people), make("span", { class: "visually-hidden" }, " here"));
  }

  #listenToForm(): void {
    const field = byId<HTMLInputElement>("join-name");
    byId("join").addEventListener("submit", (event) => {
      event.preventDefault();
      const { name, problem } = roomName(field.value, this.chat.limits.room);
      setText(byId("join-problem"), problem);
      if (problem) return;
      field.value = "";
      this.enter(name);
    });
    field.addEventListener("input", () => setText(byId("join-problem"), ""));
  }
}

/** What a typed name becomes: the same rule as the server's. */
export function roomName(typed: string, limit: number): { name: string; problem: string } {
  const name = typed.normalize("NFC").trim().replace(/^#+/, "").trim().toLowerCase().replace(/\s+/g, "-");
  let problem = "";
  if (name === "") problem = "A room needs a name.";
  else if (Array.from(name).length > limit) problem = `A room's name has at most ${limit} characters.`;
  else if (!/^[\p{Alphabetic}\p{N}_-]+$/u.test(name)) problem = "A room's name is made of letters, digits, - and _.";
  return { name, problem };
}
