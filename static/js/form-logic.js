// Which questions a visitor sees, and how a typed number is read: the same as leadforms/logic.py and leadforms/typed.py.
// leadforms/tests/logic_cases.json holds both to it.

const fold = (text) => text.trim().toLowerCase();
const decimal = /^-?[0-9]{1,15}(\.[0-9]{1,6})?$/;
const isoDate = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;

export const isDate = (text) => {
  const parts = isoDate.exec(text);
  if (!parts || parts[1] === "0000") return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
};

// A decimal text as a whole number of millionths: more digits than a float has.
const millionths = (text) => {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(6, "0"));
};

export const isGreater = (left, right) => {
  if (isDate(left) && isDate(right)) return left > right;
  return decimal.test(left) && decimal.test(right) && millionths(left) > millionths(right);
};

const holds = (condition, earlier) => {
  const answers = (earlier.get(condition.question) ?? []).map(fold).filter(Boolean);
  const wanted = fold(condition.value);
  switch (condition.is) {
    case "answered":
      return answers.length > 0;
    case "not_answered":
      return answers.length === 0;
    case "equals":
      return answers.includes(wanted);
    case "not_equals":
      return !answers.includes(wanted);
    case "contains":
      return answers.some((answer) => answer.includes(wanted));
    case "greater":
      return answers.some((answer) => isGreater(answer, wanted));
    case "less":
      return answers.some((answer) => isGreater(wanted, answer));
    default:
      return false;
  }
};

// Returns the ids of the questions that are shown. `answersTo` gives the list of texts answered to a question.
export const shownQuestions = (questions, answersTo) => {
  const counted = new Map();
  const shown = new Set();
  for (const { id, showIf } of questions) {
    const results = showIf?.conditions.map((condition) => holds(condition, counted));
    if (results && !(showIf.match === "any" ? results.some(Boolean) : results.every(Boolean))) continue;
    shown.add(id);
    counted.set(id, answersTo(id));
  }
  return shown;
};

const zeros = [0x660, 0x6f0, 0x966, 0xff10];
const latin = (mark) => {
  const code = mark.codePointAt(0);
  const zero = zeros.find((first) => code >= first && code < first + 10);
  return zero === undefined ? mark : String(code - zero);
};

const areGroups = (groups) =>
  groups[0].length >= 1 && groups[0].length <= 3 && groups.slice(1).every((group) => group.length === 3);

// Splits digits at their decimal separator. null: no number.
const split = (text, point) => {
  const at = Math.max(text.lastIndexOf("."), text.lastIndexOf(","));
  if (at < 0) return [text, ""];
  const separator = text[at];
  const other = separator === "." ? "," : ".";
  const [before, behind] = [text.slice(0, at), text.slice(at + 1)];
  let groups = before.split(separator);
  const looksLikeGroup = behind.length === 3 && /^[1-9][0-9]{0,2}$/.test(before) && separator !== point;
  if (groups.length > 1 || looksLikeGroup) {
    groups = [...groups, behind];
    return !text.includes(other) && areGroups(groups) ? [groups.join(""), ""] : null;
  }
  groups = before.split(other);
  return groups.length === 1 || areGroups(groups) ? [groups.join(""), behind] : null;
};

// Returns a typed number as it is stored, "" where it is none. `point` is the language's decimal separator.
export const readNumber = (typed, point) => {
  const marks = Array.from(typed.trim().slice(0, 64), latin)
    .join("")
    .replace(/[\p{Sc}\p{Cf}]/gu, "");
  const spelt = /^([-−]?)\s*([0-9.,٫]+)$/.exec(marks.replace(/([0-9])[\s'’٬](?=[0-9]{3}(?![0-9]))/g, "$1").trim());
  const parts = spelt && split(spelt[2].replaceAll("٫", point), point);
  if (!parts || !(parts[0] || parts[1])) return "";
  const whole = parts[0].replace(/^0+/, "") || "0";
  const fraction = parts[1].replace(/0+$/, "");
  const plain = `${spelt[1] ? "-" : ""}${whole}${fraction && `.${fraction}`}`;
  if (!decimal.test(plain)) return "";
  return plain === "-0" ? "0" : plain;
};
