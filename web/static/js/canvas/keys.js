// The keys of the canvas. Single letters work only while the focus is in it.
const WRITES = "input, select, textarea, [contenteditable]";
const WAYS = { ArrowRight: "right", ArrowLeft: "left", ArrowUp: "up", ArrowDown: "down" };
const STEPS = { right: [8, 0], left: [-8, 0], up: [0, -8], down: [0, 8] };
const FAR = 10; // times as far with Shift

export class Keys {
  constructor(canvas) {
    this.canvas = canvas;
    const { signal } = canvas;
    canvas.addEventListener("keydown", (event) => this.#down(event));
    canvas.addEventListener("keyup", (event) => {
      if (event.key === " " && event.target.closest(".head")) event.preventDefault(); // it would click
    });
    canvas.addEventListener("focusin", ({ target }) => this.#arrived(target));
    document.addEventListener("keydown", (event) => this.#anywhere(event), { signal });
  }

  #arrived(target) {
    const card = this.canvas.cards.of(target);
    if (!card) return;
    this.canvas.cards.reached(card.id, target.matches(".exit") ? target.dataset.exit : null);
    if (this.canvas.connecting?.byClick) this.canvas.connecting.aim(card);
  }

  /** Keys that work wherever the focus is, text fields and dialogs apart. */
  #anywhere(event) {
    if (event.defaultPrevented || event.target.closest?.(`${WRITES}, dialog`)) return;
    const { canvas } = this;
    const { key } = event;
    const command = event.ctrlKey || event.metaKey;
    const letter = key.toLowerCase();
    if (key === "F8") canvas.show.nextProblem();
    else if (command && key === "Enter") document.querySelector(".modes a[href*='mode=simulate']")?.click();
    else if (command && letter === "z") this.#history(event.shiftKey ? "redo" : "undo");
    else if (command && letter === "y") this.#history("redo");
    else if (key === "Escape" && canvas.gestures.cancel()) canvas.say("Put back");
    else if (key === "Escape" && canvas.connecting) canvas.connecting.cancel();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #history(seq) {
    if (this.canvas.editable) this.canvas.queue.at(seq);
  }

  #down(event) {
    if (event.defaultPrevented || event.target.closest(`${WRITES}, .flow-menu`)) return;
    const deed = this.#deed(event);
    if (!deed) return;
    event.preventDefault();
    event.stopPropagation();
    deed();
  }

  #deed(event) {
    const { canvas } = this;
    const { actions, clipboard, editable, select, show, view } = canvas;
    const { key, shiftKey, altKey, target } = event;
    const command = event.ctrlKey || event.metaKey;
    const card = canvas.cards.of(target);
    const row = target.closest(".exit") ? canvas.cards.rowOf(target) : null;
    const way = WAYS[key];
    if (way && card) return this.#arrow(event, card, way);
    if (key === "Escape") return this.#escape(row && card);
    if (command) {
      return {
        "+": () => view.by("in"), "=": () => view.by("in"), "-": () => view.by("out"),
        0: () => view.by("reset"),
        a: () => select.everything(),
        f: () => show.search(),
        c: () => clipboard.copy(),
        x: editable && (() => clipboard.cut()),
        d: editable && (() => actions.duplicate()),
        Delete: editable && (() => actions.remove({ join: true })),
        Backspace: editable && (() => actions.remove({ join: true })),
      }[key.length === 1 ? key.toLowerCase() : key];
    }
    if (altKey) return null;
    if (shiftKey && event.code === "Digit1") return () => view.fit();
    if (shiftKey && event.code === "Digit2") return () => view.fit(actions.cards);
    const remove = () => {
      const line = canvas.lines.selected;
      if (line) actions.disconnect(line.step, line.exit);
      else if (row) actions.disconnect(card.id, row.exit);
      else actions.remove();
    };
    return {
      Home: () => this.#to("@start"),
      " ": target.closest(".head") && (() => select.toggle(card.id)),
      e: card && (() => this.#exits(card)),
      a: editable && (() => (row ? actions.addAt(card.id, row) : actions.add(card))),
      Delete: editable && remove,
      Backspace: editable && remove,
      "/": () => show.search(),
      n: () => show.nextFound(shiftKey ? -1 : 1),
      "?": () => document.getElementById("keys")?.showModal(),
    }[key.length === 1 ? key.toLowerCase() : key];
  }

  #arrow({ shiftKey, altKey, target }, card, way) {
    const { canvas } = this;
    if (altKey) {
      if (!canvas.editable) return null;
      const [dx, dy] = STEPS[way].map((one) => one * (shiftKey ? FAR : 1));
      const { cards } = canvas.actions;
      return () => canvas.nudge.by(canvas.select.has(card.id) ? cards : [card], dx, dy);
    }
    if (!target.closest(".head")) return () => this.#amongExits(card, target, way);
    const next = canvas.travel.go(card, way);
    if (!next) return () => {};
    return () => {
      if (!shiftKey && !canvas.select.meant) canvas.select.clear();
      this.#to(next.id);
      if (shiftKey) canvas.select.add([card.id, next.id]);
    };
  }

  #to(id) {
    const card = this.canvas.cards.get(id);
    if (!card) return;
    this.canvas.cards.focus(id);
    this.canvas.view.reveal(card);
  }

  #exits(card) {
    const first = card.li.querySelector(".exits li:not([hidden]) :is(.exit, .more-exits)");
    if (first) first.focus({ preventScroll: true });
    else this.canvas.say("This step has no exits");
  }

  #amongExits(card, target, way) {
    const rows = [...card.li.querySelectorAll(".exits > li:not([hidden]) > :is(.exit, .more-exits)")];
    const at = rows.indexOf(target.closest("li").querySelector(".exit, .more-exits"));
    const to = this.canvas.cards.get(this.canvas.cards.rowOf(target)?.to);
    if (way === "right" && to) this.#to(to.id);
    else if (way === "left" || (way === "up" && at === 0)) this.#to(card.id);
    else rows[at + (way === "down" ? 1 : way === "up" ? -1 : 0)]?.focus({ preventScroll: true });
  }

  #escape(exitOf) {
    const { canvas } = this;
    if (canvas.gestures.cancel()) return () => canvas.say("Put back");
    if (canvas.connecting) return () => canvas.connecting.cancel();
    if (exitOf) return () => this.#to(exitOf.id);
    if (canvas.lines.selected) return () => canvas.lines.select(null);
    if (canvas.select.meant && canvas.select.size) return () => canvas.select.clear();
    const close = document.querySelector("#panel:not([hidden]) [data-close-panel]");
    return close && (() => close.click());
  }
}
