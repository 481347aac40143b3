// Steps on the clipboard, as JSON: they can be pasted into another workflow, or read by people.
import { type Doc, type GraphNode, nodesOf, type Way, waysOf } from "./graph";

const KIND = "autoloop.steps";
const MOST = 200;

export type Clip = { nodes: GraphNode[]; edges: Way[] };

export function cut(doc: Doc, ids: ReadonlySet<string>): string {
  const nodes = nodesOf(doc.graph).filter((node) => ids.has(node.id));
  const edges = waysOf(doc.graph).filter((way) => ids.has(way.from) && ids.has(way.to));
  return JSON.stringify({ kind: KIND, nodes, edges }, null, 2);
}

// Undefined if the text is something else.
export function read(text: string): Clip | undefined {
  if (!text.includes(KIND) || text.length > 2_000_000) return undefined;
  try {
    const given = JSON.parse(text) as Partial<Clip> & { kind?: string };
    if (given.kind !== KIND) return undefined;
    const graph = { nodes: given.nodes, edges: given.edges };
    const nodes = nodesOf(graph).filter((node) => typeof node.type === "string");
    return nodes.length && nodes.length <= MOST ? { nodes, edges: waysOf(graph) } : undefined;
  } catch {
    return undefined;
  }
}
