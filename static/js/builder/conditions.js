// When a question is shown: comparisons with the answers to questions before it.

import { clone, nameParts, setOptions, setValue } from "./dom.js";
import { earlierThan, findQuestion } from "./document.js";
import { announce } from "./words.js";

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
    if (source.type === "yes_no")
      return [
        ["yes", say("yes")],
        ["no", say("no")],
      ];
    if (source.type === "rating") {
      return Array.from({ length: source.rules.scale ?? 5 }, (_, n) => [String(n + 1), String(n + 1)]);
    }
    return null;
  };

  const nameOfUnfit = (source) => {
    if (!source) return say("somewhere");
    const isAnswered = schema.types[source.type].operators.length > 0;
    return say(isAnswered ? "laterQuestion" : "mutedQuestion", { name: words.nameOf(source) });
  };

  const showQuestions = (select, condition) => {
    const choices = earlier.map((question) => [question.id, words.nameOf(question)]);
    if (!condition.question) choices.unshift(["", say("chooseQuestion")]);
    else if (!earlier.some((question) => question.id === condition.question)) {
      choices.unshift([condition.question, nameOfUnfit(sourceOf(condition))]);
    }
    setOptions(select, choices, condition.question);
  };

  const showOperators = (select, condition) => {
    const says = { ...schema.operators, ...schema.types[sourceOf(condition)?.type]?.says };
    setOptions(
      select,
      operatorsOf(condition).map((each) => [each, says[each]]),
      condition.is,
    );
  };

  const createField = (kind) => {
    const field = document.createElement(kind === "select" ? "select" : "input");
    field.className = "input";
    field.dataset.value = kind;
    if (kind === "select") return field;
    field.type = kind === "date" ? "date" : "text";
    if (kind === "number") field.inputMode = "decimal";
    field.maxLength = schema.limits.label;
    field.autocomplete = "off";
    return field;
  };

  // The field that a value of this kind is put into; another one takes its place only where the kind differs.
  const fieldOf = (place, kind) => {
    const present = place.firstElementChild;
    if (present?.dataset.value === kind) return present;
    const field = createField(kind);
    field.setAttribute("aria-label", place.dataset.says);
    field.addEventListener(kind === "select" ? "change" : "input", () => {
      const index = placeOf(place.closest("li"));
      change(index, { value: field.value }, `${id}.if.${index}`);
    });
    const isFocused = present === document.activeElement;
    place.replaceChildren(field);
    if (present && isFocused) field.focus();
    return field;
  };

  const showValue = (place, condition) => {
    place.hidden = !schema.comparing.includes(condition.is);
    const source = sourceOf(condition);
    const values = condition.is === "contains" ? null : possibleValues(source);
    const field = fieldOf(place, values ? "select" : (source?.type ?? "text"));
    if (!values) setValue(field, condition.value);
    else {
      const isKnown = !condition.value || values.some(([value]) => value === condition.value);
      const more = isKnown ? [] : [[condition.value, condition.value]];
      setOptions(field, [["", say("chooseValue")], ...values, ...more], condition.value);
    }
  };

  const placeOf = (row) => [...list.children].indexOf(row);
  const partsOf = (row) => ["question", "is", "value"].map((part) => row.querySelector(`[data-condition-${part}]`));

  const createRow = () => {
    const row = clone("condition");
    const [question, is] = partsOf(row);
    question.addEventListener("change", () => {
      const index = placeOf(row);
      const source = findQuestion(model.content, question.value);
      const fits = source && schema.types[source.type].operators.includes(conditions()[index].is);
      change(index, { question: question.value, value: "", is: fits ? conditions()[index].is : "equals" });
    });
    is.addEventListener("change", () => change(placeOf(row), { is: is.value }));
    row.querySelector("[data-condition-delete]").addEventListener("click", () => {
      const index = placeOf(row);
      put(conditions().filter((_, n) => n !== index));
      addButton.focus();
      announce(say("conditionDeleted", { number: index + 1 }));
    });
    return row;
  };

  // In place: whoever is choosing or typing goes on.
  const render = () => {
    const count = conditions().length;
    while (list.children.length > count) list.lastElementChild.remove();
    while (list.children.length < count) list.append(createRow());
    for (const [index, condition] of conditions().entries()) {
      const row = list.children[index];
      const [question, is, value] = partsOf(row);
      nameParts(row, words.fill, { number: index + 1 });
      value.removeAttribute("aria-label");
      showQuestions(question, condition);
      showOperators(is, condition);
      showValue(value, condition);
    }
    root.querySelector("[data-no-earlier]").hidden = earlier.length > 0 || conditions().length > 0;
    root.querySelector("[data-match-field]").hidden = conditions().length < 2;
    addButton.hidden = earlier.length === 0 || conditions().length >= schema.limits.conditions;
    if (showIf) match.value = showIf.match;
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
      } else if (showIf !== before) render();
    },
    refresh() {
      const found = findEarlier();
      if (found.length === earlier.length && found.every((each, n) => each === earlier[n])) return;
      earlier = found;
      render();
    },
  };
};
