// From card to card by arrows: along the lines sideways, to the nearest otherwise.
import { WIDTH } from "./geometry.js";

const FLATTEST = 4; // a card 4 px to the side per px ahead is not “above” any more
const ASIDE = 2; // how much worse a px to the side is than a px ahead

export class Travel {
  #came = new Map(); // from which card one came to a card, so that ← goes back there

  constructor(canvas) {
    this.canvas = canvas;
  }

  go(card, way) {
    const next = this.#along(card, way) ?? this.#nearest(card, way);
    if (next && way === "right") this.#came.set(next.id, card.id);
    return next;
  }

  #along(card, way) {
    const { cards, lines } = this.canvas;
    if (way === "right") return cards.get(card.rows.find(({ to }) => cards.get(to))?.to);
    if (way !== "left") return null;
    const from = lines.into(card.id).map(({ step }) => step);
    const came = this.#came.get(card.id);
    return cards.get(from.includes(came) ? came : from[0]);
  }

  #nearest(card, way) {
    const middle = ({ x, y, h }) => ({ x: x + WIDTH / 2, y: y + h / 2 });
    const { x, y } = middle(card);
    let best = null;
    let least = Infinity;
    for (const one of this.canvas.cards.byId.values()) {
      const at = middle(one);
      const [dx, dy] = [at.x - x, at.y - y];
      const [ahead, aside] = { right: [dx, dy], left: [-dx, dy], down: [dy, dx], up: [-dy, dx] }[way];
      const far = ahead + ASIDE * Math.abs(aside);
      if (one !== card && ahead > Math.abs(aside) / FLATTEST && far < least) [best, least] = [one, far];
    }
    return best;
  }
}
