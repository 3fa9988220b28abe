// Writing: the field, the button, and telling the others that somebody types.

import type { Chat } from "../model/chat";
import type { Connection } from "../connection";
import { byId, setText } from "./dom";
import { controlInText } from "./words";

/** How often a writing person says so; the others forget it a little later. */
const SAY_EVERY = 2_000;
const TALLEST = 200;

export class Compose {
  readonly #field = byId<HTMLTextAreaElement>("text");
  readonly #drafts = new Map<string, string>();
  #room = "";
  #saidAt = 0;

  constructor(
    readonly chat: Chat,
    readonly connection: Connection,
  ) {
    byId("compose").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("keydown", (event) => {
      // While an input method composes a letter, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("input", () => this.#typed());
  }

  focus(): void {
    this.#field.focus();
  }

  draw(): void {
    if (this.#room !== this.chat.current) {
      this.#drafts.set(this.#room, this.#field.value);
      this.#room = this.chat.current;
      this.#field.value = this.#drafts.get(this.#room) ?? "";
      this.#saidAt = 0;
      this.#fit();
    }
    this.#field.placeholder = `Message ${this.#room}`;
    setText(byId("text-label"), `Message to ${this.#room}`);
  }

  #send(): void {
    const text = this.#field.value.trim();
    if (text === "" || this.#problem(text) !== "") return;
    this.chat.write(this.#room, text);
    this.#field.value = "";
    this.#fit();
    // The message itself tells the others that the typing is over.
    this.#saidAt = 0;
    void this.connection.flush();
  }

  #typed(): void {
    this.#fit();
    this.#say(this.#field.value.trim() !== "");
  }

  #say(typing: boolean): void {
    const now = Date.now();
    if (typing && now - this.#saidAt < SAY_EVERY) return;
    if (!typing && this.#saidAt === 0) return;
    this.#saidAt = typing ? now : 0;
    this.connection.typing(this.#room, typing);
  }

  #fit(): void {
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(this.#field.scrollHeight, TALLEST)}px`;
    this.#field.style.overflowY = this.#field.scrollHeight > TALLEST ? "auto" : "hidden";
    const text = this.#field.value.trim();
    const problem = this.#problem(text);
    const left = this.#left(text);
    const place = byId("text-left");
    place.hidden = problem === "" && left > 200;
    place.classList.toggle("over", problem !== "");
    setText(place, problem || String(left));
    byId<HTMLButtonElement>("send").disabled = text === "" || problem !== "";
  }

  /** Why the server would refuse this, in a few signs; "" if it would not. */
  #problem(text: string): string {
    if (this.#left(text) < 0) return String(this.#left(text));
    return controlInText(text) ? "control characters" : "";
  }

  #left(text: string): number {
    return this.chat.limits.text - Array.from(text).length;
  }
}
