// A question in the editor: one line that is always there, and its fields while it is open.

import { clone, listTexts, nameParts, setIcon, setText } from "./dom.js";
import { createBody } from "./question-body.js";

export const createQuestionView = (app, question) => {
  const { words, commands } = app;
  const element = clone("question", question.id);
  const find = (name) => element.querySelector(`[data-${name}]`);
  const [toggle, name, kind, body] = ["toggle", "name", "kind", "body"].map(find);
  let shown = null;
  let fields = null;
  let problems = "";

  element.dataset.id = question.id;
  body.id = `body-${question.id}`;
  toggle.setAttribute("aria-controls", body.id);
  find("problems").id = `problems-${question.id}`;

  const view = {
    element,
    toggle,
    get isOpen() {
      return fields !== null;
    },
    button: (action) => element.querySelector(`.question-head [data-do="${action}"]`),
    update(next) {
      if (next === shown) return;
      const label = words.nameOf(next);
      if (!shown || words.nameOf(shown) !== label) {
        setText(name, label);
        nameParts(element.querySelector(".question-tools"), words.fill, { name: label });
      }
      name.classList.toggle("is-untitled", !next.label.trim());
      if (next.type !== shown?.type) {
        setText(kind, words.typeOf(next.type));
        setIcon(find("icon"), next.type);
      }
      find("is-required").hidden = !next.required;
      find("is-conditional").hidden = !next.showIf;
      const isOtherType = shown && next.type !== shown.type;
      shown = next;
      if (fields && isOtherType) view.rebuild();
      else fields?.update(next);
    },
    open() {
      if (fields) return;
      fields = createBody(app, shown);
      body.replaceChildren(fields.element);
      body.hidden = false;
      element.classList.add("is-open");
      toggle.setAttribute("aria-expanded", "true");
      fields.update(shown);
    },
    close() {
      if (!fields) return;
      fields = null;
      body.replaceChildren();
      body.hidden = true;
      element.classList.remove("is-open");
      toggle.setAttribute("aria-expanded", "false");
    },
    // Another type has other fields. The foot, where it is chosen, stays: a select that lost the focus for a moment
    // would forget what was typed in it.
    rebuild() {
      const focused = body.contains(document.activeElement) ? document.activeElement.dataset.field : null;
      const { foot } = fields;
      fields = createBody(app, shown, foot);
      for (const old of [...foot.element.parentElement.children]) if (old !== foot.element) old.remove();
      foot.element.before(...fields.element.children);
      fields.update(shown);
      if (focused && document.activeElement === document.body) view.focusField(focused);
    },
    // Questions before this one may have changed.
    refresh: () => fields?.refresh(),
    focusField: (field) => body.querySelector(`[data-field="${field}"]`)?.focus(),
    setProblems(messages) {
      if (messages.join("\n") === problems) return;
      problems = messages.join("\n");
      listTexts(find("problems"), messages);
      if (messages.length) toggle.setAttribute("aria-describedby", find("problems").id);
      else toggle.removeAttribute("aria-describedby");
    },
  };

  toggle.addEventListener("click", () => commands.toggle(question.id));
  element.querySelector(".question-tools").addEventListener("click", (event) => {
    const action = event.target.closest("[data-do]")?.dataset.do;
    if (action === "up" || action === "down") commands.shift(question.id, action);
    else if (action === "add") commands.addBelow(question.id);
    else if (action === "duplicate") commands.duplicate(question.id);
    else if (action === "delete") commands.remove(question.id);
  });
  return view;
};
