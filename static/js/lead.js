// A lead's page that brings itself up to date. Without scripts a reload does the same.

const EVERY_MS = 3000;
const SLOWLY_MS = 20000;

const card = document.querySelector("[data-timeline-url]");
const status = document.querySelector("[data-status]");
let etag = "";
let failures = 0;

// Sections that somebody unfolded stay unfolded.
const openParts = (node) => [...node.querySelectorAll("details")].map((part) => part.open);

const replaceItem = (old, fresh) => {
  const open = openParts(old);
  fresh.querySelectorAll("details").forEach((part, n) => {
    part.open = open[n] ?? part.open;
  });
  // A recording that plays goes on playing.
  const player = old.querySelector("audio");
  if (player && !player.paused) return;
  old.replaceWith(fresh);
};

const mergeTimeline = (here, fresh) => {
  const known = new Map([...here.children].map((item) => [item.dataset.key, item]));
  const kept = new Set();
  let added = 0;
  let place = null;
  for (const item of [...fresh.children]) {
    const key = item.dataset.key;
    kept.add(key);
    let old = known.get(key);
    if (!old) {
      added += 1;
      if (place) place.after(item);
      else here.prepend(item);
      place = item;
      continue;
    }
    if (old.innerHTML !== item.innerHTML) {
      replaceItem(old, item);
      if (!old.isConnected) old = item;
    }
    place = old;
  }
  for (const [key, item] of known) if (!kept.has(key)) item.remove();
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
        redirect: "error",
      });
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") ?? "";
        update(await answer.text());
      }
      // The lead was deleted meanwhile, or the session is over: a reload says which.
      failures = answer.ok || answer.status === 304 ? 0 : failures + 1;
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
