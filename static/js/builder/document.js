// The form's content as values that never change: each function returns a new content that shares all it left alone,
// so that what differs between two contents is found by comparing references.

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

const randomId = (prefix) => {
  // Bytes above 251 would make some characters likelier than others.
  const drawn = [];
  while (drawn.length < 6) {
    for (const byte of crypto.getRandomValues(new Uint8Array(12))) if (byte < 252) drawn.push(ALPHABET[byte % 36]);
  }
  return `${prefix}_${drawn.slice(0, 6).join("")}`;
};

const replaced = (list, index, item) => list.map((old, n) => (n === index ? item : old));
const inserted = (list, index, item) => [...list.slice(0, index), item, ...list.slice(index)];
const removed = (list, index) => list.filter((_, n) => n !== index);

export const moved = (list, from, to) => inserted(removed(list, from), to, list[from]);

export const newQuestion = (type, hasOptions) => ({
  id: randomId("q"),
  type,
  label: "",
  help: "",
  placeholder: "",
  required: false,
  options: hasOptions ? ["", ""] : [],
  rules: {},
  param: "",
  showIf: null,
});

export const newStep = () => ({ id: randomId("s"), title: "", text: "", questions: [] });

export const questionsOf = (content) => content.steps.flatMap((step) => step.questions);

// Where a question is: the places of its step and of itself in it.
export const locate = (content, id) => {
  for (const [step, { questions }] of content.steps.entries()) {
    const index = questions.findIndex((question) => question.id === id);
    if (index >= 0) return { step, index };
  }
  return null;
};

export const findQuestion = (content, id) => {
  const at = locate(content, id);
  return at && content.steps[at.step].questions[at.index];
};

export const earlierThan = (content, id) => {
  const all = questionsOf(content);
  return all.slice(
    0,
    all.findIndex((question) => question.id === id),
  );
};

// Who has a condition on one of these questions, without being one of them.
export const askersOf = (content, ids) => {
  const asks = ({ showIf }) => showIf?.conditions.some((each) => ids.has(each.question));
  return questionsOf(content).filter((question) => !ids.has(question.id) && asks(question));
};

// Whose conditions ask for a question that comes later, or for themselves.
export const askersTooEarly = (content) => {
  const all = questionsOf(content);
  const later = new Set(all.map(({ id }) => id));
  return all.filter(({ id, showIf }) => {
    const asks = showIf?.conditions.some((each) => later.has(each.question)) ?? false;
    later.delete(id);
    return asks;
  });
};

const changeStep = (content, index, change) => ({
  ...content,
  steps: replaced(content.steps, index, { ...content.steps[index], ...change }),
});

export const updateStep = (content, id, change) => {
  const index = content.steps.findIndex((step) => step.id === id);
  return index < 0 ? content : changeStep(content, index, change);
};

export const updateQuestion = (content, id, change) => {
  const at = locate(content, id);
  if (!at) return content;
  const { questions } = content.steps[at.step];
  return changeStep(content, at.step, {
    questions: replaced(questions, at.index, { ...questions[at.index], ...change }),
  });
};

export const insertQuestion = (content, { step, index }, question) =>
  changeStep(content, step, { questions: inserted(content.steps[step].questions, index, question) });

export const removeQuestion = (content, id) => {
  const at = locate(content, id);
  return at
    ? changeStep(content, at.step, { questions: removed(content.steps[at.step].questions, at.index) })
    : content;
};

export const moveQuestion = (content, id, to) =>
  insertQuestion(removeQuestion(content, id), to, findQuestion(content, id));

// One place up (-1) or down (1), across the steps' borders. The same content where there is no place left.
export const shiftQuestion = (content, id, by) => {
  const { step, index } = locate(content, id);
  const within = index + by;
  if (within >= 0 && within < content.steps[step].questions.length) {
    return moveQuestion(content, id, { step, index: within });
  }
  const next = content.steps[step + by];
  return next ? moveQuestion(content, id, { step: step + by, index: by < 0 ? next.questions.length : 0 }) : content;
};

export const copyQuestion = (question, label) => ({ ...question, id: randomId("q"), label });

export const insertStep = (content, index, step) => ({ ...content, steps: inserted(content.steps, index, step) });

export const removeStep = (content, id) => ({ ...content, steps: content.steps.filter((step) => step.id !== id) });

export const moveStep = (content, from, to) => ({ ...content, steps: moved(content.steps, from, to) });

// Conditions on questions of the step go over to their copies.
export const copyStep = (step) => {
  const ids = new Map(step.questions.map(({ id }) => [id, randomId("q")]));
  const questions = step.questions.map((question) => ({
    ...question,
    id: ids.get(question.id),
    showIf: question.showIf && {
      ...question.showIf,
      conditions: question.showIf.conditions.map((each) => ({
        ...each,
        question: ids.get(each.question) ?? each.question,
      })),
    },
  }));
  return { ...step, id: randomId("s"), questions };
};

export const updateContact = (content, change) => ({ ...content, contact: { ...content.contact, ...change } });

// Conditions that ask for an option follow when it is renamed.
export const followOption = (content, id, before, after) => {
  const follows = (each) => each.question === id && each.value === before;
  const steps = content.steps.map((step) => {
    if (!step.questions.some(({ showIf }) => showIf?.conditions.some(follows))) return step;
    const questions = step.questions.map((question) => {
      if (!question.showIf?.conditions.some(follows)) return question;
      const conditions = question.showIf.conditions.map((each) => (follows(each) ? { ...each, value: after } : each));
      return { ...question, showIf: { ...question.showIf, conditions } };
    });
    return { ...step, questions };
  });
  return { ...content, steps };
};
