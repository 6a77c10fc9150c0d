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
  for (const part of root.querySelectorAll("[data-says]")) part.setAttribute("aria-label", fill(part.dataset.says, values));
};

export const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// Not while it says the same: the caret would jump.
export const setValue = (control, value) => {
  if (control.type === "checkbox") control.checked = Boolean(value);
  else if (control.value !== value) control.value = value;
};

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
