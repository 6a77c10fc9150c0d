// The form as visitors would see it, drawn by the server from what is in the editor, saved or not.

const REFRESH_AFTER_MS = 700;
const WIDTHS = { phone: [320, 430], desktop: [820, 1280] };
const CHOSEN = "coachbot:preview-width";

const readWidth = () => {
  try {
    return WIDTHS[localStorage.getItem(CHOSEN)] ? localStorage.getItem(CHOSEN) : "phone";
  } catch {
    // Storage is switched off.
    return "phone";
  }
};

export const createPreview = ({ model, http, words, pane, stage, note }) => {
  const said = note.textContent;
  let width = readWidth();
  let frame = null;
  let timer;
  let asked = null;
  let isStale = true;
  let step = "";

  const isVisible = () => pane.offsetParent !== null;

  const fit = (each) => {
    const [least, most] = WIDTHS[width];
    const wide = Math.max(least, Math.min(most, stage.clientWidth));
    const scale = Math.min(1, stage.clientWidth / wide);
    each.style.width = `${wide}px`;
    each.style.height = `${stage.clientHeight / scale}px`;
    each.style.left = `${(stage.clientWidth - wide * scale) / 2}px`;
    each.style.transform = `scale(${scale})`;
    stage.dataset.width = width;
  };

  // Without moving the focus into the frame.
  const showStep = (each) => {
    const form = each?.contentDocument?.querySelector("form[data-preview]");
    form?.dispatchEvent(new each.contentWindow.CustomEvent("coachbot:step", { detail: step }));
  };

  // The new frame is drawn below the old one and takes its place when it is ready: no flicker, no lost scroll.
  const swap = (html) => {
    const next = document.createElement("iframe");
    next.title = stage.dataset.title;
    next.className = "is-coming";
    next.srcdoc = html;
    fit(next);
    next.addEventListener("load", () => {
      if (!next.isConnected) return;
      const scroll = frame?.contentWindow?.scrollY ?? 0;
      if (step) showStep(next);
      next.contentWindow?.scrollTo(0, scroll);
      next.classList.remove("is-coming");
      frame?.remove();
      frame = next;
    });
    for (const late of stage.querySelectorAll(".is-coming")) late.remove();
    stage.append(next);
  };

  const refresh = async () => {
    if (!isVisible()) {
      isStale = true;
      return;
    }
    isStale = false;
    asked?.abort();
    asked = new AbortController();
    try {
      const { status, data } = await http.post("preview", { content: model.content }, { signal: asked.signal });
      if (status === 200) swap(data.text);
      else isStale = true;
      note.textContent = status === 200 ? said : words.say("previewFailed");
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };

  const plan = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, REFRESH_AFTER_MS);
  };

  const choose = (name) => {
    width = name;
    for (const button of pane.querySelectorAll("[data-width]")) {
      if (button.tagName === "BUTTON") button.setAttribute("aria-pressed", String(button.dataset.width === name));
    }
    try {
      localStorage.setItem(CHOSEN, name);
    } catch {
      // It is asked again next time.
    }
    for (const each of stage.querySelectorAll("iframe")) fit(each);
  };

  for (const button of pane.querySelectorAll("button[data-width]")) {
    button.addEventListener("click", () => choose(button.dataset.width));
  }
  new ResizeObserver(() => {
    for (const each of stage.querySelectorAll("iframe")) fit(each);
    if (isStale && isVisible()) refresh();
  }).observe(stage);

  return {
    // The step that is being worked on: its id, or "contact".
    follow(id) {
      if (id === step) return;
      step = id;
      showStep(frame);
    },
    // What could not be shown before is asked for again.
    catchUp() {
      if (isStale) refresh();
    },
    start() {
      choose(width);
      model.listen(plan);
      refresh();
    },
  };
};
