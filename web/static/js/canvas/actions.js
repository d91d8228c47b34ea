// What can be done to the selection, a line, an exit: the same for menu, bar and keys.
export class Actions {
  constructor(canvas) {
    this.canvas = canvas;
  }

  /** What an action is about: the selection if it was made on purpose or has the focus in it,
   *  else the card with the focus. */
  get cards() {
    const { select, cards } = this.canvas;
    if (select.size && (select.meant || select.has(cards.current))) return select.cards;
    const card = cards.get(cards.current);
    return card ? [card] : [];
  }

  get steps() {
    return this.cards.map(({ id }) => id).filter((id) => id !== "@start");
  }

  connect(card, row, to) {
    if (row.to === to) return;
    row.button.dataset.to = to; // seen at once; the answer confirms it or takes it back
    this.canvas.queue.push([{ do: "connect", step: card.id, exit: row.exit, to }]);
    this.canvas.say(`“${row.label}” connected to ${this.canvas.cards.get(to).name}`);
  }

  disconnect(step, exit) {
    const row = this.canvas.cards.get(step)?.rows.find((one) => one.exit === exit);
    if (!row?.to) return;
    const card = this.canvas.cards.get(step);
    if (!("required" in row.button.dataset)) this.canvas.cards.unfold(card, true); // it stays in sight
    row.button.dataset.to = "";
    this.canvas.lines.select(null);
    this.canvas.queue.push([{ do: "disconnect", step, exit }]);
  }

  remove({ join = false, steps = this.steps } = {}) {
    if (!steps.length) {
      this.canvas.say("The start cannot be deleted.");
      return;
    }
    this.canvas.queue.push([{ do: "delete", steps, join }]);
    this.canvas.select.clear();
  }

  duplicate() {
    if (this.steps.length) this.canvas.queue.push([{ do: "duplicate", steps: this.steps }]);
  }

  /** Add a step: after the card's first free exit, onto its line when all are taken. */
  add(card = this.canvas.select.size === 1 ? this.canvas.select.cards[0] : null) {
    const { add, view, cards } = this.canvas;
    const from = card ?? cards.get("@start"); // while nothing begins, the new step does
    const free = from?.rows.find(({ to }) => !to);
    if (free) add.open({ after: { step: from.id, exit: free.exit } });
    else {
      const { x, y } = card ? { x: card.x + 336, y: card.y } : { x: view.middle.x - 120, y: view.middle.y - 40 };
      add.open({ at: [x, y] });
    }
  }

  addAt(step, row) {
    const way = { step, exit: row.exit };
    this.canvas.add.open(row.to && !row.jump ? { onto: way } : { after: way });
  }

  tidy() {
    this.canvas.queue.push([{ do: "tidy" }]);
  }

  /** The entries of the menu and the bar for what is chosen: [word, keys, deed, bar too?]. */
  list() {
    const { canvas } = this;
    const { lines, select, clipboard, editable } = canvas;
    const line = lines.selected;
    if (line) {
      return editable ? [
        ["Insert a step", "A", () => canvas.add.open({ onto: { step: line.step, exit: line.exit } }), true],
        ["Remove the line", "Delete", () => this.disconnect(line.step, line.exit), true],
      ] : [];
    }
    const changeable = editable && this.steps.length;
    const copy = ["Copy", "Ctrl C", () => clipboard.copy(), true];
    const all = [
      select.size === 1 && ["Settings", "Enter", () => canvas.show.open(select.cards[0].id, { enter: true }), true],
      changeable && ["Duplicate", "Ctrl D", () => this.duplicate(), true],
      this.steps.length && copy,
      changeable && ["Cut", "Ctrl X", () => clipboard.cut(), true],
      changeable && ["Delete", "Delete", () => this.remove(), true],
      changeable && ["Delete and close the gap", "Ctrl Delete", () => this.remove({ join: true })],
    ];
    return all.filter(Boolean);
  }

  /** The entries of the menu on empty canvas. */
  listForNothing(at) {
    const { canvas } = this;
    const { editable } = canvas;
    return [
      editable && ["Add a step", "A", () => canvas.add.open({ at: [at.x, at.y] })],
      editable && ["Paste", "Ctrl V", () => canvas.clipboard.paste(at)],
      ["Select all", "Ctrl A", () => canvas.select.everything()],
      editable && ["Tidy up", "", () => this.tidy()],
      ["Fit", "Shift 1", () => canvas.view.fit()],
    ].filter(Boolean);
  }
}
