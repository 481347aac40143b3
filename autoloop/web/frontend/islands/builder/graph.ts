// A draft's graph, changed by one act: documents in, documents out. What is not ours in them stays as it is.

export type Point = { x: number; y: number };
export type GraphNode = { id: string; type: string; position?: Partial<Point>; config?: object; note?: string };
export type Way = { id?: string; from: string; port?: string; to: string };
export type Settings = { start?: string | null; [name: string]: unknown };
export type Graph = { nodes?: unknown; edges?: unknown; settings?: Settings; [name: string]: unknown };
export type Trigger = { type: string; config?: object; [name: string]: unknown };
export type Doc = { graph: Graph; triggers: Trigger[] };

const GOAL = "goal";
export const ERROR = "error";

const isNode = (each: unknown): each is GraphNode =>
  typeof each === "object" && each !== null && typeof (each as GraphNode).id === "string";
const isWay = (each: unknown): each is Way =>
  typeof each === "object" && each !== null && typeof (each as Way).from === "string" && typeof (each as Way).to === "string";
const listed = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const nodesOf = (graph: Graph): GraphNode[] => {
  const seen = new Set<string>();
  return listed(graph.nodes).filter(isNode).filter((node) => !seen.has(node.id) && seen.add(node.id));
};

export const portOf = (way: Way): string => way.port ?? "next";
export const keyOf = (way: Way): string => `${way.from}>${portOf(way)}>${way.to}`;

// The ways whose ends are there, each once.
export function waysOf(graph: Graph): Way[] {
  const ids = new Set(nodesOf(graph).map((node) => node.id));
  const ways = new Map<string, Way>();
  for (const way of listed(graph.edges).filter(isWay)) {
    if (ids.has(way.from) && ids.has(way.to) && !ways.has(keyOf(way))) ways.set(keyOf(way), way);
  }
  return [...ways.values()];
}

// Where runs begin: what is chosen, else the only step that nothing leads to.
export function startOf(graph: Graph): string | undefined {
  const nodes = nodesOf(graph);
  const chosen = graph.settings?.start;
  if (chosen != null) return nodes.some((node) => node.id === chosen) ? chosen : undefined;
  const led = new Set(waysOf(graph).filter((way) => way.from !== way.to).map((way) => way.to));
  const found = nodes.filter((node) => !led.has(node.id));
  const roots = found.filter((node) => node.type !== GOAL);
  const left = roots.length ? roots : found;
  return left.length === 1 ? left[0]!.id : undefined;
}

const withGraph = (doc: Doc, graph: Partial<Graph>): Doc => ({ ...doc, graph: { ...doc.graph, ...graph } });
const starting = (graph: Graph, start: string | undefined): Settings => {
  const { start: _was, ...rest } = graph.settings ?? {};
  return start === undefined ? rest : { ...rest, start };
};

export function moved(doc: Doc, places: ReadonlyMap<string, Point>): Doc {
  const place = (node: GraphNode): GraphNode => {
    const at = places.get(node.id);
    return at ? { ...node, position: { x: Math.round(at.x), y: Math.round(at.y) } } : node;
  };
  return withGraph(doc, { nodes: listed(doc.graph.nodes).map((each) => (isNode(each) ? place(each) : each)) });
}

export function tied(doc: Doc, from: string, port: string, to: string): Doc {
  const way: Way = { from, port, to };
  if (waysOf(doc.graph).some((each) => keyOf(each) === keyOf(way))) return doc;
  return held(withGraph(doc, { edges: [...listed(doc.graph.edges), way] }), startOf(doc.graph));
}

export function begun(doc: Doc, start: string): Doc {
  return withGraph(doc, { settings: starting(doc.graph, start) });
}

export type Taken = { steps: ReadonlySet<string>; ways: ReadonlySet<string>; triggers: ReadonlySet<number> };

// Without these. Where a step had one way on, what led to it leads there, as in the outline.
export function takenOut(doc: Doc, taken: Taken): Doc {
  const begin = startOf(doc.graph);
  let edges = listed(doc.graph.edges).filter((each) => !isWay(each) || !taken.ways.has(keyOf(each)));
  let start = begin;
  for (const id of taken.steps) {
    const onward = new Set(edges.filter(isWay).filter((way) => way.from === id && way.to !== id).map((way) => way.to));
    const target = onward.size === 1 ? [...onward][0]! : undefined;
    edges = healed(edges, id, target);
    if (start === id) start = target;
  }
  const nodes = listed(doc.graph.nodes).filter((each) => !isNode(each) || !taken.steps.has(each.id));
  const made = withGraph(doc, { nodes, edges });
  const triggers = doc.triggers.filter((_each, index) => !taken.triggers.has(index));
  return { ...held(made, start), triggers };
}

function healed(edges: unknown[], id: string, target: string | undefined): unknown[] {
  const known = new Set(edges.filter(isWay).filter((way) => way.from !== id && way.to !== id).map(keyOf));
  return edges.flatMap((each) => {
    if (!isWay(each)) return [each];
    if (each.from === id) return [];
    if (each.to !== id) return [each];
    if (target === undefined || target === each.from) return [];
    const led = { ...each, to: target };
    if (known.has(keyOf(led))) return [];
    known.add(keyOf(led));
    return [led];
  });
}

// Where runs begin stays where it was, though the shape alone would say something else by now.
function held(doc: Doc, start: string | undefined): Doc {
  const ids = new Set(nodesOf(doc.graph).map((node) => node.id));
  if (start !== undefined && ids.has(start) && startOf(doc.graph) !== start) return begun(doc, start);
  if (doc.graph.settings?.start != null && !ids.has(doc.graph.settings.start)) {
    return withGraph(doc, { settings: starting(doc.graph, start !== undefined && ids.has(start) ? start : undefined) });
  }
  return doc;
}

export type Where = { after?: string; port?: string; to?: string; first?: boolean };

// A new step: between two others, behind a port (what the port led to comes after it, by `on`), first, or alone.
export function putIn(doc: Doc, type: string, on: string, at: Point, where: Where): { doc: Doc; id: string } {
  const id = freeId(doc.graph, type);
  const start = startOf(doc.graph);
  const node: GraphNode = { id, type, config: {}, position: { x: Math.round(at.x), y: Math.round(at.y) } };
  let edges = listed(doc.graph.edges);
  if (where.after !== undefined) {
    const port = where.port ?? "next";
    const follows = (each: unknown): each is Way =>
      isWay(each) && each.from === where.after && portOf(each) === port && (where.to === undefined || each.to === where.to);
    edges = edges.map((each) => (follows(each) && port !== ERROR ? { ...each, from: id, port: on } : each));
    edges = [...edges, { from: where.after, port, to: id }];
  } else if (where.first && start !== undefined) {
    edges = [...edges, { from: id, port: on, to: start }];
  }
  const made = withGraph(doc, { nodes: [...listed(doc.graph.nodes), node], edges });
  return { doc: held(made, where.first ? id : start), id };
}

// Steps of another place, with the ways between them: their ids are new where ours has them.
export function pasted(doc: Doc, nodes: GraphNode[], ways: Way[], by: Point): { doc: Doc; ids: string[] } {
  const names = new Map<string, string>();
  const start = startOf(doc.graph);
  let made = doc;
  for (const node of nodes) {
    const id = freeId(made.graph, node.type);
    names.set(node.id, id);
    const position = { x: (node.position?.x ?? 0) + by.x, y: (node.position?.y ?? 0) + by.y };
    made = withGraph(made, { nodes: [...listed(made.graph.nodes), { ...node, id, position }] });
  }
  const led = ways.flatMap((way) => {
    const [from, to] = [names.get(way.from), names.get(way.to)];
    return from && to ? [{ from, port: portOf(way), to }] : [];
  });
  made = withGraph(made, { edges: [...listed(made.graph.edges), ...led] });
  return { doc: held(made, start), ids: [...names.values()] };
}

// An id that says what it is: branch, branch_2 …
function freeId(graph: Graph, type: string): string {
  const word = /^[A-Za-z0-9_-]{1,56}$/.test(type) ? type : "step";
  const taken = new Set(listed(graph.nodes).filter(isNode).map((node) => node.id));
  let id = word;
  for (let count = 2; taken.has(id); count++) id = `${word}_${count}`;
  return id;
}
