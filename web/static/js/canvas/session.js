// The session is over: sign in within the page, so that nothing on it is lost.
const TOKEN = "hx-headers:inherited";
let asking = null;

/** Put the token of the session as it is now into the page; true when it is another one. */
export async function renewToken() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname === "/signin") return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.body.getAttribute(TOKEN);
  if (!token || token === document.body.getAttribute(TOKEN)) return false;
  document.body.setAttribute(TOKEN, token);
  return true;
}

/** Ask until somebody is signed in. However often it is called, there is one dialog. */
export function askToSignIn() {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

async function formOf(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { form: page.querySelector("form[action='/signin']"), said: page.querySelector(".notice")?.textContent.trim() };
}

async function ask() {
  const { form } = await formOf(await fetch("/signin"));
  if (!form) return void (await renewToken()); // signed in again elsewhere meanwhile
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "session-heading");
  const heading = document.createElement("h2");
  heading.id = "session-heading";
  heading.textContent = "Sign in again";
  const why = document.createElement("p");
  why.className = "muted";
  why.textContent = "You were signed out. Your changes are kept and saved as soon as you are back.";
  const wrong = document.createElement("p");
  wrong.setAttribute("role", "alert");
  dialog.append(heading, why, wrong, document.adoptNode(form));
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((done) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const answer = await fetch("/signin", { method: "POST", body: new URLSearchParams(new FormData(form)) });
        const next = new URL(answer.url).pathname === "/signin" ? await formOf(answer) : {};
        if (!next.form) return done(dialog.remove());
        wrong.className = "notice danger";
        wrong.textContent = next.said || "That did not work. Please try again.";
        form.querySelector("[name=csrf]").value = next.form.querySelector("[name=csrf]").value;
      } catch {
        wrong.textContent = "There is no connection. Please try again.";
      }
      return form.querySelector("[name=password]").select();
    });
  });
  await renewToken();
}
