// What one does to the draft from the canvas, with the places that follow from it.
import type { Node } from "@xyflow/svelte";
import { places } from "./drawing";
import { type Doc, ERROR, moved, type Point, portOf, putIn, waysOf, type Where } from "./graph";
import { below, freePlace, WIDTH, widthFor } from "./layout";
import type { StepOffer } from "./server";

const ROW = 160;

// A new step where one expects it: behind its port, or pushing down what comes after it.
export function added(doc: Doc, nodes: readonly Node[], offer: StepOffer, where: Where, free: Point): { doc: Doc; id: string } {
  const stand = places(nodes);
  const after = where.after === undefined ? undefined : nodes.find((node) => node.id === where.after);
  const next = where.to ?? follower(doc, where);
  const target = next === undefined ? undefined : stand.get(next);
  const on = offer.ports[0] ?? "next";
  const pushed = target ?? (where.first ? highest(stand) : undefined);
  if (pushed) {
    const lower = [...stand].filter(([id, at]) => at.y >= pushed.y && id !== where.after);
    const made = moved(doc, new Map(lower.map(([id, at]) => [id, { x: at.x, y: at.y + ROW }])));
    return putIn(made, offer.name, on, pushed, where);
  }
  const wanted = after ? behind(after, where.port ?? "next") : free;
  return putIn(doc, offer.name, on, freePlace(stand, wanted), where);
}

// What the port led to comes after the new step.
function follower(doc: Doc, { after, port = "next" }: Where): string | undefined {
  const led = waysOf(doc.graph).find((way) => way.from === after && portOf(way) === port);
  return port === ERROR ? undefined : led?.to;
}

function highest(stand: ReadonlyMap<string, Point>): Point | undefined {
  return [...stand.values()].reduce<Point | undefined>((best, at) => (!best || at.y < best.y ? at : best), undefined);
}

function behind(node: Node, port: string): Point {
  const ports = node.data.ports as string[];
  const index = Math.max(0, ports.indexOf(port));
  const middle = (widthFor(ports.length) * (index + 0.5)) / Math.max(1, ports.length);
  const spread = ports.length > 1 ? (index - (ports.length - 1) / 2) * (WIDTH / 2) : 0;
  return below({ x: Math.round(node.position.x + middle - WIDTH / 2 + spread), y: node.position.y + ((node.measured?.height ?? 76) - 76) });
}
