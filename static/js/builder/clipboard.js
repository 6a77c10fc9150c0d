// Copying with a word about it on the button.

import { announce } from "./words.js";

export const copy = async (button, source, words) => {
  const label = button.querySelector("[data-label]");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = words.say("copied");
    announce(words.say("copied"));
  } catch {
    // Plain http on a name other than localhost: the reader finishes by hand.
    getSelection().selectAllChildren(source);
    announce(words.say("copyFailed"));
    return;
  }
  setTimeout(() => {
    label.textContent = before;
  }, 2000);
};
