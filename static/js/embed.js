// Puts a Coachbot form into any page: <script async src="…/forms/embed.js" data-form="your-slug"></script>
// Other data- attributes fill it in (data-name, data-email, data-phone, data-goal, and the parameters of hidden
// questions). When it was sent, "coachbot:submitted" bubbles up from where the form stands.

(() => {
  const script = document.currentScript;
  const slug = script?.dataset.form;
  if (!slug) return;
  const base = new URL(script.src).origin;
  const passedOn = [
    ...["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id"],
    ...["gclid", "fbclid", "msclkid", "ttclid"],
  ];

  const address = () => {
    const url = new URL(`/forms/${encodeURIComponent(slug)}`, base);
    const add = (name, value) => value && url.searchParams.set(name, value.slice(0, 500));
    const query = new URLSearchParams(location.search);
    for (const name of passedOn) add(name, query.get(name));
    add("cb_page", location.href);
    add("cb_referrer", document.referrer);
    for (const { name, value } of script.attributes) {
      if (name.startsWith("data-") && name !== "data-form") add(name.slice(5), value);
    }
    url.searchParams.set("embed", "1");
    return url;
  };

  const frame = document.createElement("iframe");
  frame.src = address();
  frame.title = slug;
  // Through the object, not the attribute: a host page's policy forbids that one.
  Object.assign(frame.style, { border: "0", display: "block", width: "100%", height: "640px" });
  const place = document.createElement("div");
  place.className = "coachbot-form";
  place.append(frame);
  if (document.head.contains(script)) {
    const append = () => document.body.append(place);
    if (document.body) append();
    else addEventListener("DOMContentLoaded", append);
  } else script.after(place);

  const announce = () => {
    const detail = { form: slug };
    place.dispatchEvent(new CustomEvent("coachbot:submitted", { bubbles: true, detail }));
    window.postMessage({ type: "coachbot:submitted", ...detail }, location.origin === "null" ? "*" : location.origin);
  };

  addEventListener("message", (event) => {
    if (event.origin !== base || event.source !== frame.contentWindow || event.data?.coachbot !== true) return;
    const { type, height, title, onward } = event.data;
    if (type === "height" && Number.isFinite(height)) {
      frame.style.height = `${Math.min(Math.max(height, 120), 20000)}px`;
      if (typeof title === "string" && title) frame.title = title;
    }
    if (type === "step" && frame.getBoundingClientRect().top < 0) frame.scrollIntoView({ block: "start" });
    if (type === "submitted") {
      announce();
      if (/^https?:\/\//.test(onward)) location.assign(onward);
    }
  });
})();
