// Uploads and deletes the logo without leaving the page, so that nothing that is not saved yet is lost.

import { askServer } from "./saving.js";

// The answer is this page anew: its part about the logo takes the place of ours.
const takeOver = (form, answer) => {
  form.replaceChildren(...answer.querySelector("[data-logo-form]").childNodes);
  delete form.dataset.sent;
  document.querySelector("[data-with-logo]").hidden = !form.querySelector("[data-logo]");
  return answer.querySelector(".alerts, #id_logo_error")?.textContent.trim() ?? "";
};

const hideUpload = (form) => {
  form.querySelector("[data-upload]").hidden = true;
};

const showTrouble = (form, trouble) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  form.querySelector("[data-upload]").hidden = false;
  form.querySelector("#id_logo_error")?.remove();
  const problem = document.createElement("p");
  problem.className = "problem";
  problem.id = "id_logo_error";
  problem.textContent = form.dataset[trouble];
  form.querySelector(".field").append(problem);
  return problem.textContent;
};

const post = async (form, submitter) => {
  try {
    return await fetch(form.action, { method: "POST", body: new FormData(form, submitter) });
  } catch {
    return null;
  }
};

// → {page}, or {trouble}.
const send = async (form, submitter) => {
  const { token, trouble } = await askServer(form.dataset.draft);
  if (trouble) return { trouble };
  // Signing in again, in another tab perhaps, has changed it.
  if (token) form.elements.csrfmiddlewaretoken.value = token;
  const response = await post(form, submitter);
  if (!response) return { trouble: "offline" };
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return response.ok && page.querySelector("[data-logo-form]") ? { page } : { trouble: "failing" };
};

export const enableLogo = (announce) => {
  const form = document.querySelector("[data-logo-form]");
  hideUpload(form);
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { page, trouble } = await send(form, event.submitter);
    if (trouble) {
      announce(showTrouble(form, trouble));
      return;
    }
    const told = takeOver(form, page);
    hideUpload(form);
    form.querySelector("input[type=file]").focus();
    announce(told);
    document.dispatchEvent(new Event("logochange"));
  });
};
