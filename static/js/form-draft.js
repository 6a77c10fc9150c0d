// What a tab keeps of a form that is being filled in: what was typed, never whether somebody agreed.

export const keptUnder = (key) => `coachbot:${key}`;

// A frame whose site's storage is blocked throws on the first touch: then nothing is kept, and nothing else is amiss.
const quietly = (touch) => {
  try {
    return touch();
  } catch {
    return null;
  }
};

export const forgetDraft = (prefix) =>
  quietly(() => {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(prefix)) sessionStorage.removeItem(key);
  });

const isKept = (control) => {
  if (!control.name || ["hidden", "submit", "button"].includes(control.type)) return false;
  if (control.name === "consent" || control.closest("[aria-hidden]")) return false;
  return !["radio", "checkbox"].includes(control.type) || control.checked;
};

export const keepDraft = (key, form) => {
  const answers = {};
  for (const control of form.elements) {
    if (isKept(control)) (answers[control.name] ??= []).push(control.value);
  }
  quietly(() => sessionStorage.setItem(key, JSON.stringify({ answers })));
};

// Whether a control is not as the page came with it.
const isTouched = ({ type, checked, defaultChecked, options, selectedIndex, value, defaultValue }) => {
  if (options)
    return (
      selectedIndex !==
      Math.max(
        0,
        [...options].findIndex((option) => option.defaultSelected),
      )
    );
  return ["radio", "checkbox"].includes(type) ? checked !== defaultChecked : value !== defaultValue;
};

export const restoreDraft = (key, form) => {
  const answers = quietly(() => JSON.parse(sessionStorage.getItem(key)))?.answers;
  if (!answers || typeof answers !== "object") return;
  // What was typed before this script came is newer than what the tab kept.
  const newer = new Set([...form.elements].filter(isTouched).map(({ name }) => name));
  for (const control of form.elements) {
    const kept = answers[control.name];
    if (control.type === "hidden" || control.name === "consent" || !Array.isArray(kept)) continue;
    if (newer.has(control.name)) continue;
    if (["radio", "checkbox"].includes(control.type)) control.checked = kept.includes(control.value);
    else control.value = String(kept[0] ?? "");
  }
};
