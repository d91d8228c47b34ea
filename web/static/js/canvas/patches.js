// Answers of the server: fragments for cards and the status bar, and what their headers say.
export class Patches {
  constructor(canvas) {
    this.canvas = canvas;
    const on = (name, deed) => document.addEventListener(name, deed, { signal: canvas.signal });
    // Forms in the panel talk to the server by htmx: their answers tell the same.
    on("htmx:after:swap", ({ detail }) => {
      const headers = detail.ctx?.response?.headers;
      if (headers?.get("Draft-Version")) this.#took(headers);
    });
    on("flow:remote", ({ detail }) => this.#remote(Number(detail.version)));
  }

  get version() {
    return Number(this.canvas.dataset.version);
  }

  async apply(text, headers, status) {
    const problems = this.#problems();
    if (text.includes("<hx-partial")) {
      await htmx.swap({ text, swap: "none", target: document.body, sourceElement: document.body });
    } else if (status >= 400) this.canvas.toast("This could not be saved. Load the page again to see what is stored.");
    this.#took(headers);
    if (problems !== this.#problems()) this.canvas.say(this.#problems(), true);
  }

  #took(headers) {
    const { canvas } = this;
    const before = this.version;
    const now = Number(headers.get("Draft-Version"));
    if (now) Object.assign(canvas.dataset, { version: now, stands: headers.get("Draft-Seq") });
    if (now && now < before) canvas.queue.catchUp(); // an answer overtook this one
    const said = headers.get("Draft-Said");
    if (said) canvas.say(decodeURIComponent(said));
    const step = headers.get("Draft-Open");
    // The cards' observer runs first, so that a new card is known.
    if (step) queueMicrotask(() => canvas.show.open(step, { enter: true }));
    if (now) document.dispatchEvent(new CustomEvent("flow:changed", { detail: { version: now } }));
  }

  #remote(version) {
    if (!(version > this.version)) return;
    this.canvas.queue.idle().then(() => version > this.version && this.canvas.queue.catchUp());
  }

  #problems() {
    return document.getElementById("problems-button")?.textContent.trim() ?? "";
  }
}
