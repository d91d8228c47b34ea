// Moving cards. Rule: what is seen moves at once, what is stored goes through the queue.
import { lineUnder, snap } from "./geometry.js";

/** Drag a card, and with it the selection it is part of. */
export function moving(canvas, card) {
  let from = null;
  let start = null;
  let onto = null;
  const ids = () => [...from.keys()].map(({ id }) => id);
  const mark = (line) => {
    if (line === onto) return;
    onto?.group.classList.remove("onto");
    line?.group.classList.add("onto");
    onto = line;
  };
  const finish = () => {
    canvas.held = null;
    for (const one of from.keys()) one.li.classList.remove("dragged");
  };
  return {
    autopan: true,
    begin(at) {
      start = at;
      const { select, cards } = canvas;
      const moved = select.has(card.id) ? select.cards : [card];
      if (!select.has(card.id)) select.only(card.id);
      from = new Map(moved.map((one) => [one, { x: one.x, y: one.y }]));
      canvas.held = new Set(ids());
      for (const one of moved) one.li.classList.add("dragged");
      cards.reached(card.id);
      canvas.lineTools.hide();
    },
    move(at) {
      const was = from.get(card);
      const dx = snap(was.x + at.x - start.x) - was.x;
      const dy = snap(was.y + at.y - start.y) - was.y;
      for (const [one, { x, y }] of from) canvas.cards.place(one, x + dx, y + dy);
      canvas.lines.redraw(ids());
      mark(from.size === 1 ? insertable(canvas, card) : null);
    },
    end() {
      finish();
      const target = onto;
      mark(null);
      const more = target
        ? [{ do: "insert", step: card.id, onto: { step: target.step, exit: target.exit } }] : [];
      commitMove(canvas, from, more);
    },
    cancel() {
      mark(null);
      finish();
      for (const [one, { x, y }] of from) canvas.cards.place(one, x, y);
      canvas.lines.redraw(ids());
    },
  };
}

/** Say to the queue where these cards stand now, if that is elsewhere than in `from`. */
export function commitMove(canvas, from, more = []) {
  const steps = {};
  for (const [card, { x, y }] of from) {
    if (card.x !== x || card.y !== y) steps[card.id] = [card.x, card.y];
    canvas.cards.settle(card);
  }
  const moved = Object.keys(steps).length ? [{ do: "move", steps }] : [];
  if (moved.length || more.length) canvas.queue.push([...moved, ...more]);
  return moved.length > 0;
}

/** The line on which a card could be inserted where it is: nothing leads to that card yet. */
function insertable(canvas, card) {
  if (card.id === "@start" || canvas.lines.into(card.id).length) return null;
  return lineUnder([...canvas.lines.all].filter(({ step }) => step !== card.id), card);
}

/** Moves by keys: each is seen at once, all of them are one change. */
export class Nudge {
  #from = new Map();

  constructor(canvas) {
    this.canvas = canvas;
  }

  by(cards, dx, dy) {
    const { canvas } = this;
    for (const card of cards) {
      if (!this.#from.has(card)) this.#from.set(card, { x: card.x, y: card.y });
      canvas.cards.place(card, card.x + dx, card.y + dy);
    }
    canvas.held = new Set([...this.#from.keys()].map(({ id }) => id));
    canvas.lines.redraw(cards.map(({ id }) => id));
    canvas.view.reveal(cards[0]);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), 400);
    const way = dx ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up";
    canvas.say(`${cards.length > 1 ? `${cards.length} steps` : cards[0].name} moved ${way}`);
  }

  flush() {
    clearTimeout(this.timer);
    if (!this.#from.size) return;
    const from = this.#from;
    this.#from = new Map();
    this.canvas.held = null;
    commitMove(this.canvas, from);
  }
}
