// What the cards in the list say, and where they stand. Rule: the list is the truth; whatever
// changes in it is read again, and only that.
import { FOOT, ROW, WIDTH } from "./geometry.js";

const WATCHED = ["data-x", "data-y", "data-h", "data-to", "data-exit", "data-step", "class"];

export class Cards {
  #unfolded = new Set();

  constructor(canvas) {
    this.canvas = canvas;
    this.list = canvas.querySelector("#cards");
    this.byId = new Map();
    this.current = "@start"; // the one card that the Tab key reaches
    for (const li of this.list.children) this.#read(li);
    new MutationObserver((records) => this.#changed(records)).observe(this.list, {
      childList: true, subtree: true, attributes: true, attributeFilter: WATCHED,
    });
  }

  get(id) {
    return this.byId.get(id);
  }

  /** In the order of travel, which is the order of the list. */
  get all() {
    return [...this.list.children].map((li) => this.byId.get(li.dataset.step)).filter(Boolean);
  }

  of(element) {
    return this.byId.get(element?.closest?.("li[data-step]")?.dataset.step);
  }

  rowOf(element) {
    const name = element?.closest?.(".exits > li")?.querySelector(".exit")?.dataset.exit;
    return this.of(element)?.rows.find((row) => row.exit === name);
  }

  /** The topmost card at a point of the world, with `reach` around it. */
  at({ x, y }, reach = 0) {
    return [...this.byId.values()].findLast((card) =>
      x >= card.x - reach && x <= card.x + WIDTH + reach
      && y >= card.y - reach && y <= card.y + card.h + reach);
  }

  place(card, x, y) {
    card.x = x;
    card.y = y;
    card.li.style.translate = `${x}px ${y}px`;
  }

  /** Let the markup say where the card is, so that the next patch is compared with that. */
  settle(card) {
    card.li.dataset.x = card.x;
    card.li.dataset.y = card.y;
  }

  focus(id) {
    const card = this.byId.get(id);
    if (!card) return;
    this.#reach(id);
    card.head.focus({ preventScroll: true });
  }

  /** The focus is on this card, maybe on one of its exits. */
  reached(id, exit = null) {
    this.exit = exit;
    if (id !== this.current) this.#reach(id);
  }

  unfold(card, open = !this.#unfolded.has(card.id)) {
    if (open) this.#unfolded.add(card.id);
    else this.#unfolded.delete(card.id);
    this.#read(card.li);
    this.canvas.cardsChanged([card.id], []);
  }

  #reach(id) {
    const before = this.byId.get(this.current);
    if (before) before.head.tabIndex = -1;
    this.current = id;
    const card = this.byId.get(id);
    if (card) card.head.tabIndex = 0;
  }

  #read(li) {
    const id = li.dataset.step;
    if (!id) return;
    const open = this.#unfolded.has(id);
    for (const folded of li.querySelectorAll(".folded")) folded.hidden = !open;
    li.querySelector(".more-exits")?.setAttribute("aria-expanded", open);
    for (const button of li.querySelectorAll("button")) button.tabIndex = -1;
    const card = this.byId.get(id) ?? { id, x: NaN, y: NaN };
    card.li = li;
    card.head = li.querySelector(".head");
    card.head.tabIndex = id === this.current ? 0 : -1;
    card.name = li.querySelector(".name")?.textContent ?? id;
    const shown = [...li.querySelectorAll(".exits > li")].filter((one) => !one.hidden);
    card.h = Number(li.dataset.h) + (open ? li.querySelectorAll(".folded").length * ROW : 0);
    card.rows = shown.flatMap((one, place) => {
      const button = one.querySelector(".exit");
      if (!button) return [];
      const { exit, label, to } = button.dataset;
      const y = card.h - FOOT - (shown.length - place - 0.5) * ROW;
      return [{ exit, label, to, y, button, jump: "jump" in button.dataset }];
    });
    li.style.height = `${card.h}px`;
    this.#keepFocus(card);
    this.byId.set(id, card);
    if (Number.isNaN(card.x) || !this.canvas.holds?.(id)) {
      this.place(card, Number(li.dataset.x), Number(li.dataset.y));
    }
  }

  /** An exit that folded or unfolded must not hand its focus to its neighbour. */
  #keepFocus({ id, li, rows }) {
    const focused = document.activeElement;
    if (id !== this.current || !this.exit || !li.contains(focused)) return;
    const button = rows.find(({ exit }) => exit === this.exit)?.button ?? li.querySelector(".more-exits");
    if (focused !== button && focused.closest(".exits")) button?.focus({ preventScroll: true });
  }

  #changed(records) {
    const read = new Set();
    const dressed = new Set();
    let before = null;
    for (const { type, target, attributeName, previousSibling, removedNodes } of records) {
      if (target === this.list) {
        if ([...removedNodes].some((one) => one.dataset?.step === this.current)) {
          before = previousSibling?.closest?.("li") ?? previousSibling?.previousElementSibling;
        }
        continue;
      }
      const li = target.closest?.("li[data-step]");
      if (li && type === "attributes" && attributeName === "class") dressed.add(li.dataset.step);
      else if (li) read.add(li);
    }
    for (const li of this.list.children) {
      if (this.byId.get(li.dataset.step)?.li !== li) read.add(li);
    }
    const gone = [...this.byId.values()].filter(({ id, li }) => !li.isConnected || li.dataset.step !== id);
    for (const { id } of gone) this.byId.delete(id);
    for (const li of read) if (li.isConnected) this.#read(li);
    const ids = [...read].map((li) => li.dataset.step).filter((id) => this.byId.has(id));
    if (ids.length || gone.length) this.canvas.cardsChanged(ids, gone.map(({ id }) => id));
    for (const id of dressed) if (this.byId.has(id)) this.canvas.dress(this.byId.get(id));
    if (!this.byId.has(this.current)) this.#moveOn(before?.dataset.step);
  }

  /** The card with the focus is gone: the one before takes it. */
  #moveOn(id) {
    const next = this.byId.has(id) ? id : "@start";
    const lost = document.activeElement === document.body;
    this.#reach(next);
    if (lost) this.focus(next);
  }
}
