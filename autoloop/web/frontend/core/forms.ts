import { toast } from "./toast";

const LONGEST = 10_000; // milliseconds that a button waits for its answer before it can be pressed again

// Forms work without this. It asks before what is hard to undo, and keeps a second click from sending twice.
export function startForms(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const button = event.submitter;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) event.preventDefault();
    if (button?.ariaBusy === "true") event.preventDefault();
    if (event.defaultPrevented || !button || form.method !== "post" || button.hasAttribute("formtarget")) return;
    button.ariaBusy = "true";
    setTimeout(() => (button.ariaBusy = null), LONGEST);
  });
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-busy]")) button.ariaBusy = null;
  });
  document.addEventListener("click", (event) => void copy((event.target as Element).closest("[data-copy]")));
  document.addEventListener("click", (event) => tickAll(event.target as Element));
}

// <button data-copy="id of a field or element" data-copied="words">
async function copy(button: Element | null): Promise<void> {
  if (!(button instanceof HTMLElement)) return;
  const source = document.getElementById(button.dataset.copy ?? "");
  const text = source instanceof HTMLInputElement ? source.value : source?.textContent;
  if (!navigator.clipboard) return (source as HTMLInputElement | null)?.select?.(); // plain http from afar
  await navigator.clipboard.writeText(text ?? "");
  toast(button.dataset.copied ?? "", "ok");
}

// A checkbox with data-all="name" ticks all of that name.
function tickAll(target: Element): void {
  if (!(target instanceof HTMLInputElement) || !target.dataset.all) return;
  for (const box of document.querySelectorAll<HTMLInputElement>(`input[name="${CSS.escape(target.dataset.all)}"]`)) {
    box.checked = target.checked;
  }
}
