// A lead's page that brings itself up to date. Without scripts a reload does the same.

const EVERY_MS = 3000;
const SLOWLY_MS = 20000;

const card = document.querySelector("[data-timeline-url]");
const status = document.querySelector("[data-status]");
const cutOff = document.querySelector("[data-cut-off]");
let etag = "";
let failures = 0;

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
    else shown = old.innerHTML === item.innerHTML ? old : replaceItem(old, item);
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
  for (const part of document.querySelectorAll("[data-when]")) part.hidden = !applies.has(part.dataset.when);
};

const update = (html) => {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const here = document.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!here) continue;
    if (part.dataset.live === "timeline") {
      const added = mergeTimeline(here, part);
      if (added && status) status.textContent = card.dataset.news.replace("%d", added);
    } else if (here.outerHTML !== part.outerHTML && !here.contains(document.activeElement)) {
      here.replaceWith(part);
      if (part.dataset.live === "state") showWhatApplies(part.dataset.state);
    }
  }
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
        etag = answer.headers.get("ETag") ?? "";
        update(await answer.text());
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

if (card) setTimeout(look, EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) failures = 0;
});
