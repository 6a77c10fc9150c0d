// Says what was deleted and offers it back, until it is dismissed or something else is said.

export const createToast = (root) => {
  const button = root.querySelector("[data-toast-undo]");
  let undo = () => {};

  const hide = () => {
    root.hidden = true;
  };
  button.addEventListener("click", () => {
    hide();
    undo();
  });
  root.querySelector("[data-toast-close]").addEventListener("click", hide);

  return {
    hide,
    show(text, action) {
      undo = action;
      root.querySelector("[data-toast-text]").textContent = text;
      root.hidden = false;
    },
  };
};
