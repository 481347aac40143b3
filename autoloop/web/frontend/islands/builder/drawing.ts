// From the draft to what is drawn: nodes and edges of the canvas.
import type { Edge, Node } from "@xyflow/svelte";
import type { Draft } from "./draft.svelte";
import { type GraphNode, keyOf, nodesOf, portOf, type Point, waysOf } from "./graph";
import { isTrigger, triggerId, triggerPlaces, widthFor } from "./layout";
import { say, type Props, type Step } from "./server";

const TRIGGER_WAY = "start:";

export type Picture = { nodes: Node[]; edges: Edge[] };

// What is known of a step, or, before the server has told of it, what its type says.
export function stepOf(draft: Draft, node: GraphNode, types: Props["types"]): Step {
  const type = types.steps.find((each) => each.name === node.type);
  const fresh = { line: "", lost: !type, problems: [], here: 0, left: {} };
  const looks = type ?? { title: node.type, family: "plugin", icon: "activity", ports: [] };
  return draft.step(node.id) ?? { title: looks.title, family: looks.family, icon: looks.icon, ports: looks.ports, ...fresh };
}

export function picture(draft: Draft, props: Props, before: Picture): Picture {
  const held = new Map(before.nodes.map((node) => [node.id, node]));
  const ways = waysOf(draft.doc.graph);
  const nodes = nodesOf(draft.doc.graph).map((node) => stepNode(node));
  const names = new Map(nodes.map((node) => [node.id, (node.data.step as Step).title]));
  const picked = new Set(before.edges.filter((edge) => edge.selected).map((edge) => edge.id));
  const edges = ways.map((way): Edge => {
    const said = { from: names.get(way.from) ?? way.from, to: names.get(way.to) ?? way.to, port: portOf(way) };
    const edge = { id: keyOf(way), source: way.from, sourceHandle: portOf(way), target: way.to, type: "way" };
    const data = { port: portOf(way), insert: say(props.words.add_between, said) };
    return { ...edge, data, selected: picked.has(edge.id), ariaLabel: say(props.words.way, said) };
  });
  return starts(nodes, edges);

  function stepNode(node: GraphNode): Node {
    const step = stepOf(draft, node, props.types);
    const mine = ways.filter((way) => way.from === node.id).map(portOf);
    const ports = [...new Set([...step.ports, ...mine])];
    const data = { step, note: node.note ?? "", ports, open: ports.filter((port) => !mine.includes(port)) };
    const problems = step.problems.map((each) => each.message);
    const ariaLabel = [step.title, step.line, ...problems].filter(Boolean).join(". ");
    const was = held.get(node.id);
    const position = { x: node.position?.x ?? 0, y: node.position?.y ?? 0 };
    return { ...was, id: node.id, type: "step", position, data, ariaLabel };
  }

  function starts(steps: Node[], tied: Edge[]): Picture {
    const first = steps.find((node) => node.id === draft.start);
    const width = first ? widthFor((first.data.ports as string[]).length) : widthFor(1);
    const triggers = draft.doc.triggers;
    const places = triggerPlaces(triggers.length, first?.position, width);
    const above = triggers.map((trigger, index): Node => {
      const id = triggerId(index);
      const title = props.types.triggers.find((each) => each.name === trigger?.type)?.title ?? "?";
      const start = draft.drawn.starts[index] ?? { title, line: "", lost: false, problems: [] };
      const ariaLabel = [start.title, start.line, ...start.problems.map((each) => each.message)].filter(Boolean).join(". ");
      return { ...held.get(id), id, type: "trigger", position: places[index]!, draggable: false, data: { start }, ariaLabel };
    });
    if (!first) return { nodes: [...above, ...steps], edges: tied };
    const led = above.map((node): Edge => {
      const said = { from: (node.data.start as { title: string }).title, to: (first.data.step as Step).title, port: "next" };
      const ends = { source: node.id, sourceHandle: "next", target: first.id };
      return { id: TRIGGER_WAY + node.id, ...ends, type: "way", selectable: false, focusable: false, deletable: false, ariaLabel: say(props.words.way, said) };
    });
    return { nodes: [...above, ...steps], edges: [...led, ...tied] };
  }
}

// Where steps stand on the canvas now, by id.
export const places = (nodes: readonly Node[]): Map<string, Point> =>
  new Map(nodes.filter((node) => !isTrigger(node.id)).map((node) => [node.id, node.position]));
