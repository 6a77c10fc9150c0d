// What has to be decided: changes that a lost tab left behind, and a save by somebody else.

import { announce } from "./words.js";

// The same for visitors: the server trims texts, and writes the parts in an order of its own.
const spell = (_name, value) => {
  if (typeof value === "string") return value.trim();
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))) : value;
};
const isSame = (one, other) => JSON.stringify(one, spell) === JSON.stringify(other, spell);

const focusBehind = () => document.querySelector("[data-save-state]").focus();

export const offerLeftCopy = async ({ copy, model, words, saver, draft }, root) => {
  const left = await copy.findLeft();
  if (!left) return;
  if (isSame(left.content, model.content)) {
    copy.forgetLeft();
    return;
  }
  const isOlder = left.revision < saver.revision;
  const values = { time: words.moment(left.at), name: draft.savedBy, saved: words.moment(draft.savedAt) };
  const said = words.say(isOlder ? "unsavedFoundOlder" : "unsavedFound", values);
  root.querySelector("[data-notice-text]").textContent = said;
  root.hidden = false;
  announce(said);

  const finish = (text) => {
    root.hidden = true;
    focusBehind();
    announce(words.say(text));
  };
  root.querySelector("[data-local-restore]").addEventListener("click", () => {
    model.apply(left.content);
    finish("localRestored");
    // Only now that it is kept under this tab's own name.
    copy.flush();
    copy.forgetLeft();
  });
  root.querySelector("[data-local-discard]").addEventListener("click", () => {
    copy.forgetLeft();
    finish("localDiscarded");
  });
};

export const createConflict = ({ http, model, words, toast, saver: getSaver }, root) => {
  const { say } = words;
  const text = root.querySelector("[data-notice-text]");
  let theirs = null;

  const finish = (name) => {
    root.hidden = true;
    focusBehind();
    announce(say(name));
  };

  root.querySelector("[data-take-theirs]").addEventListener("click", async () => {
    const { status, data } = await http.read();
    if (status !== 200) {
      announce(say("loadFailed"));
      text.textContent = say("loadFailed");
      return;
    }
    const mine = model.content;
    model.apply(data.content);
    getSaver().rebase(data.revision, data.content);
    finish("theirsLoaded");
    toast.show(say("theirsLoaded"), () => {
      model.apply(mine);
      announce(say("mineBack"));
    });
  });
  root.querySelector("[data-keep-mine]").addEventListener("click", async () => {
    root.hidden = true;
    await getSaver().rebase(theirs.revision);
    // An outage or a third editor may have come between; the bar says so then.
    if (getSaver().isSaved) finish("mineKept");
    else if (root.hidden) focusBehind();
  });

  return (data) => {
    theirs = data;
    text.textContent = say(data.savedByYou ? "yoursTitle" : "theirsTitle", {
      name: data.savedBy,
      time: words.moment(data.savedAt),
    });
    root.hidden = false;
    announce(text.textContent);
    root.scrollIntoView({ block: "center" });
  };
};
