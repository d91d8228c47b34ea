// The lines from exits to cards. Rule: a line is what an exit's data-to says, nothing else.
import { curve, entryOf, exitOf, middleOf, pathOf } from "./geometry.js";

const SVG = "http://www.w3.org/2000/svg";
const key = (step, exit) => `${step} ${exit}`;

export class Lines {
  #all = new Map();
  #touching = new Map(); // by step, the lines that begin or end there

  constructor(canvas) {
    this.canvas = canvas;
    this.svg = canvas.querySelector("svg.lines");
    this.selected = null;
    this.known = new Set(canvas.cards.byId.keys());
    this.refresh(this.known, []);
  }

  get all() {
    return this.#all.values();
  }

  get(step, exit) {
    return this.#all.get(key(step, exit));
  }

  of(element) {
    const { step, exit } = element?.closest?.("g.line")?.dataset ?? {};
    return step && this.get(step, exit);
  }

  /** Lines that end at a step. */
  into(id) {
    return [...(this.#touching.get(id) ?? [])].filter((line) => line.to === id);
  }

  /** Read the exits of these cards again; forget the lines of those that are gone. */
  refresh(ids, gone) {
    for (const id of gone) {
      this.known.delete(id);
      for (const line of [...(this.#touching.get(id) ?? [])]) this.#remove(line);
    }
    const redrawn = new Set();
    for (const id of ids) {
      const card = this.canvas.cards.get(id);
      const wanted = new Map();
      for (const { exit, to, jump } of card.rows) {
        if (to && !jump && this.canvas.cards.get(to)) wanted.set(exit, to);
      }
      for (const line of [...(this.#touching.get(id) ?? [])]) {
        if (line.step === id && wanted.get(line.exit) !== line.to) this.#remove(line);
        else redrawn.add(line);
      }
      for (const [exit, to] of wanted) {
        if (!this.get(id, exit)) redrawn.add(this.#add(id, exit, to));
      }
      if (this.known.has(id)) continue;
      this.known.add(id); // an exit may have named this card before it was here
      for (const from of this.canvas.cards.byId.values()) {
        const row = from.rows.find(({ to, exit, jump }) => to === id && !jump && !this.get(from.id, exit));
        if (row) redrawn.add(this.#add(from.id, row.exit, id));
      }
    }
    for (const line of redrawn) this.#draw(line);
  }

  /** The cards were moved: draw what touches them. */
  redraw(ids) {
    const touched = new Set();
    for (const id of ids) for (const line of this.#touching.get(id) ?? []) touched.add(line);
    for (const line of touched) this.#draw(line);
  }

  select(line) {
    if (line === this.selected) return;
    this.selected?.group.classList.remove("selected");
    this.selected = line ?? null;
    line?.group.classList.add("selected");
    this.canvas.emit("selection");
  }

  #add(step, exit, to) {
    const group = document.createElementNS(SVG, "g");
    const [hit, path] = ["hit", "edge"].map((name) => {
      const made = document.createElementNS(SVG, "path");
      made.setAttribute("class", name);
      return made;
    });
    group.setAttribute("class", "line");
    group.dataset.step = step;
    group.dataset.exit = exit;
    group.append(hit, path);
    this.svg.append(group);
    const line = { step, exit, to, group, hit, path };
    this.#all.set(key(step, exit), line);
    for (const id of [step, to]) {
      if (!this.#touching.has(id)) this.#touching.set(id, new Set());
      this.#touching.get(id).add(line);
    }
    return line;
  }

  #remove(line) {
    line.group.remove();
    this.#all.delete(key(line.step, line.exit));
    for (const id of [line.step, line.to]) this.#touching.get(id)?.delete(line);
    if (this.selected === line) this.select(null);
    this.canvas.emit("line-gone", line);
  }

  #draw(line) {
    const from = this.canvas.cards.get(line.step);
    const to = this.canvas.cards.get(line.to);
    const row = from?.rows.find(({ exit }) => exit === line.exit);
    if (!row || !to) return;
    line.pieces = curve(exitOf(from, row), entryOf(to), from, to);
    line.middle = middleOf(line.pieces);
    const data = pathOf(line.pieces);
    line.path.setAttribute("d", data);
    line.hit.setAttribute("d", data);
  }
}
