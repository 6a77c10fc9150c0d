// Asks what kind of question it shall be.

const BACK = new Set(["ArrowLeft", "ArrowUp"]);
const ON = new Set(["ArrowRight", "ArrowDown"]);

export const createPicker = (dialog) => {
  const types = [...dialog.querySelectorAll("[data-type]")];
  let answer = () => {};

  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("[data-type]");
    if (button) dialog.close(button.dataset.type);
    // On the backdrop.
    else if (event.target === dialog) dialog.close("");
  });
  dialog.addEventListener("keydown", (event) => {
    const by = ON.has(event.key) ? 1 : BACK.has(event.key) ? -1 : 0;
    const place = types.indexOf(document.activeElement);
    if (!by || place < 0) return;
    event.preventDefault();
    types[(place + by + types.length) % types.length].focus();
  });
  dialog.addEventListener("close", () => answer(dialog.returnValue));

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
