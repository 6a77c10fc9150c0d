// Asks what kind of question it shall be.

const BACK = new Set(["ArrowLeft", "ArrowUp"]);
const ON = new Set(["ArrowRight", "ArrowDown"]);

export const createPicker = (dialog) => {
  const types = [...dialog.querySelectorAll("[data-type]")];
  let answer = () => {};

  // At once: the close event comes a task later, and what is typed until then would go astray.
  const close = (type) => {
    dialog.close(type);
    answer(type);
  };
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("[data-type]");
    if (button) close(button.dataset.type);
    // On the backdrop.
    else if (event.target === dialog) close("");
  });
  dialog.addEventListener("keydown", (event) => {
    const by = ON.has(event.key) ? 1 : BACK.has(event.key) ? -1 : 0;
    const place = types.indexOf(document.activeElement);
    if (!by || place < 0) return;
    event.preventDefault();
    types[(place + by + types.length) % types.length].focus();
  });
  // Escape. Not if it has been opened again since.
  dialog.addEventListener("close", () => dialog.open || answer(""));

  return {
    // → a type, or "" when it was thought better of.
    ask() {
      dialog.returnValue = "";
      dialog.showModal();
      types[0].focus();
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
  };
};
