// The few lines that stand between this page and the document. Text from people goes in as text, never as markup.

/** An element of index.html. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element #${id}`);
  return element as T;
}

type Child = Node | string | null | false | undefined;

/** Makes an element: `make("p", { class: "words" }, "Hello")`. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

/** Sets a text only where it differs, so that nothing is read out or selected anew without need. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `wanted`, by key: what is there already stays the same element, so that
 * focus, selection and scroll position survive.
 */
export function reconcile<T>(
  parent: HTMLElement,
  wanted: readonly T[],
  key: (item: T) => string,
  print: (item: T) => string,
  draw: (item: T) => HTMLElement,
): void {
  const present = new Map<string, HTMLElement>();
  for (const child of parent.children) present.set((child as HTMLElement).dataset.key ?? "", child as HTMLElement);
  let before = parent.firstElementChild;
  for (const item of wanted) {
    const name = key(item);
    const look = print(item);
    let element = present.get(name);
    present.delete(name);
    if (element && element.dataset.look !== look) {
      const fresh = draw(item);
      if (before === element) before = fresh;
      element.replaceWith(fresh);
      element = fresh;
    }
    element ??= draw(item);
    element.dataset.key = name;
    element.dataset.look = look;
    if (before === element) before = element.nextElementSibling;
    else parent.insertBefore(element, before);
  }
  for (const old of present.values()) old.remove();
}
