// The simulator: the try-out rides in #walk, whatever the panel shows. It is played again when the
// draft has changed, and comes back by the mode's link.
const PAUSE_MS = 250; // changes often come several at once
const panel = document.getElementById("panel");
const base = document.getElementById("canvas")?.dataset.base;
const walk = () => document.getElementById("walk");
const session = () => walk()?.querySelector("input")?.value;
const shown = () => panel.querySelector("[data-simulator]");
const isPress = ({ request }) => request?.action?.startsWith(`${base}/simulate`);
const folds = new Map();
let timer;
let length = 0;
let focused;

function again(swap, more = {}) {
  if (!session()) return;
  const values = { session: session(), do: "again", ...more };
  window.htmx.ajax("POST", `${base}/simulate`, { source: walk(), target: panel, swap, values });
}

document.addEventListener("flow:changed", () => {
  clearTimeout(timer);
  timer = setTimeout(() => (shown() ? again("innerMorph") : again("none", { only: "walk" })), PAUSE_MS);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".modes a[aria-current]");
  if (!link?.href.endsWith("mode=simulate") || !session()) return;
  event.preventDefault();
  if (!shown()) again("innerHTML");
});

// Once the panel is closed nobody walks any more.
document.addEventListener("flow:closed", () => {
  for (const name of ["current", "passed", "path"]) walk()?.removeAttribute(`data-${name}`);
});

// A press that had to wait goes on from what the one before led to.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (!isPress(ctx) || !session()) return;
  ctx.request.body?.set?.("session", session());
  if (ctx.sourceElement.matches("[data-reply]")) ctx.sourceElement.reset();
});

// Meanwhile the panel may show something else: then only the walk is renewed.
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (isPress(ctx) && ctx.swap === "innerMorph" && !shown()) ctx.swap = "none";
});

// What is unfolded stays so.
document.addEventListener("htmx:before:swap", () => {
  focused = shown()?.contains(document.activeElement) && document.activeElement;
  for (const one of shown()?.querySelectorAll("details[id]") ?? []) folds.set(one.id, one.open);
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const talk = shown()?.querySelector("[data-talk]");
  if (!talk) return;
  const saved = document.getElementById("sim-saved");
  for (const one of shown().querySelectorAll("details[id]")) {
    if (folds.has(one.id)) one.open = folds.get(one.id) && !(saved && one.id === "sim-keep");
  }
  const messages = talk.querySelectorAll("li").length;
  if (messages !== length) talk.scrollTop = talk.scrollHeight;
  length = messages;
  if (!isPress(ctx)) return;
  document.getElementById("sim-wrong")?.scrollIntoView({ block: "nearest" });
  for (const form of panel.querySelectorAll("[data-fresh]")) form.reset();
  if (!focused || document.activeElement === focused) return;
  (focused.isConnected && !focused.disabled ? focused : document.getElementById("sim-text"))?.focus({ preventScroll: true });
});

// A list that opens at the end of the chat is seen.
panel?.addEventListener("toggle", ({ target }) => {
  if (target.open && target.matches(".choose")) target.scrollIntoView({ block: "nearest" });
}, true);
