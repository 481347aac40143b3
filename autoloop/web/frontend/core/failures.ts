import { toast } from "./toast";

type Swap = { ctx: { text: string; response: { raw: Response } } };

const words = (): string => document.body.dataset.failed ?? "";

// When a part of a page cannot be fetched, the page stays as it is and says so.
export function startFailures(): void {
  document.addEventListener("htmx:before:swap", (event) => {
    const { text, response } = (event as CustomEvent<Swap>).detail.ctx;
    if (response.raw.redirected && new URL(response.raw.url).pathname.startsWith("/auth/")) {
      event.preventDefault();
      location.reload(); // signed out meanwhile: the server knows where to go, and back
    } else if (text.includes("data-problem")) {
      event.preventDefault();
      toast(words(), "bad");
    }
  });
  document.addEventListener("htmx:error", () => toast(words(), "bad"));
}
