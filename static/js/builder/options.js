// The options of a choice: written one by one, moved, or pasted as a list.

import Sortable from "../../vendor/sortablejs/sortable.esm.js";
import { arrange, clone, nameParts, setValue } from "./dom.js";
import { moved } from "./document.js";
import { readOptions } from "./pasted.js";
import { announce } from "./words.js";

export const createOptions = (app, { id }, root) => {
  const { commands, words, schema } = app;
  const { say } = words;
  const most = schema.limits.options;
  const longest = schema.limits.option;
  const list = root.querySelector("[data-options]");
  const actions = root.querySelector("[data-options-actions]");
  const listEditor = root.querySelector("[data-options-text]");
  const lines = root.querySelector("[data-lines]");
  // What each row said when its renaming began.
  const before = new Map();
  let options = [];

  const rows = () => [...list.children];
  const input = (index) => list.children[index]?.querySelector("[data-option]");
  const nameAt = (index) => options[index].trim() || say("option", { number: index + 1 });
  const put = (next, key = null) => commands.edit(id, { options: next }, key);

  const refuse = (count) => commands.refuse(say("tooManyOptions", { count, most }));

  const add = (index, added = [""]) => {
    if (options.length + added.length > most) {
      refuse(options.length + added.length);
      return;
    }
    put([...options.slice(0, index), ...added, ...options.slice(index)]);
    input(index + added.length - 1).focus();
    if (added.length === 1) announce(say("optionAdded", { position: index + 1 }));
    else announce(say("optionsPasted", { count: added.length }));
  };

  const remove = (index) => {
    const name = nameAt(index);
    put(options.filter((_, n) => n !== index));
    (input(Math.max(0, index - 1)) ?? root.querySelector("[data-option-add]")).focus();
    announce(say("optionDeleted", { name }));
  };

  const move = (index, by) => {
    const to = index + by;
    const name = nameAt(index);
    if (to < 0) announce(say("optionIsFirst", { name }));
    else if (to >= options.length) announce(say("optionIsLast", { name }));
    else {
      put(moved(options, index, to));
      list.children[to].querySelector(`[data-do="${by < 0 ? "up" : "down"}"]`).focus();
      announce(say("optionMoved", { name, position: to + 1, count: options.length }));
    }
  };

  const createRow = () => {
    const row = clone("option");
    const field = row.querySelector("[data-option]");
    const place = () => rows().indexOf(row);
    const finishRenaming = () => {
      commands.followOption(id, before.get(row), field.value, `${id}.option.${place()}`);
      before.set(row, field.value);
    };
    field.addEventListener("focus", () => before.set(row, field.value));
    field.addEventListener("input", () => {
      const index = place();
      put(
        options.map((old, n) => (n === index ? field.value : old)),
        `${id}.option.${index}`,
      );
    });
    field.addEventListener("change", finishRenaming);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        finishRenaming();
        add(place() + 1);
      } else if (event.key === "Backspace" && !field.value && options.length > 1) {
        event.preventDefault();
        remove(place());
      }
    });
    field.addEventListener("paste", (event) => {
      const pasted = readOptions(event.clipboardData.getData("text/plain"), longest);
      if (pasted.length < 2) return;
      event.preventDefault();
      const index = place();
      if (options[index].trim()) add(index + 1, pasted);
      else if (options.length - 1 + pasted.length > most) {
        refuse(options.length - 1 + pasted.length);
      } else {
        put([...options.slice(0, index), ...pasted, ...options.slice(index + 1)]);
        input(index + pasted.length - 1).focus();
        announce(say("optionsPasted", { count: pasted.length }));
      }
    });
    row.addEventListener("click", (event) => {
      const action = event.target.closest("[data-do]")?.dataset.do;
      if (action === "delete") remove(place());
      else if (action) move(place(), action === "up" ? -1 : 1);
    });
    return row;
  };

  const showList = (isShown) => {
    listEditor.hidden = !isShown;
    actions.hidden = list.hidden = isShown;
  };

  root.querySelector("[data-option-add]").addEventListener("click", () => add(options.length));
  root.querySelector("[data-options-list]").addEventListener("click", () => {
    lines.value = options.filter(Boolean).join("\n");
    showList(true);
    lines.focus();
  });
  root.querySelector("[data-lines-cancel]").addEventListener("click", () => {
    showList(false);
    root.querySelector("[data-options-list]").focus();
  });
  root.querySelector("[data-lines-apply]").addEventListener("click", () => {
    const given = readOptions(lines.value, longest);
    if (given.length > most) {
      refuse(given.length);
      return;
    }
    showList(false);
    put(given);
    root.querySelector("[data-options-list]").focus();
    announce(say("optionsPasted", { count: given.length }));
  });

  Sortable.create(list, {
    handle: "[data-option-handle]",
    animation: 120,
    onEnd: ({ oldIndex, newIndex }) => {
      if (oldIndex === newIndex) return;
      const name = nameAt(oldIndex);
      put(moved(options, oldIndex, newIndex));
      announce(say("optionMoved", { name, position: newIndex + 1, count: options.length }));
    },
  });

  return {
    update(next) {
      options = next.options;
      const present = rows();
      while (present.length < options.length) present.push(createRow());
      arrange(list, present.slice(0, options.length));
      for (const [index, text] of options.entries()) {
        const row = list.children[index];
        nameParts(row, words.fill, { number: index + 1 });
        const field = row.querySelector("[data-option]");
        field.setAttribute("aria-label", say("option", { number: index + 1 }));
        field.placeholder = say("option", { number: index + 1 });
        // Another option stands here now, or an older name of it.
        if (field.value !== text) before.set(row, text);
        setValue(field, text);
      }
    },
  };
};
