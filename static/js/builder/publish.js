// Publishing: what changes for visitors, what stands in the way, and that it is done.

import { findQuestion } from "./document.js";
import { announce } from "./words.js";

export const createPublishing = (app, { dialog, button, onPublished }) => {
  const { http, saver, words, model } = app;
  const { say } = words;
  const find = (name) => dialog.querySelector(`[data-publish-${name}]`);
  const confirm = find("confirm");

  const fillList = (part, items) => {
    part.hidden = !items.length;
    part.querySelector("[data-list]").replaceChildren(
      ...items.map((item) => {
        const line = document.createElement("li");
        line.append(item);
        return line;
      }),
    );
  };

  const placeOf = (target) => {
    if (target === "consent") return say("inConsent");
    if (target === "contact") return say("inContact");
    const index = model.content.steps.findIndex((step) => step.id === target);
    if (index >= 0) return words.nameOfStep(model.content.steps[index], index);
    const question = findQuestion(model.content, target);
    return question ? words.shortNameOf(question) : "";
  };

  const problemLink = ({ target, message }) => {
    const link = document.createElement("button");
    link.type = "button";
    link.className = "link-button";
    link.textContent = placeOf(target);
    link.addEventListener("click", () => {
      dialog.close();
      app.showPane("edit");
      app.editor.show(target);
    });
    const item = document.createElement("span");
    item.append(link, `: ${message}`);
    return item;
  };

  const ask = ({ problems = [], changes = [], message = "" }) => {
    find("ask").hidden = false;
    find("done").hidden = true;
    fillList(find("problems"), problems.map(problemLink));
    fillList(find("changes"), problems.length ? [] : changes);
    find("message").hidden = !message;
    find("message").textContent = message;
    confirm.hidden = Boolean(message) || problems.length > 0;
    if (!dialog.open) dialog.showModal();
    find("title").focus();
  };

  const review = async () => {
    if (!(await saver.flush())) {
      ask({ message: say("notSavedYet") });
      return;
    }
    const { status, data } = await http.post("review", { revision: saver.revision });
    if (status === 409) saver.meet(data);
    else if (status === 401) ask({ message: say("signedOutPublish") });
    else if (status !== 200) ask({ message: say("reviewFailed") });
    else if (!data.changed) ask({ message: say("nothingChanged", { number: app.published }) });
    else {
      app.editor.setProblems(data.problems);
      ask(data);
    }
  };

  const done = (data) => {
    app.published = data.number;
    onPublished(data);
    find("ask").hidden = true;
    find("done").hidden = false;
    find("done-title").textContent = say("isLive", { number: data.number });
    find("done-title").focus();
    announce(say("isLive", { number: data.number }));
  };

  const publish = async () => {
    const { status, data } = await http.post("publish", { revision: saver.revision });
    if (status === 200) done(data);
    else if (status === 409) {
      dialog.close();
      saver.meet(data);
    } else if (status === 401) ask({ message: say("signedOutPublish") });
    else if (status === 422) ask(data);
    else ask({ message: say("publishFailed") });
  };

  // A second click while the first one's answer is on its way does nothing.
  const once = (control, action) =>
    control.addEventListener("click", async () => {
      if (control.getAttribute("aria-disabled") === "true") return;
      control.setAttribute("aria-disabled", "true");
      try {
        await action();
      } finally {
        control.removeAttribute("aria-disabled");
      }
    });
  once(button, review);
  once(confirm, publish);
  dialog.addEventListener("close", () => {
    if (document.activeElement === document.body) button.focus();
  });
};
