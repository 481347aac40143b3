// The keyboard of the canvas. What has the focus, else what is selected, is what a key acts on.
import type { Point } from "./graph";
import type { Words } from "./server";

const TYPING = "input, textarea, select, [contenteditable], dialog, .panel";
const ARROWS: Record<string, Point> = {
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
};
const SMALL = 12;
const LARGE = 60;

type Acts = {
  mayEdit: boolean;
  picked: () => Set<string>;
  pickAll: () => void;
  remove: (ids: ReadonlySet<string>) => void;
  nudge: (ids: ReadonlySet<string>, by: Point) => void;
  open: (id: string) => void;
  copy: (ids: ReadonlySet<string>) => string;
  paste: (text: string) => boolean;
  undo: () => void;
  redo: () => void;
  close: () => boolean; // false if nothing was open
};

const typing = (event: Event): boolean => event.target instanceof Element && event.target.closest(TYPING) !== null;

export class CanvasKeys {
  constructor(private acts: Acts) {}

  // Wherever the focus is on the page, but in what one types into.
  anywhere = (event: KeyboardEvent): void => {
    if (typing(event) || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !this.acts.mayEdit) return;
    if (key === "z") event.shiftKey ? this.acts.redo() : this.acts.undo();
    else if (key === "y") this.acts.redo();
    else return;
    event.preventDefault();
  };

  // On the canvas itself, before Svelte Flow sees it.
  inside = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.acts.close()) return this.done(event);
    if (typing(event) || event.altKey) return;
    const focused = this.focused(event);
    const chosen = this.acts.picked();
    const ids = focused && !chosen.has(focused) ? new Set([focused]) : chosen;
    const arrow = ARROWS[event.key];
    const strong = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && focused) this.done(event, () => this.acts.open(focused));
    else if (strong && event.key.toLowerCase() === "a") this.done(event, this.acts.pickAll);
    else if (!this.acts.mayEdit || strong) return;
    else if ((event.key === "Delete" || event.key === "Backspace") && ids.size) this.done(event, () => this.acts.remove(ids));
    else if (arrow && focused) {
      const by = event.shiftKey ? LARGE : SMALL;
      this.done(event, () => this.acts.nudge(ids, { x: arrow.x * by, y: arrow.y * by }));
    }
  };

  copied = (event: ClipboardEvent): void => {
    const chosen = this.acts.picked();
    if (typing(event) || !chosen.size || getSelection()?.toString()) return;
    event.clipboardData?.setData("text/plain", this.acts.copy(chosen));
    event.preventDefault();
  };

  pasted = (event: ClipboardEvent): void => {
    if (typing(event) || !this.acts.mayEdit) return;
    if (this.acts.paste(event.clipboardData?.getData("text/plain") ?? "")) event.preventDefault();
  };

  // The step or way that has the focus itself, not a button in it.
  private focused(event: Event): string | undefined {
    const target = event.target as HTMLElement;
    return target.matches(".svelte-flow__node, .svelte-flow__edge") ? target.dataset.id : undefined;
  }

  private done(event: Event, act?: () => void): void {
    event.preventDefault();
    event.stopPropagation();
    act?.();
  }
}

// What Svelte Flow tells screen readers.
export const keyHints = (words: Words): Words => ({
  "node.a11yDescription.default": words.step_keys ?? "",
  "node.a11yDescription.keyboardDisabled": words.step_keys ?? "",
  "edge.a11yDescription.default": words.way_keys ?? "",
  "minimap.ariaLabel": words.minimap ?? "",
});
