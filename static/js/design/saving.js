// Sends the form only while somebody is there who takes it: signed out, or without a connection, what was typed would
// be gone with the page.

// → {token}, or {trouble}: signedOut, failing or offline.
export const askServer = async (address) => {
  try {
    const answer = await fetch(address, {
      redirect: "manual",
      cache: "no-store",
      headers: { Accept: "application/json" },
    });
    // The way to the login page.
    if (answer.type === "opaqueredirect") return { trouble: "signedOut" };
    if (answer.status >= 500) return { trouble: "failing" };
    // What else is wrong, the page that comes next says.
    return answer.ok ? { token: (await answer.json()).csrf } : {};
  } catch {
    return { trouble: "offline" };
  }
};

export const enableSaving = (form, announce) => {
  const box = form.querySelector("[data-save-trouble]");
  let isAsking = false;
  let isSure = false;

  const tell = (trouble) => {
    const text = trouble ? box.dataset[trouble] : "";
    box.querySelector("[data-trouble-text]").textContent = text;
    box.querySelector("[data-sign-in]").hidden = trouble !== "signedOut";
    box.hidden = !trouble;
    if (trouble) announce(text);
  };

  // Before anything else hears of it: to others the form is not sent yet.
  document.addEventListener(
    "submit",
    async (event) => {
      if (event.target !== form || isSure) return;
      event.preventDefault();
      event.stopPropagation();
      if (isAsking) return;
      isAsking = true;
      const { token, trouble } = await askServer(form.dataset.draft);
      isAsking = false;
      tell(trouble);
      if (trouble) return;
      // Signing in again, in another tab perhaps, has changed it.
      if (token) form.elements.csrfmiddlewaretoken.value = token;
      isSure = true;
      form.requestSubmit(event.submitter);
    },
    true,
  );
  addEventListener("pageshow", () => {
    isSure = false;
  });
};
