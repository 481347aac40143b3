// <form data-confirm="sentence"> asks once more. Without scripts the form still works.
export function startConfirm(): void {
  document.addEventListener("submit", (event) => {
    const question = (event.target as HTMLElement).dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
}
