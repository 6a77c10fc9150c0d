// Sends the requests that the forms of /docs/api describe, to this origin only. The key is read from its field at
// each request: it is stored nowhere and goes with the page.

const keyField = document.querySelector("[data-key]");

const addressOf = (form) => {
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const field of form.querySelectorAll("[data-where]")) {
    const value = field.value.trim();
    if (field.dataset.where === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(value));
    else if (field.dataset.where === "query" && value) query.append(field.name, value);
  }
  return query.size ? `${path}?${query}` : path;
};

const headersOf = (form) => {
  const headers = new Headers({ Accept: "application/json" });
  const key = keyField.value.trim();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  for (const field of form.querySelectorAll('[data-where="header"]')) {
    if (field.value.trim()) headers.set(field.name, field.value.trim());
  }
  if (form.querySelector("[data-body]")) headers.set("Content-Type", "application/json");
  return headers;
};

const readable = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

const show = (form, { status, time, headers = "", body = "", ok = false }) => {
  const result = form.querySelector("[data-result]");
  const badge = result.querySelector("[data-status]");
  badge.textContent = status;
  badge.className = ok ? "badge badge-ok" : "badge badge-danger";
  result.querySelector("[data-time]").textContent = time;
  for (const [part, text] of [
    ["[data-headers]", headers],
    ["[data-answer]", body],
  ]) {
    const element = result.querySelector(part);
    element.textContent = text;
    element.hidden = !text;
  }
  result.hidden = false;
};

const send = async (form) => {
  const started = performance.now();
  const response = await fetch(addressOf(form), {
    method: form.dataset.method,
    headers: headersOf(form),
    body: form.querySelector("[data-body]")?.value,
    credentials: "omit",
    cache: "no-store",
    redirect: "manual",
  });
  const text = await response.text();
  show(form, {
    status: `${response.status} ${response.statusText}`.trim(),
    time: `${Math.round(performance.now() - started)} ms`,
    headers: [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"),
    body: readable(text),
    ok: response.ok,
  });
};

const enableTrying = (form) => {
  form.hidden = false;
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await send(form);
    } catch (error) {
      show(form, { status: "Not sent", time: error.message });
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
};

const keyForm = document.querySelector("[data-key-form]");
if (keyForm) {
  keyForm.hidden = false;
  keyForm.addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll("[data-try]").forEach(enableTrying);
}
