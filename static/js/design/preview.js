// The frame that shows what visitors would see of the design as it stands in the form, saved or not.

const WAIT_MS = 250;
const PHONE = 416;
const DESKTOP = 1024;

// A new frame takes the old one's place when it has loaded: nothing flickers, and the page stays scrolled.
const replaceFrame = (old, html) =>
  new Promise((resolve) => {
    const fresh = old.cloneNode(false);
    fresh.removeAttribute("src");
    fresh.classList.add("is-loading");
    fresh.addEventListener(
      "load",
      () => {
        fresh.contentWindow.scrollTo(0, old.contentWindow?.scrollY ?? 0);
        fresh.classList.remove("is-loading");
        old.remove();
        resolve(fresh);
      },
      { once: true },
    );
    fresh.srcdoc = html;
    old.after(fresh);
  });

const press = (group, pressed) => {
  for (const button of group.querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(button === pressed));
};

const enableSegments = (group, chosen) => {
  group.hidden = false;
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    press(group, button);
    chosen(button.value);
  });
};

export const enablePreview = (form) => {
  const screen = document.querySelector("[data-screen]");
  let frame = screen.querySelector("[data-frame]");
  const asks = { show: "form", time: "day" };
  let phone = true;
  let asked = 0;
  let timer;

  const fit = () => {
    const width = phone ? Math.min(PHONE, screen.clientWidth) : DESKTOP;
    const scale = Math.min(1, screen.clientWidth / width);
    screen.style.setProperty("--frame-width", `${width}px`);
    screen.style.setProperty("--frame-scale", scale);
  };

  const refresh = async () => {
    const mine = ++asked;
    const response = await fetch(`${form.dataset.preview}?${new URLSearchParams(asks)}`, {
      method: "POST",
      body: new FormData(form),
    });
    // Signed out, the login page would answer.
    if (!response.ok || response.redirected) return;
    const html = await response.text();
    if (mine !== asked) return;
    frame = await replaceFrame(frame, html);
  };

  const refreshSoon = (wait = WAIT_MS) => {
    clearTimeout(timer);
    // Without a connection the frame stays as it is; the next change asks again.
    timer = setTimeout(() => refresh().catch(() => {}), wait);
  };

  enableSegments(document.querySelector("[data-states]"), (value) => {
    asks.show = value;
    refreshSoon(0);
  });
  enableSegments(document.querySelector("[data-times]"), (value) => {
    asks.time = value;
    refreshSoon(0);
  });
  enableSegments(document.querySelector("[data-widths]"), (value) => {
    phone = value === "phone";
    fit();
  });
  new ResizeObserver(fit).observe(screen);
  form.addEventListener("input", () => refreshSoon());
  document.addEventListener("logochange", () => refreshSoon(0));
  // Typed values that the server refused, or that the browser kept over a reload, are not what was saved.
  refreshSoon(0);
};
