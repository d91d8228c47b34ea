// Copy, cut and paste of steps as JSON, also into other automations.
import { snap } from "./geometry.js";

const KEPT = "tiptoe-clip"; // for browsers that give no clipboard to pages without https
const MARK = "tiptoe";

export class Clipboard {
  constructor(canvas) {
    this.canvas = canvas;
    document.addEventListener("paste", (event) => this.#paste(event), { signal: canvas.signal });
  }

  async copy() {
    const { canvas } = this;
    const { steps } = canvas.actions;
    if (!steps.length) {
      canvas.say("The start cannot be copied.");
      return false;
    }
    canvas.nudge.flush();
    const text = this.#read(steps);
    try {
      await this.#keep(text);
    } catch {
      canvas.toast("The steps could not be copied. Please try again.");
      return false;
    }
    canvas.say(`${steps.length === 1 ? "1 step" : `${steps.length} steps`} copied`);
    return true;
  }

  async cut() {
    const { steps } = this.canvas.actions;
    if (await this.copy()) this.canvas.actions.remove({ steps });
  }

  /** From the menu: the browser may ask whether it is allowed to. */
  async paste(at) {
    let text = "";
    try { text = await navigator.clipboard.readText(); } catch { /* not allowed, or not there */ }
    if (!this.#put(text, at)) this.canvas.say("There are no steps in the clipboard");
  }

  /** What the steps are, from the server: the page does not know their settings. */
  async #read(ids) {
    const { canvas } = this;
    await canvas.queue.idle();
    const answer = await fetch(`${canvas.dataset.base}/export`);
    if (!answer.ok) throw new Error(answer.statusText);
    const { steps } = await answer.json();
    const taken = ids.filter((id) => id in steps).map((id) => {
      const { x, y } = canvas.cards.get(id) ?? {};
      return [id, x === undefined ? steps[id] : { ...steps[id], at: [x, y] }];
    });
    return JSON.stringify({ [MARK]: "steps", steps: Object.fromEntries(taken) });
  }

  /** The browser wants to be asked while the key is still down, so it is given a promise. */
  async #keep(text) {
    const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
    const given = globalThis.ClipboardItem && navigator.clipboard?.write
      ? navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]).catch(() => false) : null;
    try { localStorage.setItem(KEPT, await text); } catch { if (!given) throw new Error("no clipboard"); }
    await text;
    await given;
  }

  #paste(event) {
    const { canvas } = this;
    if (!canvas.editable || !canvas.contains(document.activeElement)) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable], dialog")) return;
    if (this.#put(event.clipboardData.getData("text/plain"))) event.preventDefault();
    else canvas.say("There are no steps in the clipboard");
  }

  #put(text, at = this.canvas.view.middle) {
    const steps = stepsIn(text) ?? (navigator.clipboard ? null : stepsIn(localStorage.getItem(KEPT)));
    if (!steps) return false;
    this.canvas.queue.push([{ do: "paste", clip: { steps }, at: [snap(at.x - 120), snap(at.y - 40)] }]);
    return true;
  }
}

function stepsIn(text) {
  try {
    const { steps } = JSON.parse(text) ?? {};
    return steps && typeof steps === "object" && Object.keys(steps).length ? steps : null;
  } catch {
    return null;
  }
}
