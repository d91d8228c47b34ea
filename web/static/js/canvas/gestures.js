// One pointer, one gesture: who pressed where decides what a drag does. A gesture is
// { begin?, move(at, event), end(at, event), cancel?, autopan? }; `at` is a point of the world.
import { connecting } from "./connect.js";
import { moving } from "./drag.js";
import { boxing } from "./select.js";

const SLACK = 4; // px before a press is a drag: capture any earlier and clicks die
const TOUCH_SLACK = 8;
const LONG_PRESS_MS = 300;
const CLICK_MS = 350; // a finger's click may come that long after it was lifted
const EDGE = 40; // px from the border where panning begins by itself
const END = 28; // px from its end where a line is taken by the end
const OWN = ".zoom, .minimap, .line-tools, .flow-menu, .flow-bar, .plus, .more-exits";

export class Gestures {
  #pointers = new Map(); // touches on the canvas
  #now = null;

  constructor(canvas) {
    this.canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#lost(event));
    canvas.addEventListener("lostpointercapture", (event) => this.#lost(event));
    canvas.addEventListener("click", (event) => this.#swallow(event), { capture: true });
  }

  get busy() {
    return Boolean(this.#now?.begun);
  }

  /** Put everything back. */
  cancel() {
    const now = this.#now;
    this.#end();
    if (now?.begun) now.gesture.cancel?.();
    return Boolean(now?.begun);
  }

  /** Begin a gesture at once, for a press that happened elsewhere (the add menu). */
  adopt(event, gesture) {
    this.cancel();
    this.#press(event, gesture);
    this.#begin();
  }

  #press(event, gesture) {
    const { pointerId, clientX, clientY, pointerType } = event;
    const at = this.canvas.view.toWorld(clientX, clientY);
    this.#now = { id: pointerId, gesture, at, type: pointerType, x: clientX, y: clientY, last: event };
  }

  #down(event) {
    const { canvas } = this;
    this.swallowing = false;
    if (event.target.closest(OWN)) return;
    canvas.view.measure();
    if (event.pointerType === "touch") {
      this.#pointers.set(event.pointerId, event);
      if (this.#pointers.size === 2) {
        this.cancel();
        this.#press(event, this.#pinch());
        this.#begin();
        return;
      }
    }
    if (this.#now) return;
    const gesture = this.#choose(event);
    if (!gesture) return;
    if (event.button === 1) event.preventDefault(); // no scrolling wheel sign
    this.#press(event, gesture);
    const card = canvas.cards.of(event.target);
    if (event.pointerType === "touch" && card) {
      this.#now.timer = setTimeout(() => this.#hold(card), LONG_PRESS_MS);
    }
  }

  #choose({ target, button, pointerType, shiftKey, clientX, clientY }) {
    const { canvas } = this;
    if (button === 1 || pointerType === "touch") return this.#pan();
    if (button !== 0) return null;
    const card = canvas.cards.of(target);
    const row = target.closest(".exit") && canvas.cards.rowOf(target);
    if (row && canvas.editable) return connecting(canvas, card, row);
    if (card) return canvas.editable && !shiftKey ? moving(canvas, card) : this.#pan();
    const line = canvas.lines.of(target);
    if (line && canvas.editable) {
      const [, , , , , , x, y] = line.pieces.at(-1);
      const at = canvas.view.toWorld(clientX, clientY);
      const from = canvas.cards.get(line.step);
      if (Math.hypot(at.x - x, at.y - y) * canvas.view.k < END) {
        return connecting(canvas, from, from.rows.find(({ exit }) => exit === line.exit));
      }
    }
    return shiftKey ? boxing(canvas) : this.#pan();
  }

  /** A long press selects; what is dragged from then on are the selected cards. */
  #hold(card) {
    const now = this.#now;
    if (!now || now.begun) return;
    now.held = true;
    this.canvas.select.touching = true;
    if (!this.canvas.select.has(card.id)) this.canvas.select.toggle(card.id);
    if (this.canvas.editable) now.gesture = moving(this.canvas, card);
    navigator.vibrate?.(10);
  }

  #move(event) {
    const { canvas } = this;
    if (this.#pointers.has(event.pointerId)) this.#pointers.set(event.pointerId, event);
    const now = this.#now;
    if (!now) {
      if (canvas.connecting?.byClick) canvas.connecting.move(canvas.view.toWorld(event.clientX, event.clientY));
      return;
    }
    if (now.id !== event.pointerId && !now.gesture.pinch) return;
    if (!now.begun) {
      const slack = now.type === "touch" ? TOUCH_SLACK : SLACK;
      if (Math.hypot(event.clientX - now.x, event.clientY - now.y) < slack) return;
      this.#begin();
    }
    now.last = event;
    now.frame ??= requestAnimationFrame(() => this.#step(now));
  }

  #begin() {
    const now = this.#now;
    clearTimeout(now.timer);
    now.begun = true;
    try { this.canvas.setPointerCapture(now.id); } catch { /* lifted meanwhile */ }
    this.canvas.classList.add("dragging");
    now.gesture.begin?.(now.at, now.last);
  }

  #step(now) {
    now.frame = null;
    if (now !== this.#now) return;
    const { clientX: x, clientY: y } = now.last;
    const { view } = this.canvas;
    if (now.gesture.autopan) {
      const { left, top, right, bottom } = view.free;
      const push = (from, to, at) => Math.max(0, EDGE - (at - from)) - Math.max(0, EDGE - (to - at));
      const dx = Math.round(push(left, right, x - view.box.left) / 3);
      const dy = Math.round(push(top, bottom, y - view.box.top) / 3);
      if (dx || dy) {
        view.pan(dx, dy);
        now.frame = requestAnimationFrame(() => this.#step(now));
      }
    }
    now.gesture.move(view.toWorld(x, y), now.last);
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    const now = this.#now;
    if (!now || (now.id !== event.pointerId && !now.gesture.pinch)) return;
    const { begun, gesture, held } = now;
    this.#end();
    if (begun || held) {
      this.swallowing = true;
      setTimeout(() => { this.swallowing = false; }, CLICK_MS);
    }
    if (!begun) return;
    const at = this.canvas.view.toWorld(event.clientX, event.clientY);
    if (!gesture.pinch) gesture.move(at, event);
    gesture.end?.(at, event);
  }

  #lost(event) {
    // A touch is captured by what it began on until we take it over.
    if (event.type === "lostpointercapture" && event.target !== this.canvas) return;
    this.#pointers.delete(event.pointerId);
    if (this.#now?.id === event.pointerId) this.cancel();
  }

  #end() {
    const now = this.#now;
    this.#now = null;
    if (!now) return;
    clearTimeout(now.timer);
    cancelAnimationFrame(now.frame);
    this.canvas.classList.remove("dragging");
    if (this.canvas.hasPointerCapture(now.id)) this.canvas.releasePointerCapture(now.id);
  }

  /** The click that follows a drag is none. */
  #swallow(event) {
    if (!this.swallowing || !event.detail) return;
    this.swallowing = false;
    event.stopPropagation();
    event.preventDefault();
  }

  #pan() {
    const { view } = this.canvas;
    let from = null;
    return {
      begin: (_, { clientX, clientY }) => { from = { x: clientX, y: clientY }; },
      move: (_, { clientX: x, clientY: y }) => {
        view.pan(x - from.x, y - from.y);
        from = { x, y };
      },
    };
  }

  #pinch() {
    const { view } = this.canvas;
    const look = () => {
      const [a, b] = [...this.#pointers.values()];
      if (!b) return null;
      const x = (a.clientX + b.clientX) / 2 - view.box.left;
      const y = (a.clientY + b.clientY) / 2 - view.box.top;
      return { x, y, apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) };
    };
    let before = look();
    return {
      pinch: true,
      move: () => {
        const now = look();
        if (!now) return;
        view.pan(now.x - before.x, now.y - before.y);
        view.zoom(view.k * (now.apart / before.apart), now.x, now.y);
        before = now;
      },
    };
  }
}
