// The hosted form where scripts run: a step at a time, conditions as one types, problems before anything is sent.
// Without this file the page is one long form that works; the server has the last word on everything.

import { forgetDraft, keepDraft, keptUnder, restoreDraft } from "./form-draft.js";
import { isDate, isGreater, readNumber, shownQuestions } from "./form-logic.js";

const embedded = window.parent !== window;
const tell = (message) => {
  // Nothing of it is secret: the height, and that something was sent.
  if (embedded) window.parent.postMessage({ coachbot: true, ...message }, "*");
};

const PATIENCE_MS = 15000;

class Form {
  constructor(element) {
    const data = JSON.parse(document.getElementById("form-data").textContent);
    this.element = element;
    this.words = data.words;
    this.point = data.point;
    this.questions = data.questions;
    this.fields = new Map([...data.questions, ...data.contact].map((field) => [field.id, field]));
    this.steps = element.dataset.mode === "steps" ? [...element.querySelectorAll(".step")] : [];
    this.summary = document.getElementById("summary");
    this.submit = element.querySelector("[data-submit]");
    this.back = element.querySelector("[data-back]");
    this.sendLabel = this.submit.textContent;
    this.title = document.title.replace(`${this.words.error} `, "");
    this.key = element.dataset.form && keptUnder(element.dataset.form);
    this.current = 0;
  }

  start() {
    for (const hint of this.element.querySelectorAll("[data-if]")) this.forget(hint);
    if (this.key && !("restored" in this.element.dataset)) restoreDraft(this.key, this.element);
    this.applyConditions();
    const firstProblem = this.element.querySelector(".problem");
    const kept = history.state?.coachbotStep;
    const inUse = document.activeElement?.closest(".step");
    if (firstProblem) this.current = this.stepOf(firstProblem);
    else if (!this.summary.hidden) this.current = this.shownSteps().at(-1) ?? 0;
    else if (inUse) this.current = this.stepOf(inUse);
    else if (this.key && Number.isInteger(kept) && kept < this.steps.length) this.current = kept;
    this.show(this.current);
    if (!this.summary.hidden) this.summary.focus();
    this.listen();
    this.element.dataset.ready = "";
  }

  listen() {
    this.element.addEventListener("submit", (event) => this.next(event));
    for (const button of [this.submit, this.back]) {
      button.addEventListener("click", (event) => {
        // The second half of a double click would pass over a step unseen.
        if (event.detail > 1) event.preventDefault();
        else if (button === this.back) this.previous();
      });
    }
    this.summary.addEventListener("click", (event) => this.follow(event));
    for (const type of ["input", "change"]) this.element.addEventListener(type, (event) => this.noteChange(event));
    // The builder shows the step that is being worked on.
    if ("preview" in this.element.dataset) {
      this.element.addEventListener("coachbot:step", ({ detail }) => {
        if (this.steps.length) this.show(this.steps.findIndex((step) => step.id === detail));
      });
    }
    addEventListener("popstate", (event) => {
      if (this.steps.length) this.go(event.state?.coachbotStep ?? 0);
    });
    addEventListener("pageshow", (event) => {
      // Back from the next page: the form is whole again.
      if (event.persisted) this.release();
    });
  }

  // --- Steps

  stepOf(element) {
    return Math.max(0, this.steps.indexOf(element.closest(".step")));
  }

  // A step whose questions are all hidden is passed over; one that only says something is not.
  shownSteps() {
    return this.steps.flatMap((step, n) => {
      const questions = [...step.querySelectorAll("[data-question]")];
      return questions.length && questions.every((question) => question.hidden) ? [] : [n];
    });
  }

  show(wanted) {
    const shown = this.shownSteps();
    this.current = shown.includes(wanted) ? wanted : (shown.findLast((n) => n < wanted) ?? shown[0] ?? 0);
    this.steps.forEach((step, n) => {
      step.hidden = n !== this.current;
    });
    const place = shown.indexOf(this.current);
    const isLast = place === shown.length - 1;
    this.back.hidden = place <= 0;
    this.submit.textContent = isLast ? this.sendLabel : this.words.next;
    this.showProgress(place + 1, shown.length);
  }

  showProgress(number, count) {
    const progress = this.element.querySelector("[data-progress]");
    progress.hidden = count < 2;
    const text = this.words.step.replace("%(number)s", number).replace("%(count)s", count);
    progress.querySelector("[data-progress-text]").textContent = text;
    const bar = progress.querySelector("progress");
    bar.max = Math.max(count, 1);
    bar.value = number;
    const untitled = this.steps[this.current]?.querySelector("h2[data-untitled]");
    if (untitled) untitled.textContent = text;
  }

  // Moves to a step, and the focus to its heading: that is where a reader goes on.
  go(wanted) {
    this.clearSummary();
    this.show(wanted);
    const heading = this.steps[this.current].querySelector("h2");
    heading.focus();
    if (this.element.getBoundingClientRect().top < 0) this.element.scrollIntoView({ block: "start" });
    tell({ type: "step" });
  }

  next(event) {
    const shown = this.shownSteps();
    const following = shown[shown.indexOf(this.current) + 1];
    if (this.steps.length && following !== undefined) {
      event.preventDefault();
      if (this.check(this.steps[this.current])) {
        if (this.key) history.pushState({ coachbotStep: following }, "");
        this.keep();
        this.go(following);
      }
      return;
    }
    this.send(event);
  }

  previous() {
    // Where the steps so far are in the browser's history, its own button and ours do the same.
    if (this.key && history.state?.coachbotStep === this.current) {
      history.back();
      return;
    }
    const shown = this.shownSteps();
    this.go(shown[shown.indexOf(this.current) - 1] ?? 0);
  }

  send(event) {
    if (this.element.dataset.sent) {
      event.preventDefault();
      return;
    }
    if ("preview" in this.element.dataset) {
      event.preventDefault();
      if (this.check(this.element)) this.element.querySelector("[data-status]").textContent = this.words.preview;
      return;
    }
    if (!this.check(this.element)) {
      event.preventDefault();
      return;
    }
    this.element.dataset.sent = "yes";
    this.submit.setAttribute("aria-disabled", "true");
    this.submit.textContent = this.words.sending;
    this.element.querySelector("[data-status]").textContent = this.words.sending;
    // Of a page elsewhere we learn nothing any more: what is kept goes with this one.
    if ("redirects" in this.element.dataset) addEventListener("pagehide", () => forgetDraft(this.key), { once: true });
    // No answer came, or the browser was told to stop. Sent once more it is still one lead.
    setTimeout(() => this.release(), PATIENCE_MS);
  }

  release() {
    delete this.element.dataset.sent;
    this.submit.removeAttribute("aria-disabled");
    this.element.querySelector("[data-status]").textContent = "";
    this.show(this.current);
    if (!this.steps.length) this.submit.textContent = this.sendLabel;
  }

  // --- Answers and conditions

  controls(id) {
    return [...this.element.querySelectorAll(`[name="${id}"]`)];
  }

  typed(id) {
    const values = this.controls(id).map((control) =>
      ["radio", "checkbox"].includes(control.type) && !control.checked ? "" : control.value.trim(),
    );
    return values.filter(Boolean);
  }

  answersTo(id) {
    const typed = this.typed(id);
    if (this.fields.get(id)?.type !== "number") return typed;
    return typed.map((text) => readNumber(text, this.point) || text);
  }

  applyConditions() {
    const shown = shownQuestions(this.questions, (id) => this.answersTo(id));
    for (const { id } of this.questions) {
      const question = this.question(id);
      if (question) question.hidden = !shown.has(id);
    }
  }

  noteChange(event) {
    if (!event.target.name) return;
    this.applyConditions();
    if (this.steps.length) this.show(this.current);
    this.keep();
    const question = event.target.closest("[data-question]");
    // A problem that was told goes as soon as it is mended; a new one is not told while somebody types.
    if (question?.querySelector(".problem") && !this.problemOf(question.dataset.question)) this.tellAt(question, "");
  }

  question(id) {
    return this.element.querySelector(`[data-question="${id}"]`);
  }

  // --- Problems

  // Checks what is shown within an element; tells each problem at its field and all of them in the summary.
  check(within) {
    const problems = [];
    for (const question of within.querySelectorAll("[data-question]")) {
      const message = question.hidden ? "" : this.problemOf(question.dataset.question);
      this.tellAt(question, message);
      if (message) problems.push([question, message]);
    }
    if (!problems.length) {
      this.clearSummary();
      return true;
    }
    this.fillSummary(problems);
    if (this.steps.length) this.show(this.stepOf(problems[0][0]));
    this.summary.focus();
    return false;
  }

  problemOf(id) {
    const { type, required, rules, says } = this.fields.get(id);
    const control = this.controls(id)[0];
    const answers = this.typed(id);
    if (control?.validity.badInput) return says.wrong;
    if (!answers.length) return required ? says.missing : "";
    switch (type) {
      case "short_text":
      case "long_text":
        return this.lengthProblem(answers[0], rules, says, type);
      case "email":
        return control.validity.typeMismatch || !/@[^@]+\.[^@.]+$/.test(answers[0]) ? says.wrong : "";
      case "phone":
        return this.phoneProblem(id, answers[0]) ? says.wrong : "";
      case "number":
        return this.numberProblem(readNumber(answers[0], this.point), rules, says);
      case "date":
        if (!isDate(answers[0])) return says.wrong;
        if (rules.earliest && answers[0] < rules.earliest) return says.low;
        return rules.latest && answers[0] > rules.latest ? says.high : "";
      case "multiple_choice":
        if (answers.length < (rules.minChoices ?? 0)) return says.few;
        return answers.length > (rules.maxChoices ?? Infinity) ? says.many : "";
      default:
        return "";
    }
  }

  lengthProblem(answer, rules, says, type) {
    const text = type === "short_text" ? answer : answer.replaceAll("\r\n", "\n");
    const length = [...text].length;
    if (length > rules.maxLength) return says.long;
    return length < (rules.minLength ?? 0) ? says.short : "";
  }

  // Only what no country could mean: the server reads the rest, and knows what an extension is.
  phoneProblem(id, answer) {
    const digits = answer.match(/\p{Nd}/gu)?.length ?? 0;
    const country = this.controls(`${id}_region`)[0]?.value;
    return digits < 4 || digits > 24 || !(country || /^[^\p{Nd}]*([+＋]|00)/u.test(answer));
  }

  numberProblem(number, rules, says) {
    if (!number) return says.wrong;
    if (rules.min && isGreater(rules.min, number)) return says.low;
    if (rules.max && isGreater(number, rules.max)) return says.high;
    return rules.whole && number.includes(".") ? says.whole : "";
  }

  tellAt(question, message) {
    const id = question.dataset.question;
    let problem = question.querySelector(".problem");
    const described = this.controls(id).filter((control) => control.type !== "radio");
    const group = question.matches("fieldset") ? question : null;
    if (!message) {
      if (problem) this.forget(problem);
      for (const element of [group, ...described]) element?.removeAttribute("aria-invalid");
      return;
    }
    if (!problem) {
      problem = Object.assign(document.createElement("p"), { className: "problem", id: `${id}-error` });
      question.querySelector(":scope > :is(.choices, .choice, .phone, input, select, textarea)").before(problem);
      for (const element of group ? [group] : described) this.describe(element, problem.id);
    }
    problem.textContent = message;
    if (group?.getAttribute("role") === "radiogroup") group.setAttribute("aria-invalid", "true");
    for (const control of described) control.setAttribute("aria-invalid", "true");
  }

  describe(element, id) {
    const ids = (element.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean);
    if (!ids.includes(id)) element.setAttribute("aria-describedby", [id, ...ids].join(" "));
  }

  // Takes an element away, and its id out of what others are described by.
  forget(note) {
    for (const element of this.element.querySelectorAll(`[aria-describedby~="${note.id}"]`)) {
      const rest = element
        .getAttribute("aria-describedby")
        .split(" ")
        .filter((id) => id !== note.id);
      if (rest.length) element.setAttribute("aria-describedby", rest.join(" "));
      else element.removeAttribute("aria-describedby");
    }
    note.remove();
  }

  fillSummary(problems) {
    this.summary.querySelector("h2").textContent = this.words.check;
    const items = problems.map(([question, message]) => {
      const id = question.dataset.question;
      const link = Object.assign(document.createElement("a"), { href: `#${id}` });
      // What stands beside the box of consent is too long for a name.
      if (id !== "consent") link.append(question.querySelector("legend bdi, label bdi").cloneNode(true), " ");
      link.append(message);
      const item = document.createElement("li");
      item.append(link);
      return item;
    });
    this.summary.querySelector("ul").replaceChildren(...items);
    this.summary.hidden = false;
    document.title = `${this.words.error} ${this.title}`;
  }

  clearSummary() {
    this.summary.hidden = true;
    document.title = this.title;
  }

  follow(event) {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    const control = document.getElementById(link.hash.slice(1));
    if (this.steps.length && control) this.show(this.stepOf(control));
    control?.focus();
  }

  keep() {
    if (this.key) keepDraft(this.key, this.element);
  }
}

const tellHeight = () => {
  const measure = () =>
    tell({ type: "height", height: Math.ceil(document.body.getBoundingClientRect().height), title: document.title });
  new ResizeObserver(measure).observe(document.body);
  measure();
};

const thanks = document.querySelector("[data-thanks]");
const form = document.querySelector("form[data-form]");
if (form) new Form(form).start();
if (thanks?.dataset.thanks) {
  forgetDraft(keptUnder(`${thanks.dataset.thanks}:`));
  tell({ type: "submitted", onward: thanks.dataset.onward ?? "" });
  thanks.querySelector("h1").focus();
}
if (embedded) tellHeight();
for (const link of document.querySelectorAll(".prose a, label a, .help a")) {
  // What is typed stays where it is while somebody reads up on it.
  link.target = "_blank";
  link.rel = "noopener";
}
