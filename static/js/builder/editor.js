// Draws the content, and only what changed of it.

import { questionsOf } from "./document.js";
import { arrange } from "./dom.js";
import { createContactView } from "./contact-view.js";
import { createQuestionView } from "./question-view.js";
import { createStepView } from "./step-view.js";

export const createEditor = (app, root) => {
  const { model, addStepButton: addStep } = app;
  const questions = new Map();
  const steps = new Map();
  const contact = createContactView(app);
  let openId = null;
  let problems = [];
  let onStep = () => {};

  const viewOf = (question) => {
    if (!questions.has(question.id)) questions.set(question.id, createQuestionView(app, question));
    return questions.get(question.id);
  };
  const viewOfStep = (step) => {
    if (!steps.has(step.id)) {
      const view = createStepView(app, step, viewOf);
      steps.set(step.id, view);
      onStep(view);
    }
    return steps.get(step.id);
  };
  const forget = (views, items) => {
    const present = new Set(items.map(({ id }) => id));
    for (const id of views.keys()) if (!present.has(id)) views.delete(id);
  };

  const showProblems = () => {
    const of = (target) => problems.filter((each) => each.target === target).map((each) => each.message);
    for (const [id, view] of [...questions, ...steps]) view.setProblems(of(id));
    contact.setProblems(of("contact"), of("consent"));
  };

  const render = (content, before) => {
    if (content.steps !== before?.steps || content.contact !== before?.contact) {
      const elements = content.steps.map((step) => viewOfStep(step).element);
      const isFirst = content.contact.position === "first";
      arrange(root, isFirst ? [contact.element, ...elements, addStep] : [...elements, addStep, contact.element]);
      for (const [index, step] of content.steps.entries()) viewOfStep(step).update(step, index);
      const all = questionsOf(content);
      if (all.length !== questions.size) forget(questions, all);
      if (content.steps.length !== steps.size) forget(steps, content.steps);
      if (!questions.has(openId)) openId = null;
      questions.get(openId)?.refresh();
    }
    contact.update(content);
  };

  const editor = {
    question: (id) => questions.get(id),
    step: (id) => steps.get(id),
    contact,
    get openId() {
      return openId;
    },
    stepViews: () => [...steps.values()],
    // Called with each step that appears from now on.
    onStep(listener) {
      onStep = listener;
    },
    start() {
      render(model.content, null);
      model.listen(render);
    },
    // One question is open at a time.
    open(id) {
      if (openId !== id) questions.get(openId)?.close();
      openId = id;
      questions.get(id)?.open();
    },
    close() {
      questions.get(openId)?.close();
      openId = null;
    },
    setProblems(next) {
      problems = next;
      showProblems();
    },
    // Show what was undone: a question or a step by its id, else the contact step. The focus stays unless its place went.
    reveal(id) {
      const view = questions.get(id) ?? steps.get(id) ?? (id === null ? null : contact);
      view?.element.scrollIntoView({ block: "nearest" });
      if (document.activeElement === document.body) (view?.toggle ?? view?.addButton ?? addStep).focus();
    },
    // Go to what a problem is about.
    show(target) {
      if (questions.has(target)) {
        editor.open(target);
        questions.get(target).toggle.focus();
      } else if (steps.has(target)) steps.get(target).addButton.focus();
      else contact.focusConsent();
      document.activeElement.scrollIntoView({ block: "center" });
    },
  };
  return editor;
};
