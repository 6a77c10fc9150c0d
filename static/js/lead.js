// A lead's page that brings itself up to date. Without scripts a reload does the same.

const EVERY_MS = 3000;
const SLOWLY_MS = 20000;

const card = document.querySelector("[data-timeline-url]");
const status = document.querySelector("[data-status]");
const cutOff = document.querySelector("[data-cut-off]");
const statusSelect = document.querySelector("#lead-status");
let etag = "";
let failures = 0;

// Each entry's markup as the server sent it: what a reader unfolded since then is no change.
const served = new WeakMap();
const keepServed = (list) => {
  for (const item of list.children) served.set(item, item.innerHTML);
};

// Sections that somebody unfolded stay unfolded.
const openParts = (node) => [...node.querySelectorAll("details")].map((part) => part.open);

// Returns the one that stands on the page then.
const replaceItem = (old, fresh) => {
  const open = openParts(old);
  fresh.querySelectorAll("details").forEach((part, n) => {
    part.open = open[n] ?? part.open;
  });
  // A recording that plays goes on playing.
  const player = old.querySelector("audio");
  if (player && !player.paused) return old;
  old.replaceWith(fresh);
  return fresh;
};

const mergeTimeline = (here, fresh) => {
  const items = [...fresh.children];
  keepServed(fresh);
  const keys = new Set(items.map((item) => item.dataset.key));
  const known = new Map([...here.children].map((item) => [item.dataset.key, item]));
  const stays = new Set(keys);
  let added = 0;
  let place = null;
  // Only the newest come again: what stands before them stays.
  for (const item of here.children) {
    if (keys.has(item.dataset.key)) break;
    stays.add(item.dataset.key);
    place = item;
  }
  for (const item of items) {
    const old = known.get(item.dataset.key);
    let shown = item;
    if (!old) added += 1;
    else shown = served.get(old) === served.get(item) ? old : replaceItem(old, item);
    if ((place ? place.nextElementSibling : here.firstElementChild) !== shown) {
      if (place) place.after(shown);
      else here.prepend(shown);
    }
    place = shown;
  }
  for (const [key, item] of known) if (!stays.has(key)) item.remove();
  return added;
};

const showWhatApplies = (state) => {
  const applies = new Set(state.split(" "));
  for (const part of document.querySelectorAll("[data-when]")) {
    // What somebody is writing stays in sight, whether it can be sent or not.
    part.hidden = !applies.has(part.dataset.when) && !part.querySelector("textarea")?.value;
  }
};

const showStatus = (value) => {
  const select = statusSelect;
  const shown = select?.querySelector("option[selected]");
  // Not while somebody chooses another.
  if (!shown || shown.value === value || select.value !== shown.value || select === document.activeElement) return;
  shown.removeAttribute("selected");
  select.querySelector(`option[value="${value}"]`)?.setAttribute("selected", "");
  select.value = value;
};

// Returns whether everything could be shown.
const update = (html) => {
  let whole = true;
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const here = document.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!here) continue;
    if (part.dataset.live === "timeline") {
      const added = mergeTimeline(here, part);
      if (added && status) status.textContent = card.dataset.news.replace("%d", added);
    } else if (here.outerHTML !== part.outerHTML) {
      if (here.contains(document.activeElement)) {
        whole = false;
        continue;
      }
      here.replaceWith(part);
      if (part.dataset.live === "state") {
        showWhatApplies(part.dataset.state);
        showStatus(part.dataset.leadStatus);
      }
    }
  }
  return whole;
};

const look = async () => {
  if (!document.hidden) {
    try {
      const answer = await fetch(card.dataset.timelineUrl, {
        headers: etag ? { "If-None-Match": etag } : {},
        cache: "no-store",
        redirect: "manual",
      });
      if (answer.status === 200) {
        const tag = answer.headers.get("ETag") ?? "";
        etag = update(await answer.text()) ? tag : "";
      }
      const fine = answer.ok || answer.status === 304;
      failures = fine ? 0 : failures + 1;
      // A redirect leads to the login.
      cutOff.hidden = !(answer.type === "opaqueredirect" || (!fine && answer.status < 500));
    } catch {
      failures += 1;
    }
  }
  setTimeout(look, failures > 2 ? SLOWLY_MS : EVERY_MS);
};

// What is being written survives every way off the page: another button, a login that ran out, a reload.
const keepDraft = (form) => {
  const area = form.querySelector("textarea");
  // Not for who logs in next in the same tab.
  const key = `draft ${card.dataset.by} ${form.getAttribute("action")}`;
  const remember = () => {
    if (area.value) sessionStorage.setItem(key, area.value);
    else sessionStorage.removeItem(key);
  };
  // The server leads to the newest once it has taken what was sent.
  if (sessionStorage.getItem(`${key} sent`) && location.hash === "#newest") sessionStorage.removeItem(key);
  sessionStorage.removeItem(`${key} sent`);
  // What was typed before this script came counts as well.
  if (area.value) remember();
  else area.value = sessionStorage.getItem(key) ?? "";
  if (area.value) form.hidden = false;
  area.addEventListener("input", remember);
  form.addEventListener("submit", () => sessionStorage.setItem(`${key} sent`, "yes"));
};

// What came while somebody was choosing, and then chose nothing.
statusSelect?.addEventListener("blur", () =>
  showStatus(document.querySelector("[data-lead-status]").dataset.leadStatus),
);

if (card) {
  keepServed(document.querySelector('[data-live="timeline"]'));
  setTimeout(look, EVERY_MS);
  try {
    document.querySelectorAll("form:has(textarea)").forEach(keepDraft);
  } catch {
    // A browser that keeps nothing, by its owner's will.
  }
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) failures = 0;
});
