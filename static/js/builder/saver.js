// Saves the draft by itself, one save at a time, and says truly how that stands.
//
// States: saved, unsaved, saving, offline, failing, signedOut, forbidden, gone, refused, conflict.

const SAVE_AFTER_MS = 1000;
// However busily somebody writes.
const SAVE_AT_LEAST_MS = 10_000;
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
  let unsavedSince = 0;
  // Sent, and never answered: any of these may be what is stored.
  const unanswered = new Set();

  const enter = (next, details = {}) => {
    if (next === "unsaved" && state !== next) unsavedSince = performance.now();
    state = next;
    onState(next, details);
  };

  const plan = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  };

  const planSave = () => plan(Math.min(SAVE_AFTER_MS, unsavedSince + SAVE_AT_LEAST_MS - performance.now()));

  const tryLater = (next) => {
    enter(next);
    plan(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    failures += 1;
  };

  const take = (content, data) => {
    revision = data.revision;
    saved = content;
    failures = 0;
    unanswered.clear();
    const isLatest = model.content === content;
    if (isLatest) {
      copy.clear();
      enter("saved", { at: data.savedAt });
    } else {
      copy.keep(model.content, revision);
      enter("unsaved");
      planSave();
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
    if (status === 0 || status >= 500) {
      unanswered.add(content);
      // What is stored now, nobody knows.
      saved = null;
    }
    if (status === 200) take(content, data);
    else if (status === 409) meet(data);
    else if (status in PASSING) tryLater(PASSING[status]);
    else if (status >= 500 || status === 429) tryLater("failing");
    else if (status === 403) enter("forbidden");
    else if (status === 404) enter("gone");
    else enter("refused", { message: data.issues?.[0]?.message ?? data.message ?? String(status) });
  };

  // Somebody else's save may be one of ours that was not answered. The server takes what it has already for saved,
  // whatever the revision, and refuses everything else.
  const send = async (content) => {
    const answer = await http.post("save", { revision, content });
    if (answer.status !== 409) return [content, answer];
    for (const earlier of unanswered) {
      const found = await http.post("save", { revision, content: earlier });
      if (found.status !== 409) return [earlier, found];
    }
    return [content, answer];
  };

  const save = () => {
    clearTimeout(timer);
    if (running) return running;
    if (model.content === saved) return Promise.resolve();
    const content = model.content;
    enter("saving");
    running = send(content).then((answered) => {
      running = null;
      finish(...answered);
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
    planSave();
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
      if (["conflict", "forbidden", "gone"].includes(state)) return false;
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
      unanswered.clear();
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
