// The Form Builder: puts its parts together.

import { createCommands } from "./commands.js";
import { createEditor } from "./editor.js";
import { createHttp } from "./http.js";
import { createLocalCopy } from "./local-copy.js";
import { createModel } from "./model.js";
import { createConflict, offerLeftCopy } from "./notices.js";
import { createPicker } from "./picker.js";
import { createPreview } from "./preview.js";
import { createPublishing } from "./publish.js";
import { createSaver } from "./saver.js";
import { createToast } from "./toast.js";
import { announce, createWords } from "./words.js";
import { enableDrag } from "./drag.js";

const find = (name) => document.querySelector(`[data-${name}]`);
const data = JSON.parse(document.getElementById("builder-data").textContent);
const addresses = find("builder-urls");

const words = createWords(data);
const model = createModel(data.content);
const http = createHttp({ ...addresses.dataset }, addresses.querySelector("[name=csrfmiddlewaretoken]").value);
const copy = createLocalCopy(data);
const toast = createToast(find("toast"));
const app = { model, words, http, toast, schema: data.schema, published: data.published };
app.addStepButton = find("add-step");
app.picker = createPicker(find("picker"));
app.commands = createCommands(app);
app.editor = createEditor(app, find("steps"));

// --- Saving ---

const TROUBLE = new Set(["offline", "failing", "signedOut", "forbidden", "gone", "refused", "conflict"]);
const LOOKS = { saved: "saved", saving: "busy", unsaved: "busy" };
let lastState = "saved";

const showState = (state, details) => {
  const text =
    state === "saved" && details.at
      ? words.say("savedAt", { time: words.time(details.at) })
      : words.say(state, details);
  find("save-text").textContent = text;
  find("save-state").dataset.look = LOOKS[state] ?? "trouble";
  find("sign-in").hidden = state !== "signedOut";
  // "Saved" after each word would be a nuisance to listen to.
  if (TROUBLE.has(state) && state !== lastState) announce(text);
  else if (state === "saved" && TROUBLE.has(lastState)) announce(text);
  if (state !== "saving") lastState = state;
};

const showChanged = (isChanged) => {
  find("changed").hidden = !isChanged || app.published === null;
};

app.onConflict = createConflict({ ...app, saver: () => app.saver }, find("conflict-notice"));
app.saver = createSaver({
  model,
  http,
  copy,
  revision: data.revision,
  onState: showState,
  onSaved(answer, isLatest) {
    showChanged(answer.changed);
    if (isLatest) app.editor.setProblems(answer.problems);
    preview.catchUp();
  },
  onConflict: (answer) => app.onConflict(answer),
});
// Who follows a link a second after the last word is not asked about it.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[href]:not([target], [href^='#'])");
  const isPlain = !event.defaultPrevented && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || app.saver.isSaved) return;
  event.preventDefault();
  await app.saver.flush();
  location.assign(link.href);
});
// Nor who signs out or unpublishes.
const sure = new WeakSet();
document.addEventListener(
  "submit",
  async (event) => {
    const { target, submitter } = event;
    if (target.method !== "post" || app.saver.isSaved || sure.has(target)) return;
    event.preventDefault();
    event.stopPropagation();
    await app.saver.flush();
    sure.add(target);
    target.requestSubmit(submitter);
    sure.delete(target);
  },
  true,
);
addEventListener("beforeunload", (event) => {
  if (!app.saver.isSaved) event.preventDefault();
});

// --- Editor and preview side by side, or one of them ---

app.showPane = (pane) => {
  find("builder").dataset.pane = pane;
  for (const button of document.querySelectorAll("[data-panes] button")) {
    button.setAttribute("aria-pressed", String(button.dataset.pane === pane));
  }
};
find("panes").addEventListener("click", (event) => {
  const pane = event.target.closest("[data-pane]")?.dataset.pane;
  if (pane) app.showPane(pane);
});

// --- Undo ---

// Fields whose text is no part of the content yet undo by themselves; two histories in one field would fight.
const OWN_UNDO = "[data-lines], [aria-invalid=true][data-rule]";
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  // Who presses it out of habit is not asked where to store the page.
  if (key === "s") {
    event.preventDefault();
    app.saver.flush().then((isSaved) => announce(isSaved ? words.say("saved") : find("save-text").textContent));
    return;
  }
  if ((key !== "z" && key !== "y") || event.target.matches(OWN_UNDO)) return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) app.commands.redo();
  else app.commands.undo();
});
find("undo").addEventListener("click", app.commands.undo);
find("redo").addEventListener("click", app.commands.redo);
const showHistory = () => {
  find("undo").setAttribute("aria-disabled", String(!model.canUndo));
  find("redo").setAttribute("aria-disabled", String(!model.canRedo));
};
model.listen(showHistory);

// --- Start ---

createPublishing(app, {
  dialog: find("publish-dialog"),
  button: find("publish"),
  onPublished({ number, publishedAt }) {
    find("published-at").textContent = words.say("publishedAt", { time: words.day(publishedAt) });
    find("published-at").hidden = false;
    find("live-state").textContent = words.say("liveVersion", { number });
    find("live-state").classList.add("badge-ok");
    for (const part of document.querySelectorAll("[data-when-live]")) part.hidden = false;
    showChanged(false);
  },
});
app.addStepButton.addEventListener("click", app.commands.addStep);
showHistory();
app.showPane("edit");
app.editor.start();
app.editor.setProblems(data.problems);
enableDrag(app, find("steps"));
find("bar").hidden = find("builder").hidden = false;
document.documentElement.classList.add("has-bar");
const preview = createPreview({
  model,
  http,
  words,
  pane: find("preview-pane"),
  stage: find("stage"),
  note: find("preview-note"),
});
preview.start();
find("editor").addEventListener("focusin", ({ target }) => {
  const section = target.closest("[data-step], [data-contact]");
  if (section) preview.follow(section.dataset.id ?? "contact");
});

if (data.replaced) {
  toast.show(words.say("replaced"), () => {
    model.apply(data.replaced);
    announce(words.say("replacedUndone"));
  });
}
offerLeftCopy({ copy, model, words, saver: app.saver, draft: data }, find("local-notice"));
