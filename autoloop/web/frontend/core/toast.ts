const STAYS = 8000; // milliseconds

// One line at the foot of the page. The same words twice stay one line.
export function toast(text: string, tone: "" | "ok" | "bad" = ""): void {
  const region = document.querySelector<HTMLElement>(".toasts");
  if (!region || !text) return;
  for (const shown of region.children) if (shown.textContent === text) shown.remove();
  const line = document.createElement("p");
  line.className = `toast ${tone}`;
  line.textContent = text;
  line.addEventListener("click", () => line.remove());
  region.append(line);
  setTimeout(() => line.remove(), STAYS);
}
