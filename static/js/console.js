// What a page gains where scripts run. Without them every link, form and confirmation page works as it is.

const announce = (text) => {
  const status = document.querySelector("[data-status]");
  if (status) status.textContent = text;
};

const copyText = async (text) => {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain http on a name other than localhost: there is no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("copy refused");
};

const enableCopying = (button) => {
  const source = document.getElementById(button.dataset.copy);
  const label = button.querySelector("[data-label]");
  const before = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await copyText(source.textContent.trim());
      label.textContent = button.dataset.copied;
      announce(button.dataset.copied);
    } catch {
      // The reader finishes by hand: what is to be copied is selected already.
      getSelection().selectAllChildren(source);
      announce(button.dataset.failed);
    }
    setTimeout(() => {
      label.textContent = before;
    }, 2000);
  });
};

// A link to a confirmation page opens the dialog of the same question instead.
const enableDialog = (link) => {
  const dialog = document.getElementById(link.dataset.dialog);
  if (!dialog?.showModal) return;
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    dialog.querySelector("form").action = link.href;
    dialog.querySelector("[data-subject]").textContent = link.dataset.subject;
    dialog.showModal();
  });
};

const enableClosing = (button) => {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    button.closest("dialog").close();
  });
};

// A double click must not send a form twice.
const sendOnce = (form) => {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
  });
  // Back from the next page: the form is whole again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[type=submit]")) button.removeAttribute("aria-disabled");
  });
};

// One box for all of a form's boxes of a name; in between where some are chosen.
const enableChoosingAll = (label) => {
  const all = label.querySelector("input");
  const boxes = [...label.closest("form").querySelectorAll(`input[type=checkbox][name="${label.dataset.chooseAll}"]`)];
  const show = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && !all.checked;
  };
  label.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  for (const box of boxes) box.addEventListener("change", show);
  // Back from the next page: the browser has the boxes as they were left.
  addEventListener("pageshow", show);
};

const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
};

for (const button of document.querySelectorAll("[data-copy]")) enableCopying(button);
for (const link of document.querySelectorAll("[data-dialog]")) enableDialog(link);
for (const button of document.querySelectorAll("[data-close]")) enableClosing(button);
for (const form of document.querySelectorAll("form[method=post]")) sendOnce(form);
for (const label of document.querySelectorAll("[data-choose-all]")) enableChoosingAll(label);
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  closeMenus(null);
  open?.querySelector("summary").focus();
});
