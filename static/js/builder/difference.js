// Where two contents differ first, to show it. They share what is the same, so comparing references is enough.

import { locate, questionsOf } from "./document.js";

const byId = (items) => new Map(items.map((item) => [item.id, item]));

// One that came, went or was edited; else one that only moved.
const findIn = (before, after) => {
  const old = byId(before);
  const fresh = byId(after);
  const changed = after.find((item) => old.get(item.id) !== item) ?? before.find(({ id }) => !fresh.has(id));
  const item = changed ?? after.find(({ id }, place) => before[place]?.id !== id);
  if (!item) return null;
  return { item, isGone: !fresh.has(item.id), isEdited: Boolean(changed) && old.has(item.id) && fresh.has(item.id) };
};

// → {kind: "question" | "step", item, isGone, isEdited} or {kind: "contact" | "consent"}; null where they are the same.
export const findDifference = (before, after) => {
  const question = findIn(questionsOf(before), questionsOf(after));
  if (question) return { kind: "question", ...question };
  const step = findIn(before.steps, after.steps);
  if (step) return { kind: "step", ...step };
  if (before.contact !== after.contact) return { kind: "contact" };
  return before.consent === after.consent ? null : { kind: "consent" };
};

// What stands where a question of `before` stood: a question's id, else its step's, else null.
export const findNeighbour = (before, after, id) => {
  const { step: place, index } = locate(before, id);
  const step = after.steps.find((each) => each.id === before.steps[place].id);
  return (step?.questions[index] ?? step?.questions.at(-1) ?? step)?.id ?? null;
};
