// From the draft to what is drawn: nodes and edges of the canvas.
import type { Edge, Node } from "@xyflow/svelte";
import { bendOf, boxesOf } from "./bends";
import type { Draft } from "./draft.svelte";
import { type GraphNode, keyOf, nodesOf, portOf, type Point, type Way, waysOf } from "./graph";
import { isTrigger, triggerId, triggerPlaces, widthFor } from "./layout";
import { type Problem, type Props, say, type Start, type Step } from "./server";

const TRIGGER_WAY = "start:";

export type Picture = { nodes: Node[]; edges: Edge[] };

// What is known of a step, or, before the server has told of it, what its type says.
export function stepOf(draft: Draft, node: GraphNode, types: Props["types"]): Step {
  const type = types.steps.find((each) => each.name === node.type);
  const fresh = { line: "", lost: !type, problems: [], here: 0, left: {} };
  const looks = type ?? { title: node.type, family: "plugin", icon: "activity", ports: [] };
  const { title, family, icon, ports } = looks;
  return draft.step(node.id) ?? { title, family, icon, ports, ...fresh };
}

// `before` keeps what is selected and measured.
export function picture(draft: Draft, props: Props, before: Picture): Picture {
  const held = new Map(before.nodes.map((node) => [node.id, node]));
  const ways = waysOf(draft.doc.graph);
  const used = new Map<string, string[]>();
  for (const way of ways) used.set(way.from, [...(used.get(way.from) ?? []), portOf(way)]);
  const steps = nodesOf(draft.doc.graph).map((node) => {
    const drawn = stepNode(node, stepOf(draft, node, props.types), used.get(node.id) ?? []);
    return { ...held.get(node.id), ...drawn };
  });
  const first = steps.find((node) => node.id === draft.start);
  const triggers = startNodes(draft, props, first).map((node) => ({ ...held.get(node.id), ...node }));
  const picked = new Set(before.edges.filter((edge) => edge.selected).map((edge) => edge.id));
  const edges = wayEdges(ways, steps, props).map((edge) => ({ ...edge, selected: picked.has(edge.id) }));
  const led = first ? triggers.map((node) => startEdge(node, first, props)) : [];
  return { nodes: [...triggers, ...steps], edges: [...led, ...edges] };
}

function stepNode(node: GraphNode, step: Step, used: readonly string[]): Node {
  const ports = [...new Set([...step.ports, ...used])];
  const data = { step, note: node.note ?? "", ports, open: ports.filter((port) => !used.includes(port)) };
  const position = { x: node.position?.x ?? 0, y: node.position?.y ?? 0 };
  return { id: node.id, type: "step", position, data, ariaLabel: spoken(step) };
}

function wayEdges(ways: readonly Way[], steps: readonly Node[], props: Props): Edge[] {
  const nodes = new Map(steps.map((node) => [node.id, node]));
  const boxes = boxesOf(steps);
  return ways.map((way): Edge => {
    const [source, target] = [nodes.get(way.from)!, nodes.get(way.to)!];
    const ports = source.data.ports as string[];
    const said = { from: titleOf(source), to: titleOf(target), port: portOf(way) };
    const place = (ports.indexOf(portOf(way)) + 0.5) / ports.length;
    const bend = bendOf(boxes, boxes.get(way.from)!, boxes.get(way.to)!, place);
    const data = { port: portOf(way), insert: say(props.words.add_between, said), bend };
    const ends = { source: way.from, sourceHandle: portOf(way), target: way.to };
    return { id: keyOf(way), type: "way", ...ends, data, ariaLabel: say(props.words.way, said) };
  });
}

// Triggers stand above the first step: their places follow from its own.
function startNodes(draft: Draft, props: Props, first: Node | undefined): Node[] {
  const triggers = draft.doc.triggers;
  const width = widthFor((first?.data.ports as string[] | undefined)?.length ?? 1);
  const places = triggerPlaces(triggers.length, first?.position, width);
  return triggers.map((trigger, index): Node => {
    const title = props.types.triggers.find((each) => each.name === trigger?.type)?.title ?? "?";
    const start = draft.drawn.starts[index] ?? { title, line: "", lost: false, problems: [] };
    const still = { draggable: false, ariaLabel: spoken(start) };
    return { id: triggerId(index), type: "trigger", position: places[index]!, data: { start }, ...still };
  });
}

function startEdge(node: Node, first: Node, props: Props): Edge {
  const said = { from: (node.data.start as Start).title, to: titleOf(first), port: "next" };
  const ends = { source: node.id, sourceHandle: "next", target: first.id };
  const still = { selectable: false, focusable: false, deletable: false };
  return { id: TRIGGER_WAY + node.id, type: "way", ...ends, ...still, ariaLabel: say(props.words.way, said) };
}

const titleOf = (node: Node): string => (node.data.step as Step).title;
const spoken = (it: { title: string; line: string; problems: Problem[] }): string =>
  [it.title, it.line, ...it.problems.map((each) => each.message)].filter(Boolean).join(". ");

// Where steps stand on the canvas now, by id.
export const places = (nodes: readonly Node[]): Map<string, Point> =>
  new Map(nodes.filter((node) => !isTrigger(node.id)).map((node) => [node.id, node.position]));
