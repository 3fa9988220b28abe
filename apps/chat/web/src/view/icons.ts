// Line icons on a 24 × 24 grid.

const PATHS: Record<string, string> = {
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  pencil: "M4 20l1-4.500L16.5 4a1.7 1.7 0 0 1 2.4 0l1.1 1.100a1.7 1.7 0 0 1 0 2.400L8.5 19 4 20ZM14.5 6l3.5 3.5",
  keyboard: "M4 6.500h16a1.5 1.5 0 0 1 1.5 1.500v8a1.5 1.5 0 0 1-1.5 1.500H4A1.5 1.5 0 0 1 2.5 16V8A1.5 1.5 0 0 1 4 6.500ZM6.5 10.300h.01M10.2 10.300h.01M13.9 10.300h.01M17.5 10.300h.01M8 14h8",
  menu: "M4 7h16M4 12h16M4 17h10",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.3-3.7 3-6 6.5-6s6.2 2.3 6.5 6M16 4.300a3.5 3.5 0 0 1 0 6.500M18.5 14.700c1.8 1 2.9 2.9 3 5.3",
  leave: "M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M4 12h11M11 8l4 4-4 4",
  send: "M12 19V5M5.5 11.500L12 5l6.5 6.5",
  down: "M12 5v14M5.5 12.500L12 19l6.5-6.5",
  check: "M5 12.500l4.5 4.500L19 7.5",
  checks: "M2 12.500l4.5 4.500L16 7.5M11.5 15.500l1.5 1.500L22.5 7.5",
  clock: "M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.500V12l3 2",
  problem: "M12 4l9 16H3l9-16ZM12 10v4.500M12 17.300h.01",
};

export function icon(name: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name] ?? "");
  svg.append(path);
  return svg;
}

/** Fills every `data-icon` of index.html. */
export function drawIcons(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-icon]")) {
    place.prepend(icon(place.dataset.icon!));
  }
}
