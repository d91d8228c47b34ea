// Changes on their way to the server. Rule: one request at a time, in order, none lost: what could
// not be sent stays and is tried again; what the server refuses is put back by its answer.
import { askToSignIn, renewToken } from "./session.js";

const SLOW_MS = 300; // sooner nobody needs to know that something is being saved
const TRY_AGAIN_S = [5, 10, 20, 30];
const TIMEOUT_MS = 30_000;
const TRIES_OF_A_CRASH = 4;
const LATER = new Set([408, 429, 500, 502, 503, 504]);

export class Queue {
  #entries = [];
  #flying = null;
  #idle = [];

  constructor(canvas) {
    this.canvas = canvas;
    const { signal } = canvas;
    addEventListener("beforeunload", (event) => {
      canvas.nudge.flush();
      if (this.pending) event.preventDefault();
    }, { signal });
    addEventListener("online", () => this.retry(), { signal });
    document.addEventListener("click", ({ target }) => target.closest?.("[data-try-now]") && this.retry(), { signal });
    document.addEventListener("htmx:after:swap", () => this.#tell(), { signal });
  }

  get pending() {
    return this.#entries.length + (this.#flying ? 1 : 0);
  }

  /** Resolves when everything is stored. */
  idle() {
    if (!this.pending) return Promise.resolve();
    return new Promise((done) => this.#idle.push(done));
  }

  /** Whether a move of this step is on its way, so that older news must not move it back. */
  moves(id) {
    return [this.#flying, ...this.#entries].some((entry) =>
      !entry?.answered && entry?.changes?.some((one) => one.do === "move" && id in one.steps));
  }

  push(changes) {
    this.canvas.nudge.flush(); // what was moved before goes before
    const last = this.#entries.at(-1);
    const only = (list) => list?.length === 1 && list[0].do === "move";
    if (only(changes) && only(last?.changes)) Object.assign(last.changes[0].steps, changes[0].steps);
    else this.#entries.push({ changes, key: crypto.getRandomValues(new Uint32Array(4)).join("-") });
    this.#next();
  }

  /** Go to a place in the history: a number, "undo" or "redo". */
  at(seq) {
    this.canvas.nudge.flush();
    this.#entries.push({ seq });
    this.#next();
  }

  /** What others did since the version this page knows. */
  catchUp() {
    this.#entries.push({ news: true });
    this.#next();
  }

  retry() {
    clearInterval(this.timer);
    if (!this.waiting) return;
    this.waiting = 0;
    this.#next();
  }

  async #next() {
    if (this.#flying || this.waiting) return;
    // Every answer tells the news too.
    while (this.#entries[0]?.news && this.#entries.length > 1) this.#entries.shift();
    const entry = this.#entries.shift();
    if (!entry) {
      for (const done of this.#idle.splice(0)) done();
      return;
    }
    this.#flying = entry;
    const slow = setTimeout(() => this.#show("Saving…"), SLOW_MS);
    const done = await this.#send(entry).catch((error) => this.#failed(entry, error.status ?? 0));
    clearTimeout(slow);
    this.#flying = null;
    if (!done) this.#entries.unshift(entry);
    else if (this.tries) this.#recovered();
    this.#next();
  }

  /** True when the entry is dealt with, be it refused. Throws when it has to be tried again. */
  async #send(entry) {
    const { base, version, stands } = this.canvas.dataset;
    const [method, path, fields] = entry.changes
      ? ["POST", "/draft/changes", { version, changes: JSON.stringify(entry.changes), key: entry.key }]
      : "seq" in entry ? ["PUT", "/draft/at", { version, seq: entry.seq, from: (entry.from ??= stands) }]
        : ["GET", `/draft/patches?since=${version}`, null];
    const token = JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}");
    const answer = await fetch(base + path, {
      method,
      headers: { ...token, "HX-Request": "true", Accept: "text/html" },
      body: fields && new URLSearchParams(fields),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "manual",
    });
    const { status } = answer;
    if (LATER.has(status)) throw Object.assign(new Error(answer.statusText), { status, text: await answer.text() });
    if (status === 401) return (await askToSignIn(), false);
    if (status === 403 && !entry.renewed) {
      entry.renewed = true; // signed in again in another tab: the page's token is an old one
      if (await renewToken()) return false;
    }
    entry.answered = true; // from here on the markup is right about it
    await this.canvas.patch(await answer.text(), answer.headers, status);
    return true;
  }

  #failed(entry, status) {
    entry.crashes = (entry.crashes ?? 0) + (status === 500);
    if (entry.crashes >= TRIES_OF_A_CRASH) {
      this.canvas.toast("This change could not be saved and was given up. Load the page again to see what is stored.");
      return true;
    }
    const seconds = TRY_AGAIN_S[Math.min(this.tries ?? 0, TRY_AGAIN_S.length - 1)];
    if (!this.tries) this.canvas.say("Not saved. Trying again.");
    this.tries = (this.tries ?? 0) + 1;
    this.waiting = seconds;
    this.timer = setInterval(() => {
      this.waiting -= 1;
      if (this.waiting > 0) return this.#tell();
      clearInterval(this.timer);
      return this.#next();
    }, 1000);
    this.#tell();
    return false;
  }

  #recovered() {
    this.tries = 0;
    this.#tell();
    if (!this.#entries.length) this.canvas.say("Saved");
  }

  /** Patches replace the status bar: say again what is still true. */
  #tell() {
    if (!this.tries) {
      const slot = document.querySelector("[data-save-state].failed");
      if (slot) this.#show("");
      return;
    }
    const slot = this.#show(this.waiting ? `Not saved. Trying again in ${this.waiting} s · ` : "Saving…");
    if (!this.waiting || !slot) return;
    slot.classList.add("failed");
    const now = document.createElement("button");
    now.dataset.tryNow = "";
    now.className = "as-link";
    now.textContent = "Try now";
    slot.append(now);
  }

  #show(words) {
    const slot = document.querySelector("[data-save-state]");
    slot?.classList.remove("failed");
    if (slot) slot.textContent = words;
    return slot;
  }
}
