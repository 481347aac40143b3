// Where a way turns aside on its way down, so that it runs behind no step.
import type { Node } from "@xyflow/svelte";
import type { Point } from "./graph";
import { BETWEEN_ROWS, heightFor, widthFor } from "./layout";

const GAP = 20; // what Svelte Flow keeps straight at either end
const HALF = BETWEEN_ROWS / 2;

type Box = { id: string; left: number; right: number; top: number; bottom: number };

export function boxesOf(nodes: readonly Node[]): Map<string, Box> {
  const box = (node: Node): Box => {
    const { x, y } = node.position;
    const width = node.measured?.width ?? widthFor((node.data.ports as string[] | undefined)?.length ?? 1);
    const height = node.measured?.height ?? heightFor(0);
    return { id: node.id, left: x, right: x + width, top: y, bottom: y + height };
  };
  return new Map(nodes.map((node) => [node.id, box(node)]));
}

// The share of the height after which it turns: half of it, unless a turn near an end meets fewer steps.
export function bendOf(boxes: ReadonlyMap<string, Box>, source: Box, target: Box, port: number): number {
  const from = { x: source.left + (source.right - source.left) * port, y: source.bottom };
  const to = { x: (target.left + target.right) / 2, y: target.top };
  const height = to.y - from.y;
  if (height < 2 * BETWEEN_ROWS) return 0.5;
  const others = [...boxes.values()].filter((box) => box !== source && box !== target);
  const met = (y: number): number => others.filter((box) => crosses(box, from, to, y)).length;
  const [best] = [from.y + height / 2, from.y + HALF, to.y - HALF]
    .map((y) => ({ y, met: met(y) }))
    .sort((one, other) => one.met - other.met);
  return (best!.y - from.y - GAP) / (height - 2 * GAP);
}

// Down to y, across, and down again.
function crosses(box: Box, from: Point, to: Point, y: number): boolean {
  const down = (x: number, top: number, bottom: number): boolean =>
    box.left < x && x < box.right && box.top < bottom && top < box.bottom;
  const across = box.top < y && y < box.bottom && box.left < Math.max(from.x, to.x) && Math.min(from.x, to.x) < box.right;
  return across || down(from.x, from.y, y) || down(to.x, y, to.y);
}
