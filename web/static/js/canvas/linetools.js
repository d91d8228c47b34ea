// What shows when the pointer is on a line: a "+" in its middle and a "×".
const LINGER_MS = 500; // time to get from the line to its tools

export class LineTools {
  constructor(canvas) {
    this.canvas = canvas;
    this.line = null;
    this.element = document.createElement("div");
    this.element.className = "line-tools";
    this.element.hidden = true;
    const icons = {
      add: ["M5 12h14M12 5v14", "Add a step on this line"],
      remove: ["M18 6 6 18M6 6l12 12", "Remove this line"],
    };
    for (const [name, [data, label]] of Object.entries(icons)) {
      const button = document.createElement("button");
      button.dataset.does = name;
      button.setAttribute("aria-label", label);
      button.title = label;
      button.tabIndex = -1; // keys have A and Delete on the exit
      button.innerHTML = `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${data}"/></svg>`;
      this.element.append(button);
    }
    canvas.world.append(this.element);
    canvas.addEventListener("pointerover", (event) => this.#over(event));
    canvas.addEventListener("selection", () => canvas.lines.selected && this.show(canvas.lines.selected));
    canvas.addEventListener("line-gone", ({ detail }) => detail === this.line && this.hide());
    this.element.addEventListener("click", (event) => this.#click(event));
  }

  show(line, at = line.middle) {
    if (!this.canvas.editable || this.canvas.connecting) return;
    clearTimeout(this.timer);
    if (line === this.line) return;
    this.line = line;
    this.element.hidden = false;
    this.element.style.translate = `${at.x}px ${at.y}px`;
  }

  hide() {
    clearTimeout(this.timer);
    this.line = null;
    this.element.hidden = true;
  }

  #over({ target, pointerType, clientX, clientY }) {
    if (pointerType === "touch" || this.canvas.gestures.busy) return;
    clearTimeout(this.timer);
    if (target.closest(".line-tools")) return;
    const { lines, view } = this.canvas;
    const line = lines.of(target);
    if (!line) {
      this.timer = setTimeout(() => (lines.selected ? this.show(lines.selected) : this.hide()), LINGER_MS);
      return;
    }
    const { x, y } = line.middle;
    const seen = { x: x * view.k + view.x, y: y * view.k + view.y };
    const inside = seen.x > 0 && seen.y > 0 && seen.x < view.box.width && seen.y < view.box.height;
    this.show(line, inside ? line.middle : view.toWorld(clientX, clientY));
  }

  #click(event) {
    event.stopPropagation();
    const { step, exit } = this.line ?? {};
    const does = event.target.closest("button")?.dataset.does;
    if (!step || !does) return;
    this.hide();
    if (does === "add") this.canvas.add.open({ onto: { step, exit } });
    else this.canvas.actions.disconnect(step, exit);
  }
}
