// The fields of an open question.

import { createConditions } from "./conditions.js";
import { clone, setText, setValue, valueOf } from "./dom.js";
import { createOptions } from "./options.js";
import { createRules } from "./rules.js";
import { copy } from "./clipboard.js";

const named = (list, name) => list.split(" ").includes(name);

// Take out what this type of question doesn't have.
const trim = (element, type, schema) => {
  const kind = schema.types[type];
  const has = new Set(kind.rules);
  for (const name of ["options", "typed", "placeholder"]) if (kind[name]) has.add(name);
  if (kind.placeholder || kind.rules.some((rule) => rule !== "scale")) has.add("more");
  for (const part of element.querySelectorAll("[data-part]")) {
    if (!part.dataset.part.split(" ").some((name) => has.has(name))) part.remove();
  }
  for (const part of element.querySelectorAll("[data-only]")) if (!named(part.dataset.only, type)) part.remove();
  for (const part of element.querySelectorAll("[data-unless]")) if (named(part.dataset.unless, type)) part.remove();
};

// The kind of the question, and its id.
const createFoot = ({ commands, words }, id, element) => {
  const type = element.querySelector("[data-field=type]");
  type.addEventListener("change", () => commands.changeType(id, type.value));
  const code = element.querySelector("[data-id]");
  setText(code, id);
  const copyButton = element.querySelector("[data-copy-id]");
  copyButton.addEventListener("click", () => copy(copyButton, code, words));
  return { element, show: (question) => setValue(type, question.type) };
};

// `former`: the foot of the body whose place this one takes. It stays where it is, and is none of the new element's.
export const createBody = (app, question, former = null) => {
  const { commands, schema } = app;
  const { id, type } = question;
  const element = clone("body", id);
  trim(element, type, schema);

  const ownFoot = element.querySelector("[data-foot]");
  if (former) ownFoot.remove();
  const foot = former ?? createFoot(app, id, ownFoot);

  const controls = [...element.querySelectorAll("[data-field]:not([data-field=type])")];
  const parts = [createConditions(app, question, element.querySelector("[data-conditions]"))];
  const options = element.querySelector("[data-options]")?.closest("fieldset");
  if (options) parts.push(createOptions(app, question, options));
  parts.push(createRules(app, question, element));

  for (const control of controls) {
    const { field } = control.dataset;
    control.addEventListener("input", () => commands.edit(id, { [field]: valueOf(control) }, `${id}.${field}`));
  }
  const label = element.querySelector("[data-field=label]");
  const help = element.querySelector("#label-help-" + id);
  if (help) label.setAttribute("aria-describedby", help.id);

  const more = element.querySelector("details[data-part=more]");
  if (more) more.open = Boolean(question.placeholder) || Object.keys(question.rules).length > 0;

  return {
    element,
    foot,
    update(next) {
      foot.show(next);
      for (const control of controls) setValue(control, next[control.dataset.field]);
      for (const part of parts) part.update(next);
    },
    refresh() {
      for (const part of parts) part.refresh?.();
    },
  };
};
