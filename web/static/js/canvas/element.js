// <flow-canvas>: the cards the server drew, on a surface to pan, zoom and edit.
import { Actions } from "./actions.js";
import { Add } from "./add.js";
import { Cards } from "./cards.js";
import { Clipboard } from "./clipboard.js";
import { connecting } from "./connect.js";
import { Nudge } from "./drag.js";
import { Gestures } from "./gestures.js";
import { Keys } from "./keys.js";
import { Lines } from "./lines.js";
import { LineTools } from "./linetools.js";
import { Menu } from "./menu.js";
import { Minimap } from "./minimap.js";
import { Overlay } from "./overlay.js";
import { Patches } from "./patches.js";
import { Queue } from "./queue.js";
import { Select } from "./select.js";
import { Show } from "./show.js";
import { Travel } from "./travel.js";
import { View } from "./view.js";

class FlowCanvas extends HTMLElement {
  #off = new AbortController();

  connectedCallback() {
    if (this.cards) return;
    this.signal = this.#off.signal;
    this.world = this.querySelector(".world");
    this.cards = new Cards(this);
    this.lines = new Lines(this);
    this.view = new View(this);
    this.select = new Select(this);
    this.travel = new Travel(this);
    this.nudge = new Nudge(this);
    this.actions = new Actions(this);
    this.patches = new Patches(this);
    this.queue = new Queue(this);
    this.clipboard = new Clipboard(this);
    this.add = new Add(this);
    this.show = new Show(this);
    this.lineTools = new LineTools(this);
    this.gestures = new Gestures(this);
    this.keys = new Keys(this);
    this.menu = new Menu(this);
    this.minimap = new Minimap(this);
    this.overlay = new Overlay(this);
    this.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("click", (event) => this.#tool(event), { signal: this.signal });
    document.addEventListener("flow:say", ({ detail }) => this.say(detail.text), { signal: this.signal });
    document.addEventListener("flow:send", ({ detail }) => this.queue.push(detail.changes), { signal: this.signal });
    this.tabIndex = -1; // a press on empty space leaves the keys working
    this.dataset.ready = "";
  }

  disconnectedCallback() {
    this.#off.abort();
  }

  get editable() {
    return "editable" in this.dataset;
  }

  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Said politely; the same words twice in a row are said twice. `more`: after what was said. */
  say(words, more = false) {
    const announcer = document.getElementById("announcer");
    if (!announcer || !words) return;
    const before = announcer.textContent;
    if (more && before) announcer.textContent = `${before}. ${words}`;
    else announcer.textContent = before === words ? `${words}\u00a0` : words;
  }

  toast(words) {
    const toasts = document.getElementById("toasts");
    const notice = document.createElement("div");
    notice.className = "notice danger";
    notice.textContent = words;
    toasts?.replaceChildren(notice);
  }

  patch(text, headers, status) {
    return this.patches.apply(text, headers, status);
  }

  /** Whether this page knows better than the markup where a card is. */
  holds(id) {
    return this.held?.has(id) || this.queue?.moves(id);
  }

  cardsChanged(ids, gone) {
    this.lines.refresh(ids, gone);
    this.select.forget(gone);
    for (const id of ids) this.dress(this.cards.get(id));
    this.emit("cards", { ids, gone });
  }

  dress(card) {
    card.li.classList.toggle("selected", this.select.has(card.id));
    card.li.classList.toggle("dragged", this.held?.has(card.id) ?? false);
    this.overlay.paint(card);
  }

  #click({ target, detail, shiftKey, ctrlKey, metaKey }) {
    if (target.closest(".zoom, .minimap, .line-tools, .flow-menu, .flow-bar")) return;
    const card = this.cards.of(target);
    if (this.connecting?.byClick) {
      if (card) this.connecting.take(card);
      else this.connecting.cancel();
      return;
    }
    if (target.closest(".more-exits")) this.cards.unfold(card);
    else if (target.closest(".plus")) this.actions.addAt(card.id, this.cards.rowOf(target));
    else if (card && (shiftKey || ctrlKey || metaKey || this.select.touching)) this.select.toggle(card.id);
    else if (target.closest(".exit") && this.editable) connecting(this, card, this.cards.rowOf(target)).start(detail === 0);
    else if (card) this.show.open(card.id, { enter: detail === 0 });
    else {
      this.select.clear();
      this.lines.select(this.lines.of(target));
    }
  }

  #tool({ target }) {
    const name = target.closest?.("[data-tool]")?.dataset.tool;
    if (name === "add") this.actions.add();
    if (name === "fit") this.view.fit();
    const seq = target.closest?.("[data-seq]:not(:disabled)")?.dataset.seq;
    if (seq && this.editable) this.queue.at(seq);
  }
}

customElements.define("flow-canvas", FlowCanvas);
