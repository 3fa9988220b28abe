// Who is here.

import type { Chat } from "../model/chat";
import { count } from "../model/room";
import type { Presence } from "../protocol";
import { byId, make, reconcile, setText } from "./dom";
import { listed, paint } from "./words";

export class PeopleList {
  constructor(readonly chat: Chat) {}

  draw(): void {
    const room = this.chat.rooms.get(this.chat.current);
    const people = [...(room?.people.values() ?? [])].sort((a, b) => this.#order(a, b));
    const stale = room?.phase !== "in";
    const here = room?.here ?? 0;
    setText(byId("people-count"), stale ? "" : String(here));
    byId("people").classList.toggle("stale", stale);
    reconcile(
      byId("people-list"),
      people,
      (person) => person.id,
      (person) => `${person.name}|${person.away}|${person.id === this.chat.me.id}|${room!.typing.has(person.id)}`,
      (person) => this.#draw(person, room!.typing.has(person.id)),
    );
    this.#drawHead(here, stale);
    this.#drawTyping(people.filter((person) => room!.typing.has(person.id)));
  }

  // Oneself first, the others by name, those who are away last.
  #order(a: Presence, b: Presence): number {
    const me = this.chat.me.id;
    const first = Number(b.id === me) - Number(a.id === me) || Number(a.away) - Number(b.away);
    return first || a.name.localeCompare(b.name) || a.id.localeCompare(b.id);
  }

  #draw(person: Presence, typing: boolean): HTMLElement {
    const avatar = make("span", { class: "avatar", "aria-hidden": "true" });
    paint(avatar, person.name);
    return make(
      "li",
      { class: `person${typing ? " is-typing" : ""}${person.away ? " is-away" : ""}` },
      avatar,
      make("span", { class: "person-name", dir: "auto" }, person.name),
      person.id === this.chat.me.id && make("span", { class: "you" }, "you"),
      person.away && make("span", { class: "away" }, "away"),
      typing && make("span", { class: "typing-dots", title: "typing" }, make("i"), make("i"), make("i")),
    );
  }

  #drawHead(people: number, stale: boolean): void {
    setText(byId("room-name"), this.chat.current);
    let words = count(people, "person").replace("persons", "people") + " here";
    if (stale) words = this.chat.status.kind === "connected" ? "Opening…" : "Not connected";
    else if (people === 1) words = "Only you are here";
    setText(byId("room-people"), words);
  }

  #drawTyping(people: Presence[]): void {
    const names = people.filter((person) => person.id !== this.chat.me.id).map((person) => person.name);
    byId("typing").classList.toggle("on", names.length > 0);
    const words = names.length === 0 ? "" : `${listed(names)} ${names.length === 1 ? "is" : "are"} typing`;
    setText(byId("typing-words"), words);
  }
}
