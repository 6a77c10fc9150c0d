// The content being edited, with what it was before: undo and redo.

const KEPT = 200;
// Strokes in one field that follow each other so closely are undone together.
const TOGETHER_MS = 1500;

export const createModel = (content) => {
  let current = content;
  let past = [];
  let future = [];
  let last = { key: null, at: 0 };
  const listeners = new Set();

  const change = (next) => {
    const before = current;
    current = next;
    for (const listen of listeners) listen(current, before);
  };

  return {
    get content() {
      return current;
    },
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },
    listen: (listener) => listeners.add(listener),
    // `key` names the field that is being typed in; what `belongs` to it is undone with it, however late it comes.
    apply(next, key = null, { belongs = false } = {}) {
      if (next === current) return;
      const now = performance.now();
      const goesOn = key !== null && key === last.key && (belongs || now - last.at < TOGETHER_MS);
      if (!goesOn) past = [...past, current].slice(-KEPT);
      future = [];
      last = { key, at: now };
      change(next);
    },
    undo() {
      if (!past.length) return false;
      future = [current, ...future];
      last = { key: null, at: 0 };
      change(past.pop());
      return true;
    },
    redo() {
      if (!future.length) return false;
      past = [...past, current];
      last = { key: null, at: 0 };
      change(future.shift());
      return true;
    },
  };
};
