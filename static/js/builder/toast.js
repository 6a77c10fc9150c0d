// Says what happened and, where it can be taken back, offers that; until it is dismissed or something else is said.

export const createToast = (root) => {
  const button = root.querySelector("[data-toast-undo]");
  let undo = () => {};

  const hide = () => {
    // What has the focus is about to go.
    if (root.contains(document.activeElement)) document.querySelector("[data-save-state]").focus();
    root.hidden = true;
  };
  button.addEventListener("click", () => {
    hide();
    undo();
  });
  root.querySelector("[data-toast-close]").addEventListener("click", hide);

  return {
    hide,
    show(text, action = null) {
      undo = action;
      button.hidden = !action;
      root.querySelector("[data-toast-text]").textContent = text;
      root.hidden = false;
    },
  };
};
