// All of the flow in a corner; drag in it to look elsewhere.
import { boundsOf, clamp, WIDTH } from "./geometry.js";

const FROM = 20; // steps: below that one sees everything anyway
const KEPT = "tiptoe-minimap";
const ROOM = 8;

export class Minimap {
  constructor(canvas) {
    this.canvas = canvas;
    this.element = canvas.querySelector(".minimap");
    this.tool = document.querySelector("[data-tool=minimap]");
    if (!this.element) return;
    this.paper = document.createElement("canvas");
    this.frame = document.createElement("div");
    this.element.append(this.paper, this.frame);
    this.element.setAttribute("aria-hidden", "true"); // the keys go from card to card
    const wanted = localStorage.getItem(KEPT);
    this.show(wanted ? wanted === "on" : canvas.cards.byId.size > FROM);
    canvas.addEventListener("cards", () => this.#later());
    canvas.addEventListener("view", () => this.#look());
    this.tool?.addEventListener("click", () => this.#toggle());
    this.element.addEventListener("pointerdown", (event) => this.#go(event));
    this.element.addEventListener("pointermove", (event) => event.buttons && this.#go(event));
    new MutationObserver(() => this.#later())
      .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  show(open) {
    this.element.hidden = !open;
    this.tool?.setAttribute("aria-pressed", open);
    this.#later();
  }

  #toggle() {
    const open = this.element.hidden;
    try { localStorage.setItem(KEPT, open ? "on" : "off"); } catch { /* private window */ }
    this.show(open);
  }

  #later() {
    if (this.element.hidden) return;
    this.timer ??= requestAnimationFrame(() => {
      this.timer = null;
      this.#draw();
    });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const cards = [...this.canvas.cards.byId.values()];
    const bounds = boundsOf(cards);
    if (!bounds || !width) return;
    const { left, top, right, bottom } = bounds;
    const scale = Math.min((width - 2 * ROOM) / (right - left), (height - 2 * ROOM) / (bottom - top), 0.2);
    this.scale = scale;
    this.left = (width - (right - left) * scale) / 2 - left * scale;
    this.top = (height - (bottom - top) * scale) / 2 - top * scale;
    const ratio = devicePixelRatio;
    Object.assign(this.paper, { width: width * ratio, height: height * ratio });
    const pen = this.paper.getContext("2d");
    pen.scale(ratio, ratio);
    const colours = new Map();
    for (const { x, y, h, li } of cards) {
      const group = li.className.match(/\bk-\w+/)?.[0] ?? "";
      if (!colours.has(group)) colours.set(group, getComputedStyle(li.querySelector(".icon") ?? li).color);
      pen.fillStyle = colours.get(group);
      pen.fillRect(x * scale + this.left, y * scale + this.top, Math.max(2, WIDTH * scale), Math.max(2, h * scale));
    }
    this.#look();
  }

  #look() {
    if (this.element.hidden || !this.scale) return;
    const { view } = this.canvas;
    const { scale } = this;
    const k = scale / view.k;
    const { clientWidth, clientHeight } = this.element;
    const from = { x: clamp(-view.x * k + this.left, 0, clientWidth), y: clamp(-view.y * k + this.top, 0, clientHeight) };
    const to = {
      x: clamp((view.box.width - view.x) * k + this.left, 0, clientWidth),
      y: clamp((view.box.height - view.y) * k + this.top, 0, clientHeight),
    };
    Object.assign(this.frame.style, {
      translate: `${from.x}px ${from.y}px`, width: `${to.x - from.x}px`, height: `${to.y - from.y}px`,
    });
  }

  #go(event) {
    if (event.type === "pointerdown") this.element.setPointerCapture(event.pointerId);
    const { left, top } = this.element.getBoundingClientRect();
    const { view } = this.canvas;
    const x = (event.clientX - left - this.left) / this.scale;
    const y = (event.clientY - top - this.top) / this.scale;
    view.set(view.box.width / 2 - x * view.k, view.box.height / 2 - y * view.k);
  }
}
