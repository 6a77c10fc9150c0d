// Uploads and deletes the logo without leaving the page, so that nothing that is not saved yet is lost.

// The answer is this page anew: its part about the logo takes the place of ours.
const takeOver = (form, answer) => {
  const fresh = answer.querySelector("[data-logo-form]");
  if (!fresh) throw new Error("signed out");
  form.replaceChildren(...fresh.childNodes);
  delete form.dataset.sent;
  document.querySelector("[data-with-logo]").hidden = !form.querySelector("[data-logo]");
  return answer.querySelector(".alerts, #id_logo_error")?.textContent.trim() ?? "";
};

const hideUpload = (form) => {
  form.querySelector("[data-upload]").hidden = true;
};

const showFailure = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  form.querySelector("[data-upload]").hidden = false;
  form.querySelector("#id_logo_error")?.remove();
  const problem = document.createElement("p");
  problem.className = "problem";
  problem.id = "id_logo_error";
  problem.textContent = form.dataset.failed;
  form.querySelector(".field").append(problem);
  return form.dataset.failed;
};

const send = async (form, submitter) => {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form, submitter) });
  if (!response.ok) throw new Error(response.status);
  return new DOMParser().parseFromString(await response.text(), "text/html");
};

export const enableLogo = (announce) => {
  const form = document.querySelector("[data-logo-form]");
  hideUpload(form);
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const told = takeOver(form, await send(form, event.submitter));
      hideUpload(form);
      form.querySelector("input[type=file]").focus();
      announce(told);
      document.dispatchEvent(new Event("logochange"));
    } catch {
      announce(showFailure(form));
    }
  });
};
