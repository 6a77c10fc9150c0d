// Asks before what is not saved would be lost.

const asText = (form) => new URLSearchParams(new FormData(form)).toString();

export const guardUnsaved = (form) => {
  const note = form.querySelector("[data-unsaved]");
  // What the server sent back unsaved is worth asking about from the start.
  const saved = form.hasAttribute("data-unsaved-from-start") ? null : asText(form);
  let leaving = false;
  const changed = () => asText(form) !== saved;
  const show = () => {
    note.hidden = !changed();
  };
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("submit", () => {
    leaving = true;
  });
  addEventListener("pageshow", () => {
    leaving = false;
    show();
  });
  addEventListener("beforeunload", (event) => {
    if (!leaving && changed()) event.preventDefault();
  });
  show();
};
