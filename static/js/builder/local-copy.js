// Unsaved changes, kept on this device until the server has them: a crash of the tab or an outage loses nothing.

const WRITE_AFTER_MS = 250;

const read = (key) => {
  try {
    const copy = JSON.parse(localStorage.getItem(key));
    return copy?.content?.steps && copy.at ? { ...copy, key } : null;
  } catch {
    return null;
  }
};

const remove = (key) => {
  try {
    localStorage.removeItem(key);
  } catch {
    // Storage is switched off.
  }
};

const keysWith = (prefix) => {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
};

// Tabs that live hold a lock by the name of their copy; a copy without one was left behind.
const heldKeys = async () => {
  const found = await navigator.locks?.query?.().catch(() => null);
  return new Set(found?.held?.map((lock) => lock.name));
};

export const createLocalCopy = ({ workspace, user }) => {
  const prefix = `coachbot:form:${workspace}:${user}:`;
  const key = prefix + crypto.getRandomValues(new Uint32Array(2)).join("");
  let timer = null;
  let waiting;
  navigator.locks?.request?.(key, () => new Promise(() => {})).catch(() => {});

  const flush = () => {
    clearTimeout(timer);
    timer = null;
    if (!waiting) return;
    try {
      localStorage.setItem(key, JSON.stringify(waiting));
    } catch {
      // Full or switched off: the server's copy is the only one then.
    }
    waiting = null;
  };
  addEventListener("pagehide", flush);

  return {
    flush,
    keep(content, revision) {
      waiting = { content, revision, at: new Date().toISOString() };
      // Not put off by what comes meanwhile: who never pauses may crash as well.
      timer ??= setTimeout(flush, WRITE_AFTER_MS);
    },
    clear() {
      clearTimeout(timer);
      timer = null;
      waiting = null;
      remove(key);
    },
    // The latest that a tab left behind, or null.
    async findLeft() {
      const held = await heldKeys();
      const left = keysWith(prefix).filter((each) => each !== key && !held.has(each));
      const copies = left.map(read).filter(Boolean);
      return copies.sort((one, other) => other.at.localeCompare(one.at))[0] ?? null;
    },
    async forgetLeft() {
      const held = await heldKeys();
      for (const each of keysWith(prefix)) if (each !== key && !held.has(each)) remove(each);
    },
  };
};
