// The page's sentences, filled in; and its voice.

const SHORT = 60;
const status = document.querySelector("[data-status]");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

export const createWords = ({ texts, schema, timeZone }) => {
  // As the server writes days: 25 Nov 2026.
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "short", hourCycle: "h23", timeZone });
  const calendar = new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle: "short",
    hourCycle: "h23",
    timeZone,
  });
  const say = (name, values = {}) => fill(texts[name], values);
  const nameOf = ({ label, type }) => label.trim() || say(untitled[type] ?? "untitled");
  const untitled = { statement: "untitledStatement", hidden: "untitledHidden" };

  return {
    say,
    fill,
    time: (iso) => clock.format(new Date(iso)),
    day: (iso) => calendar.format(new Date(iso)),
    // The day as well where it isn't today.
    moment(iso) {
      const at = new Date(iso);
      return at.toDateString() === new Date().toDateString() ? clock.format(at) : calendar.format(at);
    },
    nameOf,
    // For a sentence about it.
    shortNameOf(question) {
      const characters = [...nameOf(question)];
      return characters.length > SHORT
        ? `${characters
            .slice(0, SHORT - 1)
            .join("")
            .trim()}…`
        : characters.join("");
    },
    nameOfStep: ({ title }, index) =>
      title.trim() ? say("stepTitled", { number: index + 1, title: title.trim() }) : say("step", { number: index + 1 }),
    typeOf: (type) => schema.types[type].label,
  };
};

let pending;
// Read out by screen readers. What is said twice must change in between, or it is not heard again.
export const announce = (text) => {
  clearTimeout(pending);
  status.textContent = "";
  pending = setTimeout(() => {
    status.textContent = text;
  }, 30);
};
