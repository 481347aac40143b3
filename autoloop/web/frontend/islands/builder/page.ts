// Pages of the server as documents: their forms are shown in the drawer as they are.
type Htmx = { process(element: Element, again?: boolean): void };

export type Page = { url: URL; document: Document; ok: boolean };

// A request that follows where it is sent. The browser reads the answer itself, and runs nothing in it.
export function ask(url: string, form?: URLSearchParams): Promise<Page> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open(form ? "POST" : "GET", url);
    request.responseType = "document";
    request.timeout = 20_000;
    request.onload = () =>
      request.responseXML
        ? done({ url: new URL(request.responseURL), document: request.responseXML, ok: request.status < 400 })
        : failed(new Error(`no page: ${request.status}`));
    request.onerror = request.ontimeout = () => failed(new Error("no answer"));
    request.send(form);
  });
}

// The page's form, taken over with what htmx does in it. Undefined if the page has none.
export function formOf(page: Page): HTMLFormElement | undefined {
  const form = page.document.querySelector<HTMLFormElement>("form.drawn");
  return form ? document.importNode(form, true) : undefined;
}

export function enliven(form: Element): void {
  form.removeAttribute("hx-ignore");
  htmx()?.process(form);
}

// Before the form goes: nothing it was about to ask for is asked any more.
export function quieten(form: Element): void {
  form.setAttribute("hx-ignore", "");
  htmx()?.process(form, true);
}

const htmx = (): Htmx | undefined => (window as unknown as { htmx?: Htmx }).htmx;

// What the page says is wrong.
export const complaintOf = (page: Page): string =>
  page.document.querySelector("main [role=alert]")?.textContent?.replace(/\s+/g, " ").trim() ?? "";
