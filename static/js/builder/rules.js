// Limits of an answer. What is not possible is named at its field and not kept.

import { option, setValue } from "./dom.js";

const DECIMAL = /^-?\d{1,15}(\.\d{1,6})?$/;
const WHOLE = { minLength: "answer", maxLength: "answer", minChoices: "options", maxChoices: "options" };
const LOWEST_SCALE = 2;
const USUAL_SCALE = 5;

export const createRules = (app, { id }, root) => {
  const { commands, schema, words } = app;
  const controls = [...root.querySelectorAll("[data-rule]")];
  let rules = {};

  // → {value} to keep (undefined: no limit) or {problem}.
  const readers = {
    whole: (text, name) => {
      const max = schema.limits[WHOLE[name]];
      if (!text) return {};
      const value = Number(text);
      const fits = /^\d+$/.test(text) && value >= 1 && value <= max;
      return fits ? { value } : { problem: words.say("wholeNumber", { min: 1, max }) };
    },
    decimal: (text) => {
      const value = text.replace(",", ".");
      if (!value) return {};
      return DECIMAL.test(value) ? { value } : { problem: words.say("decimal") };
    },
  };

  const read = (control) => {
    const name = control.dataset.rule;
    if (control.type === "checkbox") return control.checked ? { value: true } : {};
    if (name === "scale") return { value: Number(control.value) };
    if (control.type === "date") {
      if (control.validity.badInput) return { problem: words.say("date") };
      return control.value ? { value: control.value } : {};
    }
    return readers[name in WHOLE ? "whole" : "decimal"](control.value.trim(), name);
  };

  const showProblem = (control, problem) => {
    const errorId = `${control.id}-problem`;
    let line = document.getElementById(errorId);
    control.setAttribute("aria-invalid", String(Boolean(problem)));
    if (!problem) {
      line?.remove();
      control.removeAttribute("aria-describedby");
      return;
    }
    if (!line) {
      line = document.createElement("p");
      line.id = errorId;
      line.className = "problem";
      line.setAttribute("role", "alert");
      control.after(line);
      control.setAttribute("aria-describedby", errorId);
    }
    line.textContent = problem;
  };

  for (const control of controls) {
    const name = control.dataset.rule;
    if (name === "scale") {
      for (let n = LOWEST_SCALE; n <= schema.limits.rating; n += 1) control.append(option(String(n), String(n)));
    }
    control.addEventListener(control.type === "checkbox" || name === "scale" ? "change" : "input", () => {
      const { value, problem } = read(control);
      // Half a number is no mistake yet.
      if (!problem || control.getAttribute("aria-invalid") === "true") showProblem(control, problem);
      if (problem || value === rules[name]) return;
      const { [name]: _old, ...rest } = rules;
      commands.edit(id, { rules: value === undefined ? rest : { ...rest, [name]: value } }, `${id}.${name}`);
    });
    control.addEventListener("blur", () => showProblem(control, read(control).problem));
  }

  return {
    update(next) {
      rules = next.rules;
      for (const control of controls) {
        const name = control.dataset.rule;
        const { value, problem } = read(control);
        // What was typed and not kept stays to be mended; "1,5" is the 1.5 that is kept.
        if (problem || value === rules[name]) continue;
        setValue(control, String(rules[name] ?? (name === "scale" ? USUAL_SCALE : "")));
        if (control.type === "checkbox") control.checked = rules[name] === true;
      }
    },
  };
};
