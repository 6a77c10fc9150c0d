// What the builder asks its server. An answer is {status, data}; status 0: nobody answered, 401: signed out.

export const createHttp = (addresses, token) => {
  let csrf = token;

  const ask = async (address, { body, signal } = {}) => {
    const options = { signal, redirect: "manual", cache: "no-store", headers: { Accept: "application/json" } };
    if (body !== undefined) {
      options.method = "POST";
      options.headers["Content-Type"] = "application/json";
      options.headers["X-CSRFToken"] = csrf;
      options.body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(address, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      return { status: 0, data: {} };
    }
    // The way to the login page.
    if (response.type === "opaqueredirect") return { status: 401, data: {} };
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    try {
      return { status: response.status, data: isJson ? await response.json() : { text: await response.text() } };
    } catch (error) {
      if (error.name === "AbortError") throw error;
      return { status: 0, data: {} };
    }
  };

  const read = () => ask(addresses.draft);

  return {
    read,
    async post(name, body, { signal } = {}) {
      const answer = await ask(addresses[name], { body, signal });
      if (answer.status !== 403) return answer;
      // Signing in again, in another tab perhaps, has changed the token.
      const draft = await read();
      if (draft.status !== 200) return draft.status === 401 ? draft : answer;
      csrf = draft.data.csrf;
      return ask(addresses[name], { body, signal });
    },
  };
};
