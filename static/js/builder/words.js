// The page's sentences, filled in; and its voice.

const status = document.querySelector("[data-status]");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

export const createWords = ({ texts, schema, timeZone }) => {
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short", hourCycle: "h23", timeZone });
  const calendar = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "medium",
    timeStyle: "short",
    hourCycle: "h23",
    timeZone,
  });
  const say = (name, values = {}) => fill(texts[name], values);
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
    nameOf: ({ label, type }) => label.trim() || say(untitled[type] ?? "untitled"),
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
