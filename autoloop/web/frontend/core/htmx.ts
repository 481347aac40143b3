// @ts-expect-error htmx ships no types for its module build
import htmx from "htmx.org/dist/htmx.esm.js";

// Trusted Types: only this policy may turn a server's fragment into elements; text that wants to run is refused.
declare const trustedTypes: { createPolicy(name: string, rules: object): unknown } | undefined;

// A page nobody looks at asks for nothing.
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden) event.preventDefault();
});

htmx.registerExtension("al-trust", {
  init(api: { initSecurity(policy: unknown, evaluate: () => never, call: () => never): void }) {
    if (typeof trustedTypes === "undefined") return;
    const deny = (): never => {
      throw new TypeError("evaluating text is disabled");
    };
    const policy = trustedTypes.createPolicy("htmx", { createHTML: (html: string) => html, createScript: deny });
    api.initSecurity(policy, deny, deny);
  },
});
