import { dialog } from "./dialogs";

export type Command = { label: string; hint: string; run: () => void };

// Pages of the side bar and whatever the page marks with data-command, found by the letters typed.
function commands(): Command[] {
  const pages = [...document.querySelectorAll<HTMLAnchorElement>(".nav")].map((link) => ({
    label: link.dataset.label ?? "",
    hint: link.dataset.key ? `g ${link.dataset.key}` : "",
    run: () => link.click(),
  }));
  const actions = [...document.querySelectorAll<HTMLElement>("[data-command]")].map((element) => ({
    label: element.dataset.command ?? "",
    hint: "",
    run: () => element.click(),
  }));
  return [...pages, ...actions];
}

export function fits(label: string, typed: string): boolean {
  let from = 0;
  for (const letter of typed.toLowerCase()) {
    from = label.toLowerCase().indexOf(letter, from) + 1;
    if (!from) return false;
  }
  return true;
}

// A list in a dialog that what one types makes shorter; chosen by arrow keys or pointer.
export class Palette {
  private shown: Command[] = [];
  private selected = 0;

  constructor(
    private frame: HTMLDialogElement,
    private input: HTMLInputElement,
    private list: HTMLElement,
    private find: (typed: string) => Command[] | Promise<Command[]>,
    private more?: (typed: string) => Promise<Command[]>,
  ) {
    input.addEventListener("input", () => void this.search());
    input.addEventListener("keydown", (event) => this.key(event));
  }

  open(): void {
    this.input.value = "";
    this.frame.showModal();
    void this.search();
  }

  private async search(): Promise<void> {
    const typed = this.input.value;
    const found = await this.find(typed);
    if (typed !== this.input.value) return; // a newer answer is on its way
    this.shown = found;
    this.show(0);
    const later = (await this.more?.(typed)) ?? [];
    if (typed !== this.input.value || !later.length) return;
    this.shown = [...found, ...later];
    this.show(this.selected);
  }

  private key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.show((this.selected + step + this.shown.length) % Math.max(this.shown.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.go(this.shown[this.selected]);
    }
  }

  private show(selected: number): void {
    this.selected = selected;
    this.list.replaceChildren(...this.shown.map((command, index) => this.option(command, index)));
    this.input.setAttribute("aria-activedescendant", this.shown.length ? `${this.list.id}-${selected}` : "");
    this.list.children[selected]?.scrollIntoView({ block: "nearest" });
  }

  private option(command: Command, index: number): HTMLElement {
    const item = document.createElement("li");
    const hint = document.createElement("span");
    hint.textContent = command.hint;
    item.role = "option";
    item.id = `${this.list.id}-${index}`;
    item.ariaSelected = String(index === this.selected);
    item.append(command.label, hint);
    item.addEventListener("click", () => this.go(command));
    return item;
  }

  private go(command?: Command): void {
    this.frame.close();
    command?.run();
  }
}

type Hit = { title: string; note: string; url: string };

const PAUSE = 150; // ms without a letter before the server is asked
let asked: AbortController | undefined;

// Records of the workspace that the server finds.
async function records(source: string, typed: string): Promise<Command[]> {
  asked?.abort();
  if (typed.trim().length < 2) return [];
  const { signal } = (asked = new AbortController());
  try {
    await new Promise((done) => setTimeout(done, PAUSE));
    const answer = await fetch(`${source}?q=${encodeURIComponent(typed)}`, { headers: { Accept: "application/json" }, signal });
    const { hits } = (answer.ok ? await answer.json() : { hits: [] }) as { hits: Hit[] };
    return hits.map((hit) => ({ label: hit.title, hint: hit.note, run: () => location.assign(hit.url) }));
  } catch {
    return []; // more was typed, or the server is away: pages and actions are there all the same
  }
}

export function startPalette(): void {
  let palette: Palette | undefined;
  const open = (): void => {
    const shown = dialog("palette");
    if (!shown) return;
    const find = (typed: string): Command[] => commands().filter((command) => fits(command.label, typed));
    const { source } = shown.dataset;
    const more = source ? (typed: string): Promise<Command[]> => records(source, typed) : undefined;
    palette ??= new Palette(shown, shown.querySelector("input")!, shown.querySelector("ul")!, find, more);
    palette.open();
  };
  addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key === "k") {
      event.preventDefault();
      open();
    }
  });
  document.addEventListener("click", (event) => {
    if (!(event.target as Element).closest("[data-act=palette]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open();
  });
}
