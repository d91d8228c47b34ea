// The menu of kinds: search, arrows, Enter; or drag a kind onto the canvas.
import { HEADER, lineUnder, snap, WIDTH } from "./geometry.js";

const SLACK = 4;

export class Add {
  constructor(canvas) {
    this.canvas = canvas;
    this.menu = document.getElementById("add-menu");
    if (!this.menu) return;
    this.search = this.menu.querySelector("input[type=search]");
    this.search.addEventListener("input", () => this.#filter());
    this.menu.addEventListener("keydown", (event) => this.#key(event));
    this.menu.addEventListener("click", ({ target }) => this.#take(target.closest("[data-kind]")));
    this.menu.addEventListener("pointerdown", (event) => this.#press(event));
    this.menu.addEventListener("close", () => this.before?.focus?.({ preventScroll: true }));
  }

  /** `place`: { after }, { onto } or nothing, and where: { at: [x, y] }. */
  open(place) {
    if (!this.menu || this.menu.open || !this.canvas.editable) return;
    this.place = place;
    this.before = document.activeElement;
    this.search.value = "";
    this.#filter();
    this.menu.showModal();
    this.search.focus();
  }

  get #shown() {
    return [...this.menu.querySelectorAll("[data-kind]")].filter((one) => !one.closest("li").hidden);
  }

  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = [...this.menu.querySelectorAll("[data-kind]")];
    const name = (one) => ` ${one.querySelector("b")?.textContent.toLowerCase()}`;
    // “end” is End, before it is in “Send”, before it is anywhere in what is said of a kind.
    const shown = [
      kinds.filter((one) => words.every((word) => name(one).includes(` ${word}`))),
      kinds.filter((one) => words.every((word) => name(one).includes(word))),
      kinds.filter((one) => words.every((word) => one.textContent.toLowerCase().includes(word))),
    ].find((found) => found.length) ?? [];
    for (const one of kinds) one.closest("li").hidden = !shown.includes(one);
    for (const group of this.menu.querySelectorAll("section")) {
      group.hidden = !group.querySelector("li:not([hidden])");
    }
    const none = this.menu.querySelector(".none");
    if (none) none.hidden = this.#shown.length > 0;
  }

  #key(event) {
    const { key } = event;
    const shown = this.#shown;
    const at = shown.indexOf(document.activeElement);
    if (key === "Enter" && event.target === this.search) this.#take(shown[0]);
    else if (key === "ArrowDown") (shown[at + 1] ?? shown[0])?.focus();
    else if (key === "ArrowUp") (at > 0 ? shown[at - 1] : this.search).focus();
    else if (key.length === 1 && key !== " " && at >= 0 && !event.ctrlKey && !event.metaKey) {
      this.search.focus(); // the letter goes on into the search
      return;
    } else return;
    event.preventDefault();
  }

  #take(button) {
    if (!button) return;
    const { at, ...place } = this.place;
    this.menu.close();
    this.#push(button.dataset.kind, { ...place, ...(at && { at: at.map(snap) }) });
  }

  #push(kind, place) {
    this.canvas.queue.push([{ do: "add", kind, ...place }]);
  }

  /** A kind that is dragged leaves the menu and follows the pointer. */
  #press(event) {
    const button = event.target.closest("[data-kind]");
    if (!button || event.button || event.pointerType === "touch") return;
    const off = new AbortController();
    const { signal } = off;
    addEventListener("pointerup", () => off.abort(), { signal });
    addEventListener("pointermove", (move) => {
      if (Math.hypot(move.clientX - event.clientX, move.clientY - event.clientY) < SLACK) return;
      off.abort();
      this.before = null;
      this.menu.close();
      this.canvas.gestures.adopt(move, this.#dragged(button));
    }, { signal });
  }

  #dragged(button) {
    const { canvas } = this;
    const card = document.createElement("div");
    card.className = `flow-new ${button.closest("section")?.className ?? ""}`;
    card.textContent = button.querySelector("b")?.textContent ?? button.textContent;
    let onto = null;
    const mark = (line) => {
      onto?.group.classList.remove("onto");
      line?.group.classList.add("onto");
      onto = line;
    };
    const corner = ({ x, y }) => [snap(x - WIDTH / 2), snap(y - 20)];
    return {
      autopan: true,
      begin: () => canvas.world.append(card),
      move: (at) => {
        const [x, y] = corner(at);
        card.style.translate = `${x}px ${y}px`;
        mark(lineUnder(canvas.lines.all, { x, y, h: HEADER }));
      },
      end: (at, { clientX, clientY }) => {
        card.remove();
        const { step, exit } = onto ?? {};
        mark(null);
        const { left, right, top, bottom } = canvas.view.box;
        if (clientX < left || clientX > right || clientY < top || clientY > bottom) return;
        this.#push(button.dataset.kind, step ? { onto: { step, exit } } : { at: corner(at) });
      },
      cancel: () => {
        mark(null);
        card.remove();
      },
    };
  }
}
