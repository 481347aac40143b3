// An island is <div data-island="builder" data-props="id of a JSON script">: its code is fetched where one stands.
type Mount = (element: HTMLElement, props: unknown) => () => void;

const loaders = import.meta.glob<{ default: Mount }>("../islands/*/index.ts");
const alive = new WeakSet<Element>();

export function startIslands(): void {
  scan();
  document.addEventListener("htmx:after:swap", scan);
}

function scan(): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-island]")) {
    if (!alive.has(element)) void mount(element);
  }
}

async function mount(element: HTMLElement): Promise<void> {
  alive.add(element);
  const load = loaders[`../islands/${element.dataset.island}/index.ts`];
  if (!load) return;
  const props: unknown = JSON.parse(document.getElementById(element.dataset.props ?? "")?.textContent ?? "{}");
  const island = await load();
  element.replaceChildren();
  island.default(element, props);
}
