// When a question is shown: comparisons with the answers to questions before it.

import { clone, nameParts, option, setValue } from "./dom.js";
import { earlierThan, findQuestion } from "./document.js";

const EMPTY = { question: "", is: "equals", value: "" };

export const createConditions = (app, { id }, root) => {
  const { commands, model, schema, words } = app;
  const { say } = words;
  const list = root.querySelector("[data-condition-list]");
  const match = root.querySelector("[data-match]");
  const addButton = root.querySelector("[data-condition-add]");
  let showIf = null;
  let earlier = [];
  let wasOpened = false;

  const conditions = () => showIf?.conditions ?? [];
  const put = (next, key = null) => {
    const value = next.length ? { match: showIf?.match ?? "all", conditions: next } : null;
    commands.edit(id, { showIf: value }, key);
  };
  const change = (index, part, key) =>
    put(
      conditions().map((old, n) => (n === index ? { ...old, ...part } : old)),
      key,
    );

  const sourceOf = ({ question }) => (question ? findQuestion(model.content, question) : null);

  const operatorsOf = (condition) => {
    const source = sourceOf(condition);
    const fitting = source ? schema.types[source.type].operators : Object.keys(schema.operators);
    return fitting.includes(condition.is) ? fitting : [...fitting, condition.is];
  };

  const possibleValues = (source) => {
    if (!source) return null;
    if (schema.types[source.type].options) return source.options.filter(Boolean).map((each) => [each, each]);
    if (source.type === "yes_no") return [["yes", say("yes")], ["no", say("no")]];
    if (source.type === "rating") {
      return Array.from({ length: source.rules.scale ?? 5 }, (_, n) => [String(n + 1), String(n + 1)]);
    }
    return null;
  };

  const fillQuestions = (select, condition) => {
    const choices = earlier.map((question) => option(question.id, words.nameOf(question)));
    if (!condition.question) choices.unshift(option("", say("chooseQuestion")));
    else if (!earlier.some((question) => question.id === condition.question)) {
      const source = sourceOf(condition);
      const name = source ? say("laterQuestion", { name: words.nameOf(source) }) : say("somewhere");
      choices.unshift(option(condition.question, name));
    }
    select.replaceChildren(...choices);
    select.value = condition.question;
  };

  const fillOperators = (select, condition) => {
    const says = { ...schema.operators, ...schema.types[sourceOf(condition)?.type]?.says };
    select.replaceChildren(...operatorsOf(condition).map((each) => option(each, says[each])));
    select.value = condition.is;
  };

  const createSelect = (values, condition) => {
    const select = document.createElement("select");
    select.append(option("", say("chooseValue")), ...values.map(([value, label]) => option(value, label)));
    if (condition.value && !values.some(([value]) => value === condition.value)) {
      select.append(option(condition.value, condition.value));
    }
    return select;
  };

  const createField = ({ type } = {}) => {
    const field = document.createElement("input");
    field.type = type === "date" ? "date" : "text";
    if (type === "number") field.inputMode = "decimal";
    field.maxLength = schema.limits.label;
    field.autocomplete = "off";
    return field;
  };

  const fillValue = (place, condition, index) => {
    place.hidden = !schema.comparing.includes(condition.is);
    const source = sourceOf(condition);
    const values = condition.is === "contains" ? null : possibleValues(source);
    const field = values ? createSelect(values, condition) : createField(source ?? {});
    field.className = "input";
    field.dataset.value = "";
    field.setAttribute("aria-label", place.dataset.says);
    field.value = condition.value;
    field.addEventListener(values ? "change" : "input", () => change(index, { value: field.value }, `${id}.if.${index}`));
    place.replaceChildren(field);
  };

  const createRow = (condition, index) => {
    const row = clone("condition");
    nameParts(row, words.fill, { number: index + 1 });
    const [question, is, value] = ["question", "is", "value"].map((part) => row.querySelector(`[data-condition-${part}]`));
    value.removeAttribute("aria-label");
    fillQuestions(question, condition);
    fillOperators(is, condition);
    fillValue(value, condition, index);
    question.addEventListener("change", () => {
      const source = findQuestion(model.content, question.value);
      const fits = source && schema.types[source.type].operators.includes(condition.is);
      change(index, { question: question.value, value: "", is: fits ? condition.is : "equals" });
    });
    is.addEventListener("change", () => change(index, { is: is.value }));
    row.querySelector("[data-condition-delete]").addEventListener("click", () => {
      put(conditions().filter((_, n) => n !== index));
      addButton.focus();
    });
    return row;
  };

  // Which control of which row has the focus, to find its successor.
  const focused = () => {
    const index = [...list.children].findIndex((row) => row.contains(document.activeElement));
    if (index < 0) return null;
    const part = ["condition-question", "condition-is", "value"].find((name) => document.activeElement.matches(`[data-${name}]`));
    return part ? { index, part } : null;
  };

  const render = () => {
    const at = focused();
    list.replaceChildren(...conditions().map(createRow));
    if (at) list.children[at.index]?.querySelector(`[data-${at.part}]`)?.focus();
    root.querySelector("[data-no-earlier]").hidden = earlier.length > 0 || conditions().length > 0;
    root.querySelector("[data-match-field]").hidden = conditions().length < 2;
    addButton.hidden = earlier.length === 0 || conditions().length >= schema.limits.conditions;
    if (showIf) match.value = showIf.match;
  };

  // Typing into a value must not rebuild the field that is typed in.
  const onlyValuesDiffer = (one, other) =>
    one?.match === other?.match &&
    (one?.conditions.length ?? 0) === (other?.conditions.length ?? 0) &&
    (one?.conditions ?? []).every(
      (each, n) => each.question === other.conditions[n].question && each.is === other.conditions[n].is,
    );

  const updateValues = () => {
    for (const [index, condition] of conditions().entries()) {
      setValue(list.children[index].querySelector("[data-value]"), condition.value);
    }
  };

  const findEarlier = () => earlierThan(model.content, id).filter((each) => schema.types[each.type].operators.length);

  match.addEventListener("change", () => commands.edit(id, { showIf: { ...showIf, match: match.value } }));
  addButton.addEventListener("click", () => {
    put([...conditions(), EMPTY]);
    list.lastElementChild.querySelector("[data-condition-question]").focus();
  });

  return {
    update(next) {
      const before = showIf;
      showIf = next.showIf;
      if (!wasOpened) {
        wasOpened = true;
        root.open = Boolean(showIf);
        earlier = findEarlier();
        render();
      } else if (showIf !== before) {
        if (onlyValuesDiffer(before, showIf)) updateValues();
        else render();
      }
    },
    refresh() {
      const found = findEarlier();
      if (found.length === earlier.length && found.every((each, n) => each === earlier[n])) return;
      earlier = found;
      render();
    },
  };
};
