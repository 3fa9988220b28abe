// Asking for a name: once at the door, and whenever somebody wants another one.

import { byId, setText } from "./dom";
import { controlIn } from "./words";

export class NameDialog {
  readonly #dialog = byId<HTMLDialogElement>("name-dialog");
  readonly #field = byId<HTMLInputElement>("name");
  readonly #cancel = byId<HTMLButtonElement>("name-cancel");
  /** At the door, and not in yet. */
  #waiting = false;
  #take: (name: string) => Promise<string | null> = async () => null;

  constructor() {
    byId("name-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#cancel.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      // Nobody gets in without a name; Escape closes a dialog whatever its page thinks of it.
      if (this.#waiting) this.#show();
      else byId("text").focus();
    });
  }

  /** `take` answers with what is wrong with the name, or null. */
  ask(at: "door" | "change", name: string, take: (name: string) => Promise<string | null>, problem = ""): void {
    this.#take = take;
    this.#waiting = at === "door";
    this.#cancel.hidden = at === "door";
    this.#dialog.classList.toggle("at-door", at === "door");
    setText(byId("name-title"), at === "door" ? "Welcome to the river" : "Another name");
    setText(byId("name-words"), at === "door" ? "Pick a name and swim along: no account, no password." : "Everybody sees it at once. What was said before keeps the old one.");
    setText(byId("name-ok"), at === "door" ? "Enter the chat" : "Change");
    setText(byId("name-problem"), problem);
    this.#field.value = name;
    this.#show();
  }

  #show(): void {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field.focus();
    this.#field.select();
  }

  async #submit(): Promise<void> {
    const name = this.#field.value.trim().replace(/\s+/g, " ");
    const problem = problemOf(name) ?? (await this.#take(name));
    setText(byId("name-problem"), problem ?? "");
    if (problem !== null) return this.#field.focus();
    this.#waiting = false;
    this.#dialog.close();
  }
}

function problemOf(name: string): string | null {
  if (name === "") return "Please type a name.";
  return controlIn(name) ? "A name has no control characters." : null;
}
