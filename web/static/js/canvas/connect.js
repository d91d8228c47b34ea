// Drawing a line from an exit to a card: by drag, by two clicks, or by keys.
import { curve, entryOf, exitOf, pathOf } from "./geometry.js";

const REACH = 12; // px around a card that still mean the card

/** Why this card cannot be the target, or "". */
function whyNot(card, target) {
  if (target.id === "@start") return "Nothing can lead to Start.";
  if (target.id === card.id) return "A step cannot lead to itself.";
  return "";
}

/** A gesture; `start` makes of it a mode that ends with the next click or Enter. */
export function connecting(canvas, card, row) {
  let ghost = null;
  let over = null;
  let refused = null;
  const point = (target) => {
    if (target === over) return;
    over?.li.classList.remove("target");
    target?.li.classList.add("target");
    over = target;
  };
  const close = () => {
    canvas.connecting = null;
    canvas.classList.remove("connecting");
    for (const one of canvas.cards.byId.values()) one.li.classList.remove("cannot", "target");
    ghost?.remove();
    canvas.lines.get(card.id, row.exit)?.group.classList.remove("rerouted");
  };
  const draw = (end, target) => {
    ghost.setAttribute("d", pathOf(curve(exitOf(card, row), end, card, target)));
  };
  return {
    autopan: true,
    card,
    row,
    begin() {
      canvas.connecting?.cancel();
      canvas.connecting = this;
      canvas.lineTools.hide();
      canvas.classList.add("connecting");
      for (const one of canvas.cards.byId.values()) {
        one.li.classList.toggle("cannot", Boolean(whyNot(card, one)));
      }
      canvas.lines.get(card.id, row.exit)?.group.classList.add("rerouted");
      ghost = document.createElementNS("http://www.w3.org/2000/svg", "path");
      ghost.setAttribute("class", "ghost");
      canvas.lines.svg.append(ghost);
    },
    start(byKeys) {
      this.byClick = true;
      this.begin();
      this.aim(canvas.cards.get(row.to) ?? card);
      if (byKeys) {
        const first = canvas.cards.get(row.to) ?? canvas.travel.go(card, "right") ?? card;
        canvas.cards.focus(first.id);
        canvas.view.reveal(first);
      }
      canvas.say(`Connecting “${row.label}”. Choose a step and press Enter, or Escape to cancel`);
    },
    move(at) {
      const found = canvas.cards.at(at, REACH);
      const reason = found ? whyNot(card, found) : "";
      if (reason && found !== card && found !== refused) canvas.say(reason);
      refused = found;
      const target = reason ? null : found;
      point(target);
      draw(target ? entryOf(target) : at, target);
    },
    aim(target) {
      const fits = !whyNot(card, target);
      point(fits ? target : null);
      draw(fits ? entryOf(target) : { x: exitOf(card, row).x + 40, y: exitOf(card, row).y }, fits && target);
    },
    end(at) {
      const target = canvas.cards.at(at, REACH);
      if (target) this.take(target);
      else {
        close();
        canvas.add.open({ after: { step: card.id, exit: row.exit }, at: [at.x, at.y - 20] });
      }
    },
    take(target) {
      const reason = whyNot(card, target);
      if (reason) canvas.say(reason);
      if (reason && this.byClick) return; // choose another
      close();
      if (!reason) canvas.actions.connect(card, row, target.id);
    },
    cancel() {
      close();
      if (this.byClick) {
        row.button.focus({ preventScroll: true });
        canvas.say("Not connected");
      }
    },
  };
}
