// Moving by drag. The buttons beside it do the same for who doesn't drag.

import Sortable from "../../vendor/sortablejs/sortable.esm.js";

const LOOK = { animation: 140, ghostClass: "is-ghost", dragClass: "is-dragged" };

const enableQuestions = ({ commands }, list) =>
  Sortable.create(list, {
    ...LOOK,
    group: "questions",
    handle: "[data-handle]",
    draggable: "[data-question]",
    onEnd: ({ item, to, newDraggableIndex }) => commands.place(item.dataset.id, to.dataset.stepId, newDraggableIndex),
  });

export const enableDrag = (app, root) => {
  for (const view of app.editor.stepViews()) enableQuestions(app, view.list);
  app.editor.onStep((view) => enableQuestions(app, view.list));
  Sortable.create(root, {
    ...LOOK,
    handle: "[data-step-handle]",
    draggable: "[data-step]",
    onEnd: ({ item, newDraggableIndex }) => app.commands.placeStep(item.dataset.id, newDraggableIndex),
  });
};
