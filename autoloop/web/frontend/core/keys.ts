const TYPING = "input, textarea, select, [contenteditable]";
const PAUSE = 900; // milliseconds between “g” and its letter

// “g” then a letter goes to a page, “/” searches.
export function startKeys(): void {
  let waited = -PAUSE;
  addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || (event.target as Element).closest?.(TYPING)) return;
    if (event.key === "g") {
      waited = event.timeStamp;
    } else if (event.timeStamp - waited < PAUSE) {
      waited = -PAUSE;
      document.querySelector<HTMLAnchorElement>(`.nav[data-key="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "/") {
      const search = document.querySelector<HTMLInputElement>("[type=search]");
      if (search) event.preventDefault();
      search?.focus();
    }
  });
}
