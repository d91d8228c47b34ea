// Sizes and curves. Pure: numbers in, numbers out. The sizes are those of flows/arrange.py.
export const WIDTH = 240;
export const HEADER = 40;
export const ROW = 28;
export const FOOT = 6;
export const SNAP = 8;
const BEND = 56; // how far a loop goes out before it turns
const LANE = 32; // between a card and the line that passes under it
const POINTS = 24; // looked at per curve

export const snap = (length) => Math.round(length / SNAP) * SNAP;
export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** Where the line of a card's row begins, and where lines to a card end. */
export const exitOf = (card, row) => ({ x: card.x + WIDTH, y: card.y + row.y });
export const entryOf = (card) => ({ x: card.x, y: card.y + HEADER / 2 });

/** The smallest box around cards, or null without any. */
export function boundsOf(cards) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y, h } of cards) {
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + WIDTH);
    box.bottom = Math.max(box.bottom, y + h);
  }
  return box.left < box.right ? box : null;
}

/** A curve between two points as cubic pieces. `from` and `to` are the cards, for loops: a line
 *  that leads back passes between them, or under both. */
export function curve(start, end, from, to) {
  const { x: ax, y: ay } = start;
  const { x: bx, y: by } = end;
  if (bx - ax >= 24 || !to) {
    const bend = Math.max(40, Math.abs(bx - ax) / 2);
    return [[ax, ay, ax + bend, ay, bx - bend, by, bx, by]];
  }
  const middle = (ax + bx) / 2;
  const lane = laneOf(from, to);
  return [
    [ax, ay, ax + BEND, ay, ax + BEND, lane, middle, lane],
    [middle, lane, bx - BEND, lane, bx - BEND, by, bx, by],
  ];
}

function laneOf(from, to) {
  const fromEnd = from.y + from.h;
  const toEnd = to.y + to.h;
  if (to.y - fromEnd >= LANE) return (fromEnd + to.y) / 2;
  if (from.y - toEnd >= LANE) return (toEnd + from.y) / 2;
  return Math.max(fromEnd, toEnd) + LANE;
}

/** SVG path data of pieces, with an arrow head at the end. */
export function pathOf(pieces) {
  const cubic = ([, , ...rest]) => `C${rest.join(" ")}`;
  const [, , , , , , x, y] = pieces.at(-1);
  const arrow = `M${x - 7} ${y - 5}L${x} ${y}L${x - 7} ${y + 5}`;
  return `M${pieces[0][0]} ${pieces[0][1]}${pieces.map(cubic).join("")}${arrow}`;
}

export function middleOf(pieces) {
  if (pieces.length > 1) return { x: pieces[1][0], y: pieces[1][1] };
  return pointOn(pieces[0], 0.5);
}

function pointOn([ax, ay, bx, by, cx, cy, dx, dy], t) {
  const u = 1 - t;
  const [p, q, r, s] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return { x: p * ax + q * bx + r * cx + s * dx, y: p * ay + q * by + r * cy + s * dy };
}

/** Of the lines that pass under a card at (x, y), h high, the one nearest to its middle. */
export function lineUnder(lines, { x, y, h }) {
  const [middle, half] = [{ x: x + WIDTH / 2, y: y + h / 2 }, { x: WIDTH / 3, y: h / 2 }];
  let best = null;
  let least = Infinity;
  for (const line of lines) {
    for (const piece of line.pieces) {
      for (let step = 0; step <= POINTS; step += 1) {
        const at = pointOn(piece, step / POINTS);
        const [dx, dy] = [Math.abs(at.x - middle.x), Math.abs(at.y - middle.y)];
        if (dx <= half.x && dy <= half.y && dx + dy < least) [best, least] = [line, dx + dy];
      }
    }
  }
  return best;
}
