// Where steps stand: as somebody put them, else as dagre lays them out. Fetched only where it is needed.
import { type Doc, nodesOf, type Point, portOf, startOf, waysOf } from "./graph";

export const WIDTH = 240;
const PORT_WIDTH = 92; // what the name of a port needs
const HEIGHT = 76;
export const BETWEEN_ROWS = 92;
const BETWEEN = 56;
const BEGIN = "trigger:";

export const widthFor = (ports: number): number => Math.max(WIDTH, ports * PORT_WIDTH);
export const heightFor = (problems: number): number => (problems ? 104 : 56); // before it is measured
export const isTrigger = (id: string): boolean => id.startsWith(BEGIN);
export const triggerId = (index: number): string => `${BEGIN}${index}`;
export const triggerIndex = (id: string): number => Number(id.slice(BEGIN.length));

export type Size = { width: number; height: number };
export type Sizes = (id: string) => Size;
export type Ports = (id: string) => string[];

export const placed = (position: Partial<Point> | undefined): position is Point =>
  Number.isFinite(position?.x) && Number.isFinite(position?.y);

type Places = ReadonlyMap<string, Point>;

// Places of all steps: the draft's own where it has them, else where they are drawn `now`.
export async function placesOf(doc: Doc, now: Places, sizes: Sizes, ports: Ports): Promise<Map<string, Point>> {
  const nodes = nodesOf(doc.graph);
  const own = new Map<string, Point>();
  for (const node of nodes) {
    const place = placed(node.position) ? node.position : now.get(node.id);
    if (place) own.set(node.id, place);
  }
  if (own.size === nodes.length) return own;
  const laid = await tidied(doc, sizes, ports);
  if (!own.size) return laid;
  for (const node of nodes) {
    if (!own.has(node.id)) own.set(node.id, freePlace(own, near(doc, node.id, own)));
  }
  return own;
}

// Below what leads to it, else below everything.
function near(doc: Doc, id: string, places: Places): Point {
  const before = waysOf(doc.graph).find((way) => way.to === id && places.has(way.from));
  if (before) return below(places.get(before.from)!);
  const lowest = Math.max(0, ...[...places.values()].map((place) => place.y));
  return { x: 0, y: lowest + HEIGHT + BETWEEN_ROWS };
}

export const below = (place: Point): Point => ({ x: place.x, y: place.y + HEIGHT + BETWEEN_ROWS });

// The nearest place to the right of one that nothing stands on.
export function freePlace(places: Places, wanted: Point): Point {
  const taken = (at: Point): boolean =>
    [...places.values()].some((each) => Math.abs(each.x - at.x) < WIDTH + 16 && Math.abs(each.y - at.y) < HEIGHT + 16);
  let at = wanted;
  while (taken(at)) at = { x: at.x + WIDTH + BETWEEN, y: at.y };
  return at;
}

export async function tidied(doc: Doc, sizes: Sizes, ports: Ports): Promise<Map<string, Point>> {
  const { default: dagre } = await import("@dagrejs/dagre");
  const graph = new dagre.graphlib.Graph().setGraph({ rankdir: "TB", ranksep: BETWEEN_ROWS, nodesep: BETWEEN });
  graph.setDefaultEdgeLabel(() => ({}));
  const nodes = nodesOf(doc.graph);
  const start = startOf(doc.graph);
  for (const node of [...nodes].sort((one, other) => Number(other.id === start) - Number(one.id === start))) {
    graph.setNode(node.id, { ...sizes(node.id) });
  }
  for (const way of waysOf(doc.graph)) graph.setEdge(way.from, way.to);
  try {
    dagre.layout(graph, { constraints: inOrder(doc, ports) });
  } catch {
    dagre.layout(graph); // what one port asks for is not what another asks for
  }
  return new Map(
    nodes.map((node) => {
      const at = graph.node(node.id) as Point & { width: number; height: number };
      return [node.id, { x: Math.round(at.x - at.width / 2), y: Math.round(at.y - at.height / 2) }];
    }),
  );
}

// What the first port leads to stands left of what the second leads to.
function inOrder(doc: Doc, ports: Ports): { left: string; right: string }[] {
  const ways = waysOf(doc.graph);
  const asked = new Map<string, { left: string; right: string }>();
  for (const node of nodesOf(doc.graph)) {
    const order = ports(node.id);
    const mine = ways.filter((way) => way.from === node.id);
    mine.sort((one, other) => order.indexOf(portOf(one)) - order.indexOf(portOf(other)));
    const targets = [...new Set(mine.map((way) => way.to))];
    targets.slice(1).forEach((right, index) => {
      const left = targets[index]!;
      if (!asked.has(`${right}>${left}`)) asked.set(`${left}>${right}`, { left, right });
    });
  }
  return [...asked.values()];
}

// Triggers stand in a row above the first step, wherever that is.
export function triggerPlaces(count: number, start: Point | undefined, startWidth: number): Point[] {
  const middle = (start?.x ?? 0) + startWidth / 2;
  const whole = count * WIDTH + (count - 1) * BETWEEN;
  const y = (start?.y ?? HEIGHT + BETWEEN_ROWS) - HEIGHT - BETWEEN_ROWS + 12;
  return Array.from({ length: count }, (_each, index) => ({ x: middle - whole / 2 + index * (WIDTH + BETWEEN), y }));
}
