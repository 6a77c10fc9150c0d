// What a person does to the form: the change, where the focus goes, and what is said about it.

import * as content from "./document.js";
import { cut } from "./dom.js";
import { findDifference, findNeighbour } from "./difference.js";
import { announce } from "./words.js";

const BY = { up: -1, down: 1 };

export const createCommands = (app) => {
  const { model, words, schema } = app;
  const { say } = words;
  const { limits } = schema;

  const position = (id) => {
    const at = content.locate(model.content, id);
    return { position: at.index + 1, count: model.content.steps[at.step].questions.length };
  };
  const nameOf = (id) => words.shortNameOf(content.findQuestion(model.content, id));
  const stepAt = (id) => model.content.steps.findIndex((step) => step.id === id);
  const nameOfStep = (index) => words.nameOfStep(model.content.steps[index], index);

  // Seen and heard: a press that does nothing looks broken.
  const refuse = (text) => {
    announce(text);
    app.toast.show(text);
  };
  const hasRoom = (more = 1) => {
    const fits = content.questionsOf(model.content).length + more <= limits.questions;
    if (!fits) refuse(say("tooManyQuestions", { count: limits.questions }));
    return fits;
  };
  const hasRoomForStep = () => {
    const fits = model.content.steps.length < limits.steps;
    if (!fits) refuse(say("tooManySteps", { count: limits.steps }));
    return fits;
  };

  // What is deleted may be asked for elsewhere, out of sight.
  const sayDeleted = (text, questions, undo) => {
    const askers = content.askersOf(model.content, new Set(questions.map(({ id }) => id)));
    const name = askers.length ? words.shortNameOf(askers[0]) : "";
    const warning =
      askers.length > 1 ? say("askedByMany", { count: askers.length }) : name && say("askedByOne", { name });
    const said = [text, warning].filter(Boolean).join(" ");
    announce(`${said} ${say("undoHint")}`);
    app.toast.show(said, undo);
  };

  // A move may put a question before one that its conditions ask for.
  const sayPlaced = (text, before) => {
    const known = new Set(content.askersTooEarly(before).map(({ id }) => id));
    const found = content.askersTooEarly(model.content).find(({ id }) => !known.has(id));
    const warning = found ? say("asksTooEarly", { name: words.shortNameOf(found) }) : "";
    announce([text, warning].filter(Boolean).join(" "));
    if (warning) app.toast.show(warning);
  };

  const sayMoved = (id, name, before) => {
    const from = content.locate(before, id).step;
    const to = content.locate(model.content, id).step;
    const step = words.say("step", { number: to + 1 });
    sayPlaced(say(from === to ? "moved" : "movedAcross", { name, step, ...position(id) }), before);
  };

  // Undone or done again: what that was is named and shown. `step` is the model's.
  const go = (step, done, nothing) => {
    const before = model.content;
    if (!step()) {
      announce(say(nothing));
      return;
    }
    const difference = findDifference(before, model.content);
    if (!difference) return;
    const { kind, item, isGone, isEdited } = difference;
    const isQuestion = kind === "question";
    if (isQuestion && isEdited) app.editor.open(item.id);
    app.editor.reveal(isQuestion && isGone ? findNeighbour(before, model.content, item.id) : (item?.id ?? kind));
    announce(say(done, { name: nameOfDifference(difference) }));
  };

  const nameOfDifference = ({ kind, item }) => {
    if (kind === "question") return words.shortNameOf(item);
    if (kind === "step") {
      const index = stepAt(item.id);
      return index < 0 ? item.title.trim() || say("aStep") : nameOfStep(index);
    }
    return say(kind === "consent" ? "inConsent" : "inContact");
  };

  const commands = {
    refuse,
    edit: (id, change, key) => model.apply(content.updateQuestion(model.content, id, change), key),
    editStep: (id, change, key) => model.apply(content.updateStep(model.content, id, change), key),
    editContact: (change, key) => model.apply(content.updateContact(model.content, change), key),
    editContactLabel(name, label) {
      const labels = { ...model.content.contact.labels, [name]: label };
      model.apply(content.updateContact(model.content, { labels }), `contact.label.${name}`);
    },
    editConsent: (text) => model.apply({ ...model.content, consent: text }, "consent"),
    placeContact(place) {
      commands.editContact({ position: place });
      app.editor.contact.element.querySelector("[data-position]:checked").focus();
      announce(say(place === "first" ? "contactFirst" : "contactLast"));
    },

    changeType(id, type) {
      const { options, label } = content.findQuestion(model.content, id);
      const kind = schema.types[type];
      const change = { type, rules: {} };
      // Only a statement may be so long.
      if (type !== "statement") change.label = cut(label, limits.label);
      if (kind.options && !options.length) change.options = ["", ""];
      if (!kind.typed) change.required = false;
      commands.edit(id, change);
    },

    // An option got another name; while two were spelt alike nobody knows which one was meant.
    // `key` is that of the typing, which it is undone with.
    followOption(id, before, after, key) {
      const { options } = content.findQuestion(model.content, id) ?? { options: [] };
      if (!before || !after || before === after || options.includes(before)) return;
      model.apply(content.followOption(model.content, id, before, after), key, { belongs: true });
    },

    toggle(id) {
      if (app.editor.openId === id) app.editor.close();
      else app.editor.open(id);
    },

    // At the end of a step, or below one of its questions.
    async add(stepId, belowId = null) {
      if (!hasRoom()) return;
      const type = await app.picker.ask();
      if (!type) return;
      const step = stepAt(stepId);
      const question = content.newQuestion(type, schema.types[type].options);
      const { questions } = model.content.steps[step];
      const index = belowId ? content.locate(model.content, belowId).index + 1 : questions.length;
      model.apply(content.insertQuestion(model.content, { step, index }, question));
      app.editor.open(question.id);
      app.editor.question(question.id).focusField("label");
      announce(say("added", { type: words.typeOf(type), ...position(question.id) }));
    },

    addBelow: (id) => commands.add(model.content.steps[content.locate(model.content, id).step].id, id),

    duplicate(id) {
      if (!hasRoom()) return;
      const at = content.locate(model.content, id);
      const question = content.findQuestion(model.content, id);
      const label = question.label ? cut(say("copyOf", { label: question.label }), limits.label) : "";
      const copy = content.copyQuestion(question, label);
      model.apply(content.insertQuestion(model.content, { step: at.step, index: at.index + 1 }, copy));
      if (app.editor.openId === id) app.editor.open(copy.id);
      app.editor.question(copy.id).toggle.focus();
      announce(say("duplicated", { name: words.shortNameOf(question), ...position(copy.id) }));
    },

    remove(id) {
      const at = content.locate(model.content, id);
      const question = content.findQuestion(model.content, id);
      const name = words.shortNameOf(question);
      const stepId = model.content.steps[at.step].id;
      model.apply(content.removeQuestion(model.content, id));
      const { questions } = model.content.steps[at.step];
      const next = questions[at.index] ?? questions[at.index - 1];
      (next ? app.editor.question(next.id).toggle : app.editor.step(stepId).addButton).focus();
      sayDeleted(say("deleted", { name }), [question], () => bringBack(stepId, at, question, name));
    },

    shift(id, direction) {
      const name = nameOf(id);
      const before = model.content;
      const shifted = content.shiftQuestion(before, id, BY[direction]);
      if (shifted === before) {
        announce(say(direction === "up" ? "isFirst" : "isLast", { name }));
        return;
      }
      model.apply(shifted);
      app.editor.question(id).button(direction).focus();
      sayMoved(id, name, before);
    },

    // After a drag.
    place(id, stepId, index) {
      const before = model.content;
      const from = content.locate(before, id);
      const step = stepAt(stepId);
      if (from.step === step && from.index === index) return;
      const name = nameOf(id);
      model.apply(content.moveQuestion(model.content, id, { step, index }));
      sayMoved(id, name, before);
    },

    addStep() {
      if (!hasRoomForStep()) return;
      const step = content.newStep();
      const count = model.content.steps.length + 1;
      model.apply(content.insertStep(model.content, count - 1, step));
      app.editor.step(step.id).element.querySelector("[data-field=title]").focus();
      announce(say("stepAdded", { position: count, count }));
    },

    duplicateStep(id) {
      const index = stepAt(id);
      const step = model.content.steps[index];
      if (!hasRoomForStep() || !hasRoom(step.questions.length)) return;
      const name = nameOfStep(index);
      const copy = content.copyStep(step);
      model.apply(content.insertStep(model.content, index + 1, copy));
      app.editor.step(copy.id).button("duplicate").focus();
      announce(say("stepDuplicated", { name, position: index + 2, count: model.content.steps.length }));
    },

    removeStep(id) {
      const index = stepAt(id);
      const step = model.content.steps[index];
      const name = nameOfStep(index);
      model.apply(content.removeStep(model.content, id));
      const next = model.content.steps[index] ?? model.content.steps[index - 1];
      (next ? app.editor.step(next.id).button("delete") : app.addStepButton).focus();
      sayDeleted(say("stepDeleted", { name }), step.questions, () => bringStepBack(index, step, name));
    },

    shiftStep(id, direction) {
      const from = stepAt(id);
      commands.placeStep(id, from + BY[direction], () => app.editor.step(id).button(direction).focus());
    },

    placeStep(id, to, focus = () => {}) {
      const from = stepAt(id);
      const name = nameOfStep(from);
      const count = model.content.steps.length;
      if (to === from) return;
      if (to < 0) announce(say("stepIsFirst", { name }));
      else if (to >= count) announce(say("stepIsLast", { name }));
      else {
        const before = model.content;
        model.apply(content.moveStep(before, from, to));
        focus();
        sayPlaced(say("stepMoved", { name, position: to + 1, count }), before);
      }
    },

    undo: () => go(model.undo, "undone", "nothingToUndo"),
    redo: () => go(model.redo, "redone", "nothingToRedo"),
  };

  // Whatever was changed meanwhile, it returns as near to its old place as there is one.
  const bringBack = (stepId, at, question, name) => {
    if (content.findQuestion(model.content, question.id)) return;
    if (!model.content.steps.length) model.apply(content.insertStep(model.content, 0, content.newStep()));
    const there = stepAt(stepId);
    const step = there < 0 ? Math.min(at.step, model.content.steps.length - 1) : there;
    const index = Math.min(at.index, model.content.steps[step].questions.length);
    model.apply(content.insertQuestion(model.content, { step, index }, question));
    app.editor.question(question.id).toggle.focus();
    announce(say("broughtBack", { name }));
  };

  const bringStepBack = (index, step, name) => {
    if (stepAt(step.id) >= 0) return;
    model.apply(content.insertStep(model.content, Math.min(index, model.content.steps.length), step));
    app.editor.step(step.id).button("delete").focus();
    announce(say("broughtBack", { name }));
  };

  return commands;
};
