// Saves the draft by itself, one save at a time, and says truly how that stands.
//
// States: saved, unsaved, saving, offline, failing, signedOut, forbidden, refused, conflict.

const SAVE_AFTER_MS = 1000;
const RETRY_MS = [2000, 4000, 8000, 15_000, 30_000];
// These are tried again by themselves.
const PASSING = { 0: "offline", 401: "signedOut" };

export const createSaver = ({ model, http, copy, revision: known, onState, onSaved, onConflict }) => {
  let revision = known;
  let saved = model.content;
  let state = "saved";
  let timer;
  let running = null;
  let failures = 0;

  const enter = (next, details = {}) => {
    state = next;
    onState(next, details);
  };

  const plan = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  };

  const tryLater = (next) => {
    enter(next);
    plan(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    failures += 1;
  };

  const take = (content, data) => {
    revision = data.revision;
    saved = content;
    failures = 0;
    const isLatest = model.content === content;
    if (isLatest) {
      copy.clear();
      enter("saved", { at: data.savedAt });
    } else {
      copy.keep(model.content, revision);
      enter("unsaved");
      plan(SAVE_AFTER_MS);
    }
    onSaved(data, isLatest);
  };

  // Somebody saved since: what is here is kept on this device until it is decided which of the two it shall be.
  const meet = (data) => {
    clearTimeout(timer);
    copy.keep(model.content, revision);
    enter("conflict", data);
    onConflict(data);
  };

  const finish = (content, { status, data }) => {
    if (status === 200) take(content, data);
    else if (status === 409) meet(data);
    else if (status in PASSING) tryLater(PASSING[status]);
    else if (status >= 500 || status === 429) tryLater("failing");
    else if (status === 403 || status === 404) enter("forbidden");
    else enter("refused", { message: data.issues?.[0]?.message ?? data.message ?? String(status) });
  };

  const save = () => {
    clearTimeout(timer);
    if (running) return running;
    if (model.content === saved) return Promise.resolve();
    const content = model.content;
    enter("saving");
    running = http.post("save", { revision, content }).then((answer) => {
      running = null;
      finish(content, answer);
    });
    return running;
  };

  model.listen((content) => {
    if (state === "conflict") {
      copy.keep(content, revision);
      return;
    }
    if (content === saved) {
      // Undone up to what is stored already; a save on its way is answered later.
      if (running) return;
      clearTimeout(timer);
      copy.clear();
      enter("saved");
      return;
    }
    copy.keep(content, revision);
    if (running) return;
    // An outage goes on being called one, and typing does not put off the next try.
    if (state === "offline" || state === "failing" || state === "signedOut") return;
    enter("unsaved");
    plan(SAVE_AFTER_MS);
  });

  const retryNow = () => {
    if (["offline", "failing", "signedOut"].includes(state)) save();
  };
  addEventListener("online", retryNow);
  addEventListener("focus", retryNow);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && state === "unsaved") save();
  });

  return {
    get revision() {
      return revision;
    },
    get isSaved() {
      return state === "saved" && model.content === saved;
    },
    meet,
    // Save at once. True when everything is stored.
    async flush() {
      if (state === "conflict" || state === "forbidden") return false;
      for (let tries = 0; tries < 3 && model.content !== saved; tries += 1) {
        await save();
        if (state !== "saved" && state !== "unsaved") return false;
      }
      return model.content === saved;
    },
    // Go on from another revision: theirs was loaded (`content`), or is to be overwritten (no content).
    async rebase(next, content = null) {
      revision = next;
      failures = 0;
      if (content) {
        saved = content;
        copy.clear();
        enter("saved");
      } else {
        // Also where all of mine was saved before theirs came.
        saved = null;
        await save();
      }
    },
  };
};
