// The context menu, and the bar for fingers. Both show what actions.js lists.
export class Menu {
  constructor(canvas) {
    this.canvas = canvas;
    this.element = made("div", "flow-menu menu", { popover: "auto", role: "menu", "aria-label": "Actions" });
    this.bar = made("div", "flow-bar", { role: "toolbar", "aria-label": "Selection" });
    this.bar.hidden = true;
    canvas.append(this.element, this.bar);
    canvas.addEventListener("contextmenu", (event) => this.#open(event));
    canvas.addEventListener("selection", () => this.#bar());
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#closed());
  }

  #open(event) {
    const { canvas } = this;
    const { target, clientX, clientY } = event;
    if (target.closest(".zoom, .minimap, .flow-bar, .flow-menu")) return;
    event.preventDefault();
    if (event.pointerType === "touch") return; // a long press selects
    const card = canvas.cards.of(target);
    const line = target.closest(".line-tools") ? canvas.lineTools.line : canvas.lines.of(target);
    if (card && !canvas.select.has(card.id)) canvas.select.only(card.id);
    if (card) canvas.cards.reached(card.id);
    if (line) {
      canvas.select.clear();
      canvas.lines.select(line);
    }
    const at = canvas.view.toWorld(clientX, clientY);
    const entries = card || line ? canvas.actions.list() : canvas.actions.listForNothing(at);
    this.before = document.activeElement;
    this.element.replaceChildren(...entries.map(([word, keys, deed]) => this.#item(word, keys, deed)));
    if (!entries.length) return;
    this.element.showPopover();
    const { offsetWidth, offsetHeight } = this.element;
    this.element.style.left = `${Math.max(4, Math.min(clientX, innerWidth - offsetWidth - 4))}px`;
    this.element.style.top = `${Math.max(4, Math.min(clientY, innerHeight - offsetHeight - 4))}px`;
    this.element.firstElementChild.focus();
  }

  #item(word, keys, deed) {
    const item = made("button", "", { role: "menuitem" });
    item.append(word, Object.assign(made("kbd", "", { "aria-hidden": "true" }), { textContent: keys }));
    item.addEventListener("click", () => {
      this.element.hidePopover();
      deed();
    });
    return item;
  }

  #key(event) {
    const items = [...this.element.children];
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    items.at(next % items.length).focus();
  }

  #closed() {
    if (this.element.contains(document.activeElement) || document.activeElement === document.body) {
      this.before?.focus?.({ preventScroll: true });
    }
  }

  #bar() {
    const { select, lines } = this.canvas;
    const coarse = matchMedia("(pointer: coarse)").matches;
    const shown = select.size > 1 || select.touching || (coarse && lines.selected);
    this.bar.hidden = !shown;
    if (!shown) return;
    const entries = this.canvas.actions.list().filter(([, , , both]) => both);
    const buttons = entries.map(([word, , deed]) => {
      const button = Object.assign(made("button", "button quiet"), { textContent: word });
      button.addEventListener("click", deed);
      return button;
    });
    const done = Object.assign(made("button", "button quiet"), { textContent: "Done" });
    done.addEventListener("click", () => {
      select.clear();
      lines.select(null);
    });
    const count = Object.assign(made("span", "number"), {
      textContent: lines.selected ? "Line" : `${select.size} selected`,
    });
    this.bar.replaceChildren(count, ...buttons, done);
  }
}

function made(tag, className, attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
