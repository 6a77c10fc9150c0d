// The line beside each pair of colours that says whether it can be read, and offers what can.

import { contrast, isColor, nearestPassing, READABLE, readColor } from "./colors.js";

const field = (name) => document.getElementById(`id_${name}`);
const chosen = (name) => readColor(field(name).value);
// Never rounded up to a ratio that passes.
const inWords = (ratio) => `${(Math.floor(ratio * 10 + 1e-9) / 10).toFixed(1)}:1`;
const nameOf = (name) => document.querySelector(`label[for=id_${name}]`).textContent.trim().toLowerCase();

const offersFor = (ink, ground, pairs) => {
  const grounds = pairs
    .filter((pair) => pair.ink === ink && isColor(chosen(pair.ground)))
    .map((pair) => chosen(pair.ground));
  const better = [
    [ink, nearestPassing(chosen(ink), grounds) ?? nearestPassing(chosen(ink), [chosen(ground)])],
    [ground, nearestPassing(chosen(ground), [chosen(ink)])],
  ];
  return better.filter(([, color]) => color);
};

const use = (name, color) => {
  const input = field(name);
  input.value = color;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus();
};

const makeOffer = ([name, color]) => {
  const button = document.querySelector("template[data-offer]").content.firstElementChild.cloneNode(true);
  const text = button.querySelector("[data-use]");
  text.textContent = text.textContent.replace("{color}", color).replace("{name}", nameOf(name));
  button.querySelector("rect").setAttribute("fill", color);
  button.addEventListener("click", () => use(name, color));
  return button;
};

const showOffers = (row, offers) => {
  const place = row.querySelector("[data-offers]");
  const before = [...place.querySelectorAll("button")];
  place.append(...offers.map(makeOffer));
  for (const button of before) button.remove();
  place.hidden = !offers.length;
};

const showPair = (row, pairs, words) => {
  const { ink, ground } = row.dataset;
  const known = isColor(chosen(ink)) && isColor(chosen(ground));
  const ratio = known ? contrast(chosen(ink), chosen(ground)) : null;
  const passes = known && ratio >= READABLE;
  const verdict = row.querySelector("[data-verdict]");
  row.querySelector("[data-ratio]").textContent = known ? inWords(ratio) : "";
  verdict.hidden = !known;
  verdict.textContent = passes ? words.readable : words.pale;
  verdict.className = passes ? "badge badge-ok" : "badge badge-danger";
  if (isColor(chosen(ink))) row.querySelector("[data-sample=ink]").setAttribute("fill", chosen(ink));
  if (isColor(chosen(ground))) row.querySelector("[data-sample=ground]").setAttribute("fill", chosen(ground));
  showOffers(row, known && !passes ? offersFor(ink, ground, pairs) : []);
  return known ? passes : null;
};

// Keeps each picker beside its field the same as the field.
const pairWithPicker = (picker, changed) => {
  const input = document.getElementById(picker.dataset.picker);
  const follow = () => {
    if (isColor(readColor(input.value))) picker.value = readColor(input.value);
  };
  picker.hidden = false;
  follow();
  picker.addEventListener("input", () => {
    input.value = picker.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  input.addEventListener("input", () => {
    follow();
    changed();
  });
  input.addEventListener("change", () => {
    input.value = readColor(input.value);
  });
};

export const enableReadouts = (announce) => {
  const list = document.querySelector("[data-readouts]");
  const rows = [...list.querySelectorAll("[data-ink]")];
  const pairs = rows.map((row) => row.dataset);
  const known = new Map();
  const showAll = () => {
    for (const row of rows) {
      const passes = showPair(row, pairs, list.dataset);
      // Said aloud when it turns, not at every shade on the way.
      if (known.has(row) && passes !== null && passes !== known.get(row)) {
        const name = row.querySelector("[data-name]").textContent;
        announce(`${name}: ${passes ? list.dataset.passes : list.dataset.fails}`);
      }
      if (passes !== null) known.set(row, passes);
    }
  };
  for (const picker of document.querySelectorAll("[data-picker]")) pairWithPicker(picker, showAll);
  showAll();
};
