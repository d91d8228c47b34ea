// Which steps are selected.
import { WIDTH } from "./geometry.js";

export class Select {
  #ids = new Set();

  constructor(canvas) {
    this.canvas = canvas;
    this.meant = false; // chosen for itself, not because its settings were opened
    this.touching = false; // chosen by long press: a tap then selects instead of opening
  }

  get size() {
    return this.#ids.size;
  }

  get cards() {
    return this.canvas.cards.all.filter(({ id }) => this.#ids.has(id));
  }

  has(id) {
    return this.#ids.has(id);
  }

  only(...ids) {
    this.#set(new Set(ids), false);
  }

  add(ids) {
    this.#set(new Set([...this.#ids, ...ids]));
  }

  toggle(id) {
    const ids = new Set(this.#ids);
    if (!ids.delete(id)) ids.add(id);
    this.#set(ids);
    const { name } = this.canvas.cards.get(id);
    this.canvas.say(`${name} ${ids.has(id) ? "selected" : "not selected"}, ${ids.size} selected`);
  }

  /** These steps are gone. */
  forget(ids) {
    if (ids.some((id) => this.#ids.has(id))) this.#set(new Set([...this.#ids].filter((id) => !ids.includes(id))));
  }

  clear() {
    this.#set(new Set());
  }

  everything() {
    this.#set(new Set(this.canvas.cards.byId.keys()));
    this.canvas.say(`${this.size} steps selected`);
  }

  #set(ids, meant = true) {
    this.meant = meant;
    const before = this.#ids;
    this.#ids = ids;
    for (const id of before) if (!ids.has(id)) this.canvas.cards.get(id)?.li.classList.remove("selected");
    for (const id of ids) this.canvas.cards.get(id)?.li.classList.add("selected");
    if (!ids.size) this.touching = false;
    if (ids.size) this.canvas.lines.select(null);
    this.canvas.emit("selection");
  }
}

/** Shift and drag: a box that takes every card it touches. */
export function boxing(canvas) {
  const box = document.createElement("div");
  box.className = "flow-box";
  let start = null;
  return {
    autopan: true,
    begin(at) {
      start = at;
      canvas.world.append(box);
    },
    move(at) {
      const [left, right] = [Math.min(start.x, at.x), Math.max(start.x, at.x)];
      const [top, bottom] = [Math.min(start.y, at.y), Math.max(start.y, at.y)];
      Object.assign(box.style, {
        translate: `${left}px ${top}px`, width: `${right - left}px`, height: `${bottom - top}px`,
      });
      this.inside = [...canvas.cards.byId.values()].filter(({ x, y, h }) =>
        x < right && x + WIDTH > left && y < bottom && y + h > top);
    },
    end() {
      box.remove();
      canvas.select.add((this.inside ?? []).map(({ id }) => id));
      canvas.say(`${canvas.select.size} steps selected`);
    },
    cancel: () => box.remove(),
  };
}
