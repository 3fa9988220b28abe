// On a narrow screen the rooms and the people slide in from the sides.

import { byId } from "./dom";

class Drawer {
  readonly #side: HTMLElement;
  readonly #opener: HTMLElement;
  readonly #query: MediaQueryList;

  constructor(side: string, opener: string, query: string) {
    this.#side = byId(side);
    this.#opener = byId(opener);
    this.#query = matchMedia(query);
    this.#opener.addEventListener("click", () => this.open());
    byId(`${side}-close`).addEventListener("click", () => this.close());
    this.#query.addEventListener("change", () => this.#lay(false));
    this.#lay(false);
  }

  get isOpen(): boolean {
    return this.#side.classList.contains("open");
  }

  open(): void {
    if (!this.#query.matches) return;
    this.#lay(true);
    this.#side.querySelector<HTMLElement>("a, button, input")?.focus();
  }

  close(giveFocusBack = true): void {
    if (!this.isOpen) return;
    this.#lay(false);
    if (giveFocusBack) this.#opener.focus();
  }

  // A closed drawer is out of sight and out of the order of focus; an open one makes the rest wait behind a veil.
  #lay(open: boolean): void {
    this.#side.classList.toggle("open", open);
    this.#side.inert = this.#query.matches && !open;
    this.#opener.setAttribute("aria-expanded", String(open));
    byId("talk").inert = open;
    byId("veil").hidden = !open;
  }
}

export class Drawers {
  readonly rooms = new Drawer("rooms", "rooms-open", "(max-width: 760px)");
  readonly people = new Drawer("people", "people-open", "(max-width: 1080px)");

  constructor() {
    byId("veil").addEventListener("click", () => this.close());
  }

  /** True if there was something to close. */
  close(giveFocusBack = true): boolean {
    const open = this.rooms.isOpen || this.people.isOpen;
    this.rooms.close(giveFocusBack);
    this.people.close(giveFocusBack);
    return open;
  }
}
