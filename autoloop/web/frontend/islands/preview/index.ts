// Keeps a preview fresh while someone writes: its form is sent to the frame after a pause in typing.
// Without scripts the button does the same.
const PAUSE = 500;

export default function preview(element: HTMLElement): () => void {
  const form = element.closest("form");
  const button = form?.querySelector<HTMLButtonElement>("button[formtarget]");
  const frame = form?.querySelector<HTMLIFrameElement>("iframe.preview");
  if (!form || !button || !frame) return () => {};
  let timer = 0;
  const refresh = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => form.requestSubmit(button), PAUSE);
    const size = form.querySelector<HTMLInputElement>("input[name=view]:checked");
    frame.classList.toggle("phone", size?.value === "phone");
  };
  form.addEventListener("input", refresh);
  if (!frame.getAttribute("src")) refresh();
  return () => {
    window.clearTimeout(timer);
    form.removeEventListener("input", refresh);
  };
}
