// The side bar as a drawer on small screens.
export function startNav(): void {
  const body = document.body;
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (target.closest("[data-act=nav]")) body.classList.add("nav-open");
    else if (target.closest(".scrim, .nav")) body.classList.remove("nav-open");
    const scrim = document.querySelector<HTMLElement>(".scrim");
    if (scrim) scrim.hidden = !body.classList.contains("nav-open");
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && body.classList.contains("nav-open")) {
      document.querySelector<HTMLElement>(".scrim")?.click();
      document.querySelector<HTMLElement>("[data-act=nav]")?.focus();
    }
  });
}
