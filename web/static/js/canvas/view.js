// Where one looks: pan, zoom, fit, bring into view, and remembering it.
import { boundsOf, clamp, WIDTH } from "./geometry.js";

const LEAST = 0.1;
const MOST = 2;
const READABLE = 0.6; // below it a flow is not fitted when first opened
const DOTS = 24;
const MARGIN = 48;
const STEP = 1.2;

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.key = `tiptoe-view-${canvas.dataset.automation}`;
    this.measure();
    new ResizeObserver(() => this.measure()).observe(canvas);
    addEventListener("resize", () => this.measure(), { signal: canvas.signal });
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("click", (event) => this.#button(event));
    this.#open();
  }

  measure() {
    this.box = this.canvas.getBoundingClientRect();
    this.canvas.emit("view");
  }

  /** What of the canvas is free: the panel may lie over a part of it. */
  get free() {
    const { left, top, width, height } = this.box;
    const free = { left: 0, top: 0, right: width, bottom: height };
    const panel = document.getElementById("panel");
    const over = panel && !panel.hidden ? panel.getBoundingClientRect() : null;
    if (over?.width && over.left < left + width && over.top < top + height && over.bottom > top) {
      if (over.left > left) free.right = over.left - left;
      else if (over.top > top) free.bottom = over.top - top;
    }
    return free;
  }

  toWorld(clientX, clientY) {
    return { x: (clientX - this.box.left - this.x) / this.k, y: (clientY - this.box.top - this.y) / this.k };
  }

  /** The middle of what is seen, in the world. */
  get middle() {
    const { left, top, right, bottom } = this.free;
    return this.toWorld(this.box.left + (left + right) / 2, this.box.top + (top + bottom) / 2);
  }

  set(x, y, k = this.k) {
    Object.assign(this, { x, y, k });
    this.canvas.world.style.transform = `translate(${x}px,${y}px) scale(${k})`;
    this.canvas.style.backgroundPosition = `${x}px ${y}px`;
    if (k !== this.drawn) {
      this.drawn = k;
      this.canvas.style.backgroundSize = `${DOTS * k}px ${DOTS * k}px`;
      this.canvas.classList.toggle("far", k < 0.5);
      this.canvas.classList.toggle("farther", k < 0.25);
      const shown = this.canvas.querySelector("[data-zoom=reset]");
      if (shown) shown.textContent = `${Math.round(k * 100)}%`;
    }
    this.canvas.emit("view");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#remember(), 200);
  }

  pan(dx, dy) {
    this.set(this.x + dx, this.y + dy);
  }

  /** Zoom to `k` with the point of the canvas (default: its middle) staying where it is. */
  zoom(k, px = this.box.width / 2, py = this.box.height / 2) {
    const next = clamp(k, LEAST, MOST);
    const ratio = next / this.k;
    this.set(px - (px - this.x) * ratio, py - (py - this.y) * ratio, next);
  }

  by(name) {
    if (name === "fit") this.fit();
    else if (name === "reset") this.#glide(() => this.zoom(1));
    else this.#glide(() => this.zoom(name === "in" ? this.k * STEP : this.k / STEP));
  }

  fit(cards = this.canvas.cards.byId.values(), most = 1) {
    const bounds = boundsOf(cards);
    if (bounds) this.#glide(() => this.#fit(bounds, clamp(this.#fitting(bounds), LEAST, most)));
  }

  /** Pan as little as needed to see the card; zoom in when it could not be read. */
  reveal({ x, y, h }) {
    const { left, top, right, bottom } = this.free;
    const k = this.k < 0.5 ? 1 : this.k;
    const at = { x: x * k + this.x, y: y * k + this.y };
    const room = (low, high, from, to) =>
      high - low > to - from - 2 * MARGIN ? from + MARGIN - low
        : Math.max(from + MARGIN - low, 0) + Math.min(to - MARGIN - high, 0);
    if (k !== this.k) {
      const centre = { x: (left + right) / 2 - (x + WIDTH / 2) * k, y: (top + bottom) / 2 - (y + h / 2) * k };
      this.#glide(() => this.set(centre.x, centre.y, k));
      return;
    }
    const dx = room(at.x, at.x + WIDTH * k, left, right);
    const dy = room(at.y, at.y + h * k, top, bottom);
    if (dx || dy) this.#glide(() => this.pan(dx, dy));
  }

  #fitting({ left, top, right, bottom }) {
    const { free } = this;
    return Math.min(
      (free.right - free.left - 2 * MARGIN) / (right - left),
      (free.bottom - free.top - 2 * MARGIN) / (bottom - top),
    );
  }

  #fit({ left, top, right, bottom }, k) {
    const { free } = this;
    this.set(
      (free.left + free.right - (left + right) * k) / 2,
      (free.top + free.bottom - (top + bottom) * k) / 2,
      k,
    );
  }

  /** As it was left; the first time all of it if that can be read, else from the start on. */
  #open() {
    try {
      const { x, y, k } = JSON.parse(localStorage.getItem(this.key));
      if ([x, y, k].every(Number.isFinite)) return this.set(x, y, clamp(k, LEAST, MOST));
    } catch { /* nothing kept, or no place to keep it */ }
    const bounds = boundsOf(this.canvas.cards.byId.values());
    const k = bounds ? Math.min(1, this.#fitting(bounds)) : 1;
    if (bounds && k >= READABLE) return this.#fit(bounds, k);
    const start = this.canvas.cards.get("@start") ?? { x: 0, y: 0, h: 0 };
    const whole = bounds && bounds.bottom - bounds.top + 2 * MARGIN <= this.box.height;
    const middle = whole ? (bounds.top + bounds.bottom) / 2 : start.y + start.h / 2;
    return this.set(MARGIN - start.x, Math.round(this.box.height / 2 - middle), 1);
  }

  #remember() {
    const { x, y, k } = this;
    try { localStorage.setItem(this.key, JSON.stringify({ x, y, k })); } catch { /* private window */ }
  }

  #glide(change) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return change();
    this.canvas.classList.add("gliding");
    change();
    clearTimeout(this.gliding);
    this.gliding = setTimeout(() => this.canvas.classList.remove("gliding"), 200);
  }

  #wheel(event) {
    if (event.target.closest(".flow-menu, dialog")) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 20 : 1; // some count lines
    if (event.ctrlKey || event.metaKey) {
      const px = event.clientX - this.box.left;
      this.zoom(this.k * 2 ** (-event.deltaY * unit * 0.005), px, event.clientY - this.box.top);
    } else if (event.shiftKey && !event.deltaX) this.pan(-event.deltaY * unit, 0);
    else this.pan(-event.deltaX * unit, -event.deltaY * unit);
  }

  #button({ target }) {
    const name = target.closest("[data-zoom]")?.dataset.zoom;
    if (name) this.by(name);
  }
}
