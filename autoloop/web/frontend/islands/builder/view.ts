// What of the canvas one sees, and where on it a point of the screen is.
import type { Node, useSvelteFlow } from "@xyflow/svelte";
import { boxesOf } from "./bends";
import type { Point } from "./graph";
import { WIDTH } from "./layout";

const DRAWER = 420; // pixels
const READABLE = 0.5; // smaller than this one only sees shapes
const OPENING = 0.8;
const TOOLS = 64; // pixels that the tools cover
const HALF: Point = { x: WIDTH / 2, y: 40 };

export class View {
  readonly narrow = matchMedia("(max-width: 700px)").matches;
  readonly still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  constructor(
    private flow: ReturnType<typeof useSvelteFlow>,
    private place: () => HTMLElement,
  ) {}

  fit = (duration = 300): void => {
    void this.flow.fitView({ padding: 0.18, maxZoom: 1, duration: this.still ? 0 : duration });
  };

  zoom(by: "zoomIn" | "zoomOut"): void {
    void this.flow[by]({ duration: this.still ? 0 : 150 });
  }

  // All of it, or where it begins if all of it would be too small to read.
  open(nodes: readonly Node[]): void {
    const { clientWidth, clientHeight } = this.place();
    const boxes = [...boxesOf(nodes).values()];
    const width = Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
    const top = Math.min(...boxes.map((box) => box.top));
    const height = Math.max(...boxes.map((box) => box.bottom)) - top;
    const first = nodes[0];
    if (!first || Math.min(clientWidth / width, clientHeight / height) * 0.82 > READABLE) return this.fit(0);
    const x = clientWidth / 2 - (first.position.x + HALF.x) * OPENING;
    void this.flow.setViewport({ x, y: TOOLS + 12 - top * OPENING, zoom: OPENING });
  }

  // Move the view if the step is not seen, or if the drawer stands on it.
  async bring(node: Node): Promise<void> {
    const { clientWidth, clientHeight } = this.place();
    const { x, y, zoom } = this.flow.getViewport();
    const [left, top] = [node.position.x * zoom + x, node.position.y * zoom + y];
    const [right, bottom] = [clientWidth - (this.narrow ? 0 : DRAWER), clientHeight * (this.narrow ? 0.4 : 1)];
    if (left > 0 && top > TOOLS && left + WIDTH * zoom < right && top + 90 * zoom < bottom) return;
    const aside = this.narrow ? { x: 0, y: clientHeight / 4 / zoom } : { x: DRAWER / 2 / zoom, y: 0 };
    const middle = { x: node.position.x + HALF.x + aside.x, y: node.position.y + HALF.y + aside.y };
    await this.flow.setCenter(middle.x, middle.y, { zoom, duration: this.still ? 0 : 250 });
  }

  // Where a step stands whose middle is at a point of the screen.
  at(screen: Point, half = HALF): Point {
    const at = this.flow.screenToFlowPosition(screen);
    return { x: Math.round(at.x - half.x), y: Math.round(at.y - half.y) };
  }

  middle(): Point {
    const box = this.place().getBoundingClientRect();
    return this.at({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  }
}
