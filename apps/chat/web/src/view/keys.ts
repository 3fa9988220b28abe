// Everything can be done without a mouse; this is the list of what goes faster by keys, and what obeys it.

import { byId, make } from "./dom";

export interface Doings {
  nextRoom(step: number): void;
  nextUnread(): void;
  joinField(): void;
  message(): void;
  messages(): void;
  toEnd(): void;
  people(): void;
  escape(): void;
}

const mac = /mac|iphone|ipad/i.test(navigator.platform);
const CTRL = mac ? "⌘" : "Ctrl";
const ALT = mac ? "⌥" : "Alt";

const KEYS: [string[], string][] = [
  [["Enter"], "Send the message"],
  [["Shift", "Enter"], "Start a new line"],
  [[ALT, "↑"], "The room above"],
  [[ALT, "↓"], "The room below"],
  [[ALT, "N"], "The next room with unread messages"],
  [[CTRL, "K"], "Join or make a room"],
  [[ALT, "M"], "Into the messages; arrow keys scroll"],
  [[ALT, "P"], "Who is here"],
  [["Esc"], "Back to the message field and to the newest message"],
  [[CTRL, "/"], "This list"],
];

export function listenToKeys(doings: Doings): void {
  byId("key-list").append(...KEYS.map(row));
  for (const kbd of document.querySelectorAll("kbd")) kbd.textContent = kbd.textContent.replace("Ctrl", CTRL);
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    if (obeyed(event, doings)) event.preventDefault();
  });
  byId("show-keys").addEventListener("click", showKeys);
}

function showKeys(): void {
  byId<HTMLDialogElement>("keys-dialog").showModal();
}

function obeyed(event: KeyboardEvent, doings: Doings): boolean {
  const ctrl = (event.ctrlKey || event.metaKey) && !event.altKey;
  const alt = event.altKey && !event.ctrlKey && !event.metaKey;
  // `code`, since Alt writes other letters on some keyboards.
  if (ctrl && event.code === "KeyK") doings.joinField();
  else if (ctrl && event.key === "/") showKeys();
  else if (alt && event.key === "ArrowUp") doings.nextRoom(-1);
  else if (alt && event.key === "ArrowDown") doings.nextRoom(1);
  else if (alt && event.code === "KeyN") doings.nextUnread();
  else if (alt && event.code === "KeyM") doings.messages();
  else if (alt && event.code === "KeyP") doings.people();
  else if (event.key === "Escape") doings.escape();
  else return false;
  return true;
}

function row([keys, words]: [string[], string]): HTMLElement {
  const caps = keys.map((key) => make("kbd", {}, key));
  return make("div", {}, make("dt", {}, ...caps), make("dd", {}, words));
}
