// What others draw on the canvas: the simulator's way through it, and how many took which way.
const SHORTENED = 100_000;
const numbers = new Intl.NumberFormat("en");
const compact = (n) => (n >= SHORTENED ? `${numbers.format(Math.floor(n / 1000))}k` : numbers.format(n));

export class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.counts = {};
    this.passed = new Map();
    for (const [id, read] of [["walk", () => this.#walk()], ["counts", () => this.#counts()]]) {
      const element = document.getElementById(id);
      if (!element) continue;
      this[`${id}Element`] = element;
      new MutationObserver(read).observe(element, { attributes: true });
      read();
    }
    document.addEventListener("flow-counts", ({ detail }) => this.#count(detail.counts ?? detail), { signal: canvas.signal });
  }

  /** While one edits or simulates, all lines are alike: widths and shares are results. */
  get wide() {
    return !["edit", "simulate"].includes(this.canvas.closest("[data-mode]")?.dataset.mode);
  }

  /** Dress a card again whose markup was renewed. */
  paint({ id, li, rows }) {
    li.classList.toggle("current", id === this.current);
    li.classList.toggle("passed", this.steps?.has(id) ?? false);
    const { exits = {} } = this.counts[id] ?? {};
    const total = Object.values(exits).reduce((sum, one) => sum + one, 0);
    for (const { exit } of rows) {
      const line = this.canvas.lines.get(id, exit);
      line?.group.classList.toggle("passed", this.passed.get(id)?.has(exit) ?? false);
      if (line && total && this.wide) line.path.style.strokeWidth = `${1.5 + 6.5 * ((exits[exit] ?? 0) / total)}px`;
      else line?.path.style.removeProperty("stroke-width");
    }
    if (!(id in this.counts)) return;
    for (const slot of li.querySelectorAll("[data-count]")) {
      const number = this.counts[id][slot.dataset.count];
      if (number !== undefined) write(slot, compact(number));
    }
    for (const slot of li.querySelectorAll("[data-share]")) {
      write(slot, total ? `${Math.round((100 * (exits[slot.dataset.share] ?? 0)) / total)}%` : "");
    }
  }

  #walk() {
    const { current = "", passed = "", path } = this.walkElement.dataset;
    const before = this.current;
    this.current = current;
    this.passed = new Map();
    this.steps = new Set(path ? read(path, []) : []);
    for (const [step, exit] of read(passed, [])) {
      if (!this.passed.has(step)) this.passed.set(step, new Set());
      this.passed.get(step).add(exit);
      this.steps.add(step);
    }
    this.canvas.classList.toggle("walking", Boolean(current || this.steps.size));
    for (const card of this.canvas.cards.byId.values()) this.paint(card);
    const card = this.canvas.cards.get(current);
    if (!card || current === before) return;
    card.li.classList.add("pulse");
    card.li.addEventListener("animationend", () => card.li.classList.remove("pulse"), { once: true });
    this.canvas.view.reveal(card);
  }

  #counts() {
    this.#count(read(this.countsElement.dataset.counts, {}));
  }

  #count(changed) {
    Object.assign(this.counts, changed);
    for (const id of Object.keys(changed)) {
      const card = this.canvas.cards.get(id);
      if (card) this.paint(card);
    }
  }
}

function read(text, otherwise) {
  try { return JSON.parse(text) ?? otherwise; } catch { return otherwise; }
}

function write(slot, words) {
  if (slot.textContent !== words) slot.textContent = words;
}
