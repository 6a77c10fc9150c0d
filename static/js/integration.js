// On a new integration only the chosen provider's fields are shown; without scripts all of them are.
addEventListener("DOMContentLoaded", () => {
  const choice = document.querySelector("select[name=provider]");
  if (!choice) return;
  const show = () => {
    for (const part of document.querySelectorAll("fieldset[class*=credentials-]")) {
      part.hidden = !part.classList.contains(`credentials-${choice.value}`);
    }
  };
  choice.addEventListener("change", show);
  show();
});
