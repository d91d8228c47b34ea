// Bring a step to eyes and hands: select it, pan to it, open its settings; go to what the panel lists.
import { focusField } from "./field.js";

const WRITES = "input, select, textarea, [contenteditable]";
const FIRST = "#panel :is(input, select, textarea):not([type=hidden], :disabled)";

export class Show {
  constructor(canvas) {
    this.canvas = canvas;
    const on = (name, deed) => document.addEventListener(name, deed, { signal: canvas.signal });
    on("flow:open", ({ detail }) => this.open(detail.step, detail));
    on("flow:show", ({ detail }) => this.show(detail.step, detail));
    on("flow:closed", ({ detail }) => this.#closed(detail.step));
    on("htmx:after:swap", (event) => this.#searched(event));
    on("submit", ({ target }) => { this.going = target.matches("#panel form[role=search]"); });
    on("click", (event) => this.#click(event));
  }

  /** Select and pan; the focus goes to the card, its exit, or a field of the panel. */
  show(step, { exit, field, focus = true } = {}) {
    const { canvas } = this;
    const card = canvas.cards.get(step);
    if (!card) return canvas.say("This step is not there any more.");
    canvas.select.only(step);
    canvas.view.reveal(card);
    if (!focus) return canvas.cards.reached(step);
    canvas.cards.focus(step);
    if (exit) this.exit(card, exit);
    if (field) focusField(field);
    return undefined;
  }

  exit(card, exit) {
    if (!card.rows.some((row) => row.exit === exit)) this.canvas.cards.unfold(card, true);
    card.rows.find((row) => row.exit === exit)?.button.focus({ preventScroll: true });
  }

  /** Open a step's settings. `enter`: the focus goes to their first field. */
  async open(step, { enter = false, field = "", exit = "" } = {}) {
    const { canvas } = this;
    this.show(step, { focus: !enter && !field && !document.activeElement?.matches(WRITES), exit });
    canvas.cards.reached(step);
    const asked = (this.asked = step);
    const { base, opens = `${base}/panel/step/{}` } = canvas.dataset; // results and revisions have their own
    const address = opens.replace("{}", encodeURIComponent(step));
    await htmx.ajax("GET", address, { source: canvas, target: "#panel", swap: "innerHTML settle:0" });
    const card = canvas.cards.get(step);
    if (asked !== this.asked || !card) return;
    const panel = document.getElementById("panel");
    panel.hidden = false;
    canvas.view.measure();
    canvas.view.reveal(card);
    if (field && focusField(field)) return;
    if (enter || field) (document.querySelector(FIRST) ?? document.getElementById("panel-heading"))?.focus();
  }

  /** The next card with a problem, in the order of travel. */
  nextProblem() {
    const { cards } = this.canvas;
    const wrong = cards.all.filter(({ li }) => li.dataset.problem);
    if (!wrong.length) return this.canvas.say("No problems");
    const { all } = cards;
    const here = all.indexOf(cards.get(cards.current));
    const next = wrong.find((card) => all.indexOf(card) > here) ?? wrong[0];
    this.show(next.id);
    return this.canvas.say(next.li.querySelector(".problem")?.textContent.trim() ?? "");
  }

  /** The next (or, with -1, the one before) of what was searched; the list outlives its panel. */
  nextFound(step) {
    const listed = [...document.querySelectorAll("#found [data-goto]")].map((one) => one.dataset.goto);
    if (listed.length) this.found = listed;
    const { length } = this.found ?? [];
    if (!length) return this.canvas.say("Nothing was searched yet");
    this.at = ((this.at ?? (step > 0 ? -1 : 0)) + step + length) % length;
    this.show(this.found[this.at]);
    return this.canvas.say(`${this.at + 1} of ${length}`);
  }

  search() {
    document.querySelector("[data-tool=search]")?.click();
  }

  /** Enter in the search goes to the first that is found, as soon as the answer is there. */
  #searched({ detail }) {
    if (detail.ctx?.target?.id !== "found") return;
    this.at = undefined;
    if (this.going && document.querySelector("#found [data-goto]")) this.nextFound(1);
    this.going = false;
  }

  /** The focus goes back to the card whose settings were open, when nobody else took it. */
  #closed(step) {
    const { cards, select } = this.canvas;
    if (document.activeElement === document.body && cards.get(step)) cards.focus(step);
    this.asked = null; // what is still on its way takes no focus
    if (!select.meant) select.clear();
  }

  #click(event) {
    const goal = event.target.closest?.("[data-goto]");
    if (!goal) return;
    event.preventDefault();
    const listed = [...document.querySelectorAll("#found [data-goto]")];
    if (listed.includes(goal)) {
      this.at = listed.indexOf(goal);
      this.found = listed.map((one) => one.dataset.goto);
    }
    const { goto: step, field } = goal.dataset;
    if (goal.hasAttribute("data-stay")) this.show(step);
    else this.open(step, { field, enter: !field });
  }
}
