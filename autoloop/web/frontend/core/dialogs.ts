// Dialogs of the shell lie in <template> until they are asked for.
const made = new Map<string, HTMLDialogElement>();

export function dialog(id: string): HTMLDialogElement | undefined {
  const template = document.querySelector<HTMLTemplateElement>(`template#${id}`);
  if (!made.has(id) && template) {
    document.body.append(template.content.cloneNode(true));
    const element = document.body.lastElementChild as HTMLDialogElement;
    element.addEventListener("click", (event) => {
      if (event.target === element || (event.target as Element).closest("[data-act=close]")) element.close();
    });
    made.set(id, element);
  }
  return made.get(id);
}
