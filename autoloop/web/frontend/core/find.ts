import { dialog } from "./dialogs";
import { type Command, fits, Palette } from "./palette";

type Choice = { value: string; title: string; note: string };

let finder: Palette | undefined;
let button: HTMLElement | undefined;

// <button data-find="id of a select" data-source="where the server looks for more">: choose by typing.
// <button data-insert="text" data-into="id of a field">: put the text where the field's cursor stands.
export function startFinders(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const asked = target.closest<HTMLElement>("[data-find]");
    if (asked) open(asked);
    const piece = target.closest<HTMLElement>("[data-insert]");
    if (piece) insert(piece);
  });
}

function open(asked: HTMLElement): void {
  const shown = dialog("find");
  if (!shown) return;
  button = asked;
  shown.ariaLabel = asked.ariaLabel;
  finder ??= new Palette(shown, shown.querySelector("input")!, shown.querySelector("ul")!, find);
  finder.open();
}

const field = (): HTMLSelectElement | null => document.querySelector(`#${CSS.escape(button?.dataset.find ?? "")}`);

async function find(typed: string): Promise<Command[]> {
  const select = field();
  const held = [...(select?.options ?? [])].filter((option) => option.value);
  const own = held.filter((option) => fits(option.text, typed)).map((option) => command(option.value, option.text));
  const source = button?.dataset.source;
  if (!source || !typed.trim()) return own;
  const answer = await fetch(`${source}&q=${encodeURIComponent(typed)}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return own;
  const more = ((await answer.json()) as { choices: Choice[] }).choices;
  const known = new Set(own.map((each) => each.key));
  return [...own, ...more.filter((each) => !known.has(each.value)).map((each) => command(each.value, each.title, each.note))];
}

function command(value: string, label: string, hint = ""): Command & { key: string } {
  return { key: value, label, hint, run: () => choose(value, label) };
}

function choose(value: string, label: string): void {
  const select = field();
  if (!select) return;
  if (![...select.options].some((option) => option.value === value)) select.add(new Option(label, value));
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  select.focus();
}

function insert(piece: HTMLElement): void {
  const into = document.getElementById(piece.dataset.into ?? "");
  if (!(into instanceof HTMLInputElement || into instanceof HTMLTextAreaElement)) return;
  into.focus();
  into.setRangeText(piece.dataset.insert ?? "", into.selectionStart ?? 0, into.selectionEnd ?? 0, "end");
  into.dispatchEvent(new Event("input", { bubbles: true }));
}
