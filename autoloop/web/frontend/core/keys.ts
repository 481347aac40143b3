import { dialog } from "./dialogs";

const TYPING = "input, textarea, select, [contenteditable]";
const PAUSE = 900; // milliseconds between “g” and its letter
const OFF = "single-keys-off";

const first = <T extends HTMLElement>(selector: string): T | null => document.querySelector<T>(selector);

// What one key does. “g” then a letter, for pages, is in `startKeys`.
const KEYS: Record<string, () => void> = {
  "/": () => first("main [type=search]")?.focus(),
  "?": () => list(),
  n: () => first(".head a.primary, .head button.primary")?.click(),
  j: () => step(1),
  k: () => step(-1),
};

// One letter alone can be switched off, for people who speak to their computer (WCAG 2.1.4).
export function startKeys(): void {
  let waited = -PAUSE;
  addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || (event.target as Element).closest?.(TYPING)) return;
    if (document.querySelector("dialog[open]") || localStorage.getItem(OFF)) return;
    if (event.timeStamp - waited < PAUSE) {
      waited = -PAUSE;
      first(`.nav[data-key="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "g") {
      waited = event.timeStamp;
    } else if (KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]?.();
    }
  });
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("[data-act=keys]")) list();
  });
}

// The next or previous row of a table, by its link.
function step(by: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("main .table tbody tr td a:first-of-type")];
  const here = links.indexOf(document.activeElement as HTMLElement);
  links[here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by]?.focus();
}

function list(): void {
  const shown = dialog("keys");
  if (!shown) return;
  const rows = shown.querySelector("dl")!;
  if (!rows.dataset.filled) {
    rows.dataset.filled = "yes";
    for (const link of document.querySelectorAll<HTMLAnchorElement>(".nav[data-key]:not([data-key=''])")) {
      rows.append(row(link.dataset.label ?? "", ["g", link.dataset.key ?? ""]));
    }
    const box = shown.querySelector<HTMLInputElement>("input[type=checkbox]")!;
    box.checked = !localStorage.getItem(OFF);
    box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "yes")));
  }
  shown.showModal();
}

function row(words: string, keys: string[]): HTMLElement {
  const line = document.createElement("div");
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = words;
  for (const key of keys) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    value.append(cap);
  }
  line.append(term, value);
  return line;
}
