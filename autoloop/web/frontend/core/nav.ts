// The side bar as a drawer on small screens.
export function startNav(): void {
  const scrim = document.querySelector<HTMLElement>(".scrim");
  const button = document.querySelector<HTMLElement>("[data-act=nav]");
  if (!scrim || !button) return;
  const show = (open: boolean): void => {
    document.body.classList.toggle("nav-open", open);
    button.ariaExpanded = String(open);
    scrim.hidden = !open;
    if (open) document.querySelector<HTMLElement>(".side a")?.focus();
  };
  button.addEventListener("click", () => show(true));
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest(".scrim, .nav")) show(false);
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !scrim.hidden) {
      show(false);
      button.focus();
    }
  });
}
