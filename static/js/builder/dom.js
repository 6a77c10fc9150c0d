// Clones of the page's templates.

const REFERENCES = ["id", "for", "aria-describedby", "aria-labelledby", "aria-controls"];

// `suffix` keeps the ids of several clones apart.
export const clone = (name, suffix) => {
  const content = document.getElementById(`${name}-template`).content.firstElementChild.cloneNode(true);
  if (suffix) {
    for (const attribute of REFERENCES) {
      for (const element of content.querySelectorAll(`[${attribute}]`)) {
        element.setAttribute(attribute, `${element.getAttribute(attribute)}-${suffix}`);
      }
    }
  }
  return content;
};

export const setIcon = (use, name) => use.setAttribute("href", `#type-${name}`);

// Accessible names are kept as sentences with {places} in data-says.
export const nameParts = (root, fill, values) => {
  for (const part of root.querySelectorAll("[data-says]"))
    part.setAttribute("aria-label", fill(part.dataset.says, values));
};

export const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// Where what differs ends in the new text: behind what was typed, or was brought back.
const endOfDifference = (before, after) => {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return after.length - end;
};

// Not while it says the same; else the caret goes to where it changes, not to the end.
export const setValue = (control, value) => {
  if (control.type === "checkbox") control.checked = Boolean(value);
  else if (control.value !== value) {
    const isWritten = control === document.activeElement && typeof control.selectionEnd === "number";
    const caret = isWritten ? endOfDifference(control.value, value) : null;
    control.value = value;
    if (isWritten) control.setSelectionRange(caret, caret);
  }
};

// At most so long, and no half of a character at the end.
export const cut = (text, longest) => text.slice(0, longest).replace(/[\uD800-\uDBFF]$/, "");

export const valueOf = (control) => (control.type === "checkbox" ? control.checked : control.value);

export const listTexts = (list, texts) => {
  list.hidden = !texts.length;
  list.replaceChildren(
    ...texts.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
};

// Put children into an order, moving as few as possible: what is moved loses its focus.
export const arrange = (parent, wanted) => {
  for (const [place, child] of wanted.entries()) {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  }
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
};

export const option = (value, label) => new Option(label, value);

// Not while they are the same: a select that is being typed in would forget what for.
export const setOptions = (select, pairs, chosen) => {
  const { options } = select;
  const isThere = ([value, label], n) => options[n].value === value && options[n].label === label;
  if (options.length !== pairs.length || !pairs.every(isThere))
    select.replaceChildren(...pairs.map(([value, label]) => option(value, label)));
  select.value = chosen;
};
