// <flow-outline>: the same changes as on the canvas, from a list; it is drawn anew after each.
import { Add } from "./canvas/add.js";
import { focusField } from "./canvas/field.js";
import { Patches } from "./canvas/patches.js";
import { Queue } from "./canvas/queue.js";

const WRITES = "input, select, textarea, [contenteditable], dialog *";

class FlowOutline extends HTMLElement {
  #off = new AbortController();

  connectedCallback() {
    if (this.queue) return;
    const signal = (this.signal = this.#off.signal);
    this.nudge = { flush() {} };
    this.gestures = { adopt: () => this.add.open({}) }; // there is nowhere to drag a kind to
    this.show = { open: (step, how) => this.open(step, how) };
    this.patches = new Patches(this);
    this.queue = new Queue(this);
    this.add = new Add(this);
    const on = (name, deed) => document.addEventListener(name, deed, { signal });
    on("click", (event) => this.#click(event));
    on("keydown", (event) => this.#key(event));
    on("flow:changed", () => this.#renew());
    on("flow:send", ({ detail }) => this.queue.push(detail.changes));
    on("flow:say", ({ detail }) => this.say(detail.text));
    on("flow:open", ({ detail }) => this.open(detail.step, detail));
    on("flow:show", ({ detail }) => this.open(detail.step, detail));
    this.dataset.ready = "";
  }

  disconnectedCallback() {
    this.#off.abort();
  }

  get editable() {
    return "editable" in this.dataset;
  }

  say(words) {
    document.getElementById("announcer").textContent = words;
  }

  toast(words) {
    const notice = Object.assign(document.createElement("div"), { className: "notice danger", textContent: words });
    document.getElementById("toasts").replaceChildren(notice);
  }

  /** Answers bring cards of the canvas too, which are not here. */
  patch(text, headers, status) {
    const answer = new DOMParser().parseFromString(text, "text/html");
    for (const part of answer.querySelectorAll("hx-partial")) {
      if (!document.querySelector(part.getAttribute("hx-target"))) part.remove();
    }
    return this.patches.apply(answer.body.innerHTML, headers, status);
  }

  async open(step, { field = "" } = {}) {
    const { base, opens = `${base}/panel/step/{}` } = this.dataset;
    const address = opens.replace("{}", encodeURIComponent(step));
    await htmx.ajax("GET", address, { source: this, target: "#panel", swap: "innerHTML" });
    if (!focusField(field)) document.getElementById("panel-heading")?.focus();
  }

  async #renew() {
    const address = `${this.dataset.base}?view=outline`;
    const how = { source: this, target: "#outline", select: "#outline", swap: "outerMorph" };
    await htmx.ajax("GET", address, how);
    const { title } = document.getElementById("outline").dataset;
    document.getElementById("stage").setAttribute("aria-label", title);
  }

  #click({ target }) {
    const button = target.closest?.("[data-add], [data-goto], [data-seq]:not(:disabled), [data-tool='add']");
    if (!button) return;
    const { add, step, exit, goto: goal, field, seq, tool } = button.dataset;
    if (add) this.add.open({ [add]: { step, exit } });
    else if (goal) this.open(goal, { field });
    else if (seq && this.editable) this.queue.at(seq);
    else if (tool) this.add.open({});
  }

  #key(event) {
    const letter = event.key.toLowerCase();
    if (event.target.closest(WRITES) || !(event.ctrlKey || event.metaKey) || !"zy".includes(letter)) return;
    event.preventDefault();
    if (this.editable) this.queue.at(letter === "y" || event.shiftKey ? "redo" : "undo");
  }
}

customElements.define("flow-outline", FlowOutline);
