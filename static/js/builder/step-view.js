// A step in the editor: its words, its questions, what can be done with it.

import { arrange, clone, listTexts, nameParts, setText, setValue } from "./dom.js";

export const createStepView = (app, step, viewOf) => {
  const { words, commands } = app;
  const element = clone("step");
  const list = element.querySelector("[data-questions]");
  const controls = element.querySelectorAll("[data-field]");
  const addButton = element.querySelector("[data-add]");
  let shown = null;
  let place = -1;
  let problems = "";

  element.dataset.id = step.id;
  list.dataset.stepId = step.id;

  for (const control of controls) {
    const { field } = control.dataset;
    control.addEventListener("input", () =>
      commands.editStep(step.id, { [field]: control.value }, `${step.id}.${field}`),
    );
  }
  addButton.addEventListener("click", () => commands.add(step.id));
  element.querySelector(".step-head").addEventListener("click", (event) => {
    const action = event.target.closest("[data-do]")?.dataset.do;
    if (action === "up" || action === "down") commands.shiftStep(step.id, action);
    else if (action === "duplicate") commands.duplicateStep(step.id);
    else if (action === "delete") commands.removeStep(step.id);
  });

  return {
    element,
    list,
    addButton,
    button: (action) => element.querySelector(`.step-head [data-do="${action}"]`),
    update(next, index) {
      if (next === shown && index === place) return;
      const name = words.nameOfStep(next, index);
      if (index !== place || next.title !== shown?.title) {
        setText(element.querySelector("[data-number]"), words.say("step", { number: index + 1 }));
        nameParts(element.querySelector(".step-head"), words.fill, { name });
        nameParts(element.querySelector(".step-words"), words.fill, { name: words.say("step", { number: index + 1 }) });
        addButton.setAttribute("aria-label", words.fill(addButton.dataset.says, { name }));
      }
      for (const control of controls) setValue(control, next[control.dataset.field]);
      if (next.questions !== shown?.questions) {
        arrange(
          list,
          next.questions.map((question) => viewOf(question).element),
        );
        for (const question of next.questions) viewOf(question).update(question);
        element.querySelector("[data-no-questions]").hidden = next.questions.length > 0;
      }
      shown = next;
      place = index;
    },
    setProblems(messages) {
      if (messages.join("\n") === problems) return;
      problems = messages.join("\n");
      listTexts(element.querySelector("[data-problems]"), messages);
    },
  };
};
