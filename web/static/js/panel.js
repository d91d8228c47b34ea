// The panel on the right: shows itself when something arrives in it, closes by Esc or its button
// and gives the focus back to whoever opened it; its width is dragged or set by arrow keys.
const NARROWEST = 320;
const WIDEST = 560;
const STEP = 16;
const KEPT = "panel-width";
const panel = document.getElementById("panel");
const grip = document.getElementById("panel-grip");
let opener = null;
let had = false; // the focus, before what the panel held was renewed

new MutationObserver(() => {
  if (panel.childElementCount) panel.hidden = false;
}).observe(panel, { childList: true });

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const focused = document.activeElement;
  if (ctx.target === panel && !panel.contains(focused) && focused !== document.body) opener = focused;
});
document.addEventListener("htmx:before:swap", () => {
  had ||= panel.contains(document.activeElement);
});

// A button outside that fills the panel leads into it; what the panel itself renews moves no focus.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const asked = ctx.sourceElement;
  if (had && !panel.hidden && document.activeElement === document.body) {
    document.getElementById("panel-heading")?.focus({ preventScroll: true });
  }
  had = false;
  if (ctx.target !== panel || !asked?.matches('button[hx-target="#panel"]') || panel.contains(asked)) return;
  (panel.querySelector("[autofocus]") ?? document.getElementById("panel-heading"))?.focus();
});

function close() {
  const inside = panel.contains(document.activeElement);
  const lost = document.activeElement === document.body;
  const { step } = panel.querySelector("#settings")?.dataset ?? {};
  panel.hidden = true;
  panel.replaceChildren();
  document.dispatchEvent(new CustomEvent("flow:closed", { detail: { step } }));
  const free = document.activeElement === document.body; // nobody who heard of it took the focus
  if ((inside || lost) && free && opener?.checkVisibility()) opener.focus({ preventScroll: true });
}

document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-close-panel]")) close();
  const fix = target.closest?.("[data-changes]");
  if (fix) {
    const detail = { changes: JSON.parse(fix.dataset.changes) };
    document.dispatchEvent(new CustomEvent("flow:send", { detail }));
  }
});
document.addEventListener("keydown", (event) => {
  const ours = panel.contains(event.target) || event.target === document.body;
  const open = event.target.closest("dialog, :popover-open, [aria-expanded='true'][aria-controls]");
  if (event.key !== "Escape" || event.defaultPrevented || open || !ours || panel.hidden) return;
  event.preventDefault();
  close();
});

function widen(width) {
  const set = Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));
  panel.style.setProperty("--panel", `${set}px`);
  grip.setAttribute("aria-valuenow", set);
  localStorage.setItem(KEPT, set);
}

const kept = Number(localStorage.getItem(KEPT));
if (kept) widen(kept);
grip.addEventListener("pointerdown", (event) => grip.setPointerCapture(event.pointerId));
grip.addEventListener("pointermove", (event) => {
  if (grip.hasPointerCapture(event.pointerId)) widen(panel.getBoundingClientRect().right - event.clientX);
});
grip.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
  if (!step) return;
  event.preventDefault();
  widen(panel.offsetWidth + step);
});
