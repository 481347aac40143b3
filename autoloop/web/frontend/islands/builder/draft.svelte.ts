// The draft under the canvas: what is drawn, what was before it, and whether the server has it.
import { type Doc, startOf } from "./graph";
import { type Drawn, fetchDrawn, type Props, saveDrawn, type Step } from "./server";

const KEPT = 200; // states that Undo goes back to
const FIRST_PAUSE = 1_000; // milliseconds before the next try, doubled each time
const LONGEST_PAUSE = 30_000;

export type Saved = "saved" | "saving" | "offline" | "conflict" | "refused";

export class Draft {
  doc = $state.raw<Doc>({ graph: {}, triggers: [] });
  drawn = $state.raw<Drawn>(null!);
  saved = $state<Saved>("saved");
  refusal = $state("");
  past = $state.raw<Doc[]>([]);
  future = $state.raw<Doc[]>([]);

  // Words of steps that were there once: Undo brings the step back before the server has told of it again.
  private known: Record<string, Step> = {};
  private unsaved = false;
  private going: Promise<void> | null = null;
  private theirs: Drawn | null = null;
  private pause = FIRST_PAUSE;
  private timer = 0;

  constructor(
    private props: Props,
    private told: () => void, // called when `doc` or `drawn` is another
  ) {
    this.drawn = props.drawn;
    this.known = props.drawn.steps;
    this.doc = { graph: props.drawn.graph, triggers: props.drawn.triggers };
    addEventListener("online", this.retry);
    addEventListener("beforeunload", this.warn);
    addEventListener("focus", this.look);
    addEventListener("pageshow", this.look);
  }

  stop(): void {
    clearTimeout(this.timer);
    removeEventListener("online", this.retry);
    removeEventListener("beforeunload", this.warn);
    removeEventListener("focus", this.look);
    removeEventListener("pageshow", this.look);
  }

  // One act of the person: it can be undone, and is saved at once.
  change(doc: Doc): void {
    if (doc === this.doc || !this.props.may_edit) return;
    this.past = [...this.past.slice(-KEPT), this.doc];
    this.future = [];
    this.put(doc);
  }

  undo(): void {
    const before = this.past.at(-1);
    if (!before) return;
    this.future = [this.doc, ...this.future];
    this.past = this.past.slice(0, -1);
    this.put(before);
  }

  redo(): void {
    const [after, ...rest] = this.future;
    if (!after) return;
    this.past = [...this.past, this.doc];
    this.future = rest;
    this.put(after);
  }

  private put(doc: Doc): void {
    this.doc = doc;
    this.unsaved = true;
    this.told();
    if (this.saved !== "conflict") void this.push();
  }

  step(id: string): Step | undefined {
    return this.known[id];
  }

  get start(): string | undefined {
    return startOf(this.doc.graph);
  }

  // True once the server has all that was done here.
  async settled(): Promise<boolean> {
    await (this.unsaved ? this.push() : this.going);
    return this.saved === "saved";
  }

  retry = (): void => {
    clearTimeout(this.timer);
    if (this.unsaved && this.saved !== "conflict") void this.push();
  };

  private push(): Promise<void> {
    clearTimeout(this.timer);
    this.going ??= this.pushAll().finally(() => (this.going = null));
    return this.going;
  }

  private async pushAll(): Promise<void> {
    if (this.saved === "refused") await this.renew();
    while (this.unsaved) {
      this.saved = this.saved === "offline" ? "offline" : "saving";
      const sent = this.doc;
      const answer = await saveDrawn(this.props.links.drawn, sent, this.drawn.etag, this.drawn.csrf);
      if (answer.kind === "drawn") {
        this.unsaved = this.doc !== sent;
        this.pause = FIRST_PAUSE;
        this.saved = this.unsaved ? "saving" : "saved";
        this.take(answer.drawn, this.doc);
      } else if (answer.kind === "conflict") {
        return this.meet();
      } else if (answer.kind === "lost") {
        this.saved = "offline";
        this.timer = window.setTimeout(this.retry, this.pause);
        this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
        return;
      } else {
        this.saved = "refused";
        this.refusal = answer.message;
        return;
      }
    }
  }

  // After signing in again the page's token is worth nothing: fetch another before the next try.
  private async renew(): Promise<void> {
    const answer = await fetchDrawn(this.props.links.drawn);
    if (answer.kind === "drawn") this.drawn = { ...this.drawn, csrf: answer.drawn.csrf };
  }

  // Somebody else saved. If it is just what we have (our own answer got lost), there is nothing to ask.
  private async meet(): Promise<void> {
    const answer = await fetchDrawn(this.props.links.drawn);
    if (answer.kind !== "drawn") {
      this.saved = "offline";
      this.timer = window.setTimeout(this.retry, this.pause);
      return;
    }
    if (same(answer.drawn, this.doc)) {
      this.unsaved = false;
      this.saved = "saved";
      return this.take(answer.drawn, this.doc);
    }
    this.theirs = answer.drawn;
    this.saved = "conflict";
  }

  loadTheirs(): void {
    if (!this.theirs) return;
    this.past = [...this.past.slice(-KEPT), this.doc];
    this.future = [];
    this.unsaved = false;
    this.saved = "saved";
    this.take(this.theirs, this.theirs);
    this.theirs = null;
  }

  keepMine(): void {
    if (!this.theirs) return;
    this.past = [...this.past.slice(-KEPT), { graph: this.theirs.graph, triggers: this.theirs.triggers }];
    this.future = [];
    this.saved = "saving";
    this.take(this.theirs, this.doc);
    this.theirs = null;
    void this.push();
  }

  // What changed elsewhere (a form in the drawer, another tab) is drawn here too, and can be undone here.
  async refresh(): Promise<void> {
    if (this.unsaved || this.going) return;
    const answer = await fetchDrawn(this.props.links.drawn);
    if (answer.kind !== "drawn" || this.unsaved || this.going) return;
    if (answer.drawn.etag === this.drawn.etag) return this.take(answer.drawn, this.doc); // counts only
    if (!same(answer.drawn, this.doc)) {
      this.past = [...this.past.slice(-KEPT), this.doc];
      this.future = [];
    }
    this.take(answer.drawn, answer.drawn);
  }

  private look = (): void => void this.refresh();

  private warn = (event: BeforeUnloadEvent): void => {
    if (this.unsaved) event.preventDefault();
  };

  private take(drawn: Drawn, doc: Doc): void {
    this.drawn = drawn;
    this.known = { ...this.known, ...drawn.steps };
    this.doc = doc === drawn ? { graph: drawn.graph, triggers: drawn.triggers } : doc;
    this.told();
  }
}

const same = (one: Doc, other: Doc): boolean =>
  JSON.stringify([one.graph, one.triggers]) === JSON.stringify([other.graph, other.triggers]);
