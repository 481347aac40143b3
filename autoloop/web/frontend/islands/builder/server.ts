// What the server hands the canvas (pages/builder/canvas.py), and how the canvas asks it.
import type { Doc } from "./graph";

export type Problem = { code: string; message: string; node: string | null; field: string | null; severity: "error" | "warning" };
// The setting a problem is about, as one reads it.
export const fieldOf = (problem?: Problem): string =>
  problem?.field?.replace(/^(triggers\.\d+\.)?(config\.?)?/, "").replaceAll(/[._]/g, " ") ?? "";

export type Step = {
  title: string;
  line: string;
  family: string;
  icon: string;
  ports: string[];
  lost: boolean;
  problems: Problem[];
  here: number;
  left: Record<string, number>;
};
export type Start = { title: string; line: string; lost: boolean; problems: Problem[] };
export type Drawn = Doc & {
  etag: string;
  revision: number;
  changed: boolean;
  csrf: string;
  steps: Record<string, Step>;
  starts: Start[];
  problems: Problem[];
};
export type Offer = { name: string; title: string; hint: string; plugin: string; icon: string };
export type StepOffer = Offer & { family: string; ports: string[]; shelf: string; shelf_title: string };
export type TriggerOffer = Offer & { form: boolean };
export type Words = Record<string, string>;
export type Props = {
  drawn: Drawn;
  types: { steps: StepOffer[]; triggers: TriggerOffer[] };
  words: Words;
  links: Record<"drawn" | "step" | "trigger" | "rules" | "outline" | "publish", string>;
  icons: string;
  title: string;
  may_edit: boolean;
  may_publish: boolean;
};

export type Answer =
  | { kind: "drawn"; drawn: Drawn }
  | { kind: "conflict" } // somebody else saved
  | { kind: "refused"; message: string; again: boolean } // `again`: another try may help, with a fresh token
  | { kind: "lost" }; // no answer, or none for now: worth trying again

const LONGEST = 20_000; // milliseconds

export async function fetchDrawn(url: string): Promise<Answer> {
  return ask(url, { headers: { Accept: "application/json" } });
}

export async function saveDrawn(url: string, doc: Doc, etag: string, csrf: string): Promise<Answer> {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "If-Match": `"${etag}"`, "X-CSRF-Token": csrf };
  return ask(url, { method: "PUT", headers, body: JSON.stringify({ graph: doc.graph, triggers: doc.triggers }) });
}

async function ask(url: string, asked: RequestInit): Promise<Answer> {
  try {
    const answer = await fetch(url, { ...asked, signal: AbortSignal.timeout(LONGEST) });
    if (answer.status === 412) return { kind: "conflict" };
    if (answer.status === 429 || answer.status >= 500) return { kind: "lost" };
    const json = (answer.headers.get("Content-Type") ?? "").includes("json");
    if (answer.ok && json) return { kind: "drawn", drawn: (await answer.json()) as Drawn };
    const told = json ? ((await answer.json()) as { error?: string; details?: Record<string, string[]> }) : {};
    const details = Object.values(told.details ?? {}).flat();
    return { kind: "refused", message: [told.error, ...details].filter(Boolean).join(" "), again: !json };
  } catch {
    return { kind: "lost" };
  }
}

// What a step is called while it is dragged from the palette.
export const DRAGGED = "application/x-autoloop-step";

// "{step} moved" with {step: "Wait"}
export const say = (text: string | undefined, values: Record<string, string | number>): string =>
  (text ?? "").replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
