// The settings panel: what its fields need besides sending themselves, which htmx does for them.
// Rule: nothing that was typed is lost: what could not be sent is tried again until it is stored.
import { askToSignIn, renewToken } from "./canvas/session.js";

const AGAIN_MS = 5000;
const RENEW_MS = 200; // several cards may change at once
const CONTROL = ":is(input:not([type=hidden]), select, textarea)";
const panel = document.getElementById("panel");
const canvas = document.getElementById("canvas");
const settings = () => document.getElementById("settings");
const mine = (element) => Boolean(element && settings()?.contains(element));
const unsaved = new Set();
const stored = new WeakMap();
let insertInto = null;
let pointed = "";
let renewing = 0;
let newest = 0;

const on = (name, deed, where = document) => where.addEventListener(name, deed);

// Requests: which draft the form shows, and a key so that a button's deed is not done twice.
on("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const { sourceElement: source, request } = ctx;
  if (!mine(source)) return;
  ctx.settings = settings();
  if (!request.body?.set) return;
  ctx.asOf = canvas.dataset.version;
  ctx.says = new URLSearchParams(request.body).toString();
  const { says, version } = stored.get(source) ?? {};
  // A field says `input` and then `change`: what is stored already is not sent again.
  if (ctx.says === says && version === ctx.asOf && source.matches(".part") && !unsaved.has(source)) {
    event.preventDefault();
    return;
  }
  request.body.set("version", ctx.asOf);
  const part = request.body.get("part") ?? "";
  const leads = part.startsWith("/next/") ? (request.body.get(part) ?? "") : "";
  if (!source.matches("button") && !leads.startsWith("+")) return;
  source.dataset.key ??= crypto.getRandomValues(new Uint32Array(4)).join("-");
  request.body.set("key", source.dataset.key + leads); // another choice is another deed
});

// An answer that comes when another step is open changes cards, and nothing in the panel: the places
// of all forms have the same names.
on("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  if (!ctx.settings || ctx.settings === settings()) return;
  for (const task of tasks.filter(({ target }) => panel.contains(target))) tasks.splice(tasks.indexOf(task), 1);
});

on("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target === panel) arrived();
  if (!mine(ctx.sourceElement)) return;
  unsaved.delete(ctx.sourceElement);
  delete ctx.sourceElement.dataset.key;
  const headers = ctx.response?.headers;
  const now = headers?.get("Draft-Version") ?? ctx.asOf;
  if (ctx.response?.status === 200) {
    stored.set(ctx.sourceElement, { says: ctx.says, version: now });
    if (Number(now) === Number(ctx.asOf) + 1) settings().dataset.version = now;
  }
  tellWrong();
  const focus = headers?.get("Form-Focus");
  if (focus) moveTo(focus);
});

function moveTo(id) {
  const place = document.getElementById(`${id}-item`) ?? document.getElementById(`${id}-part`);
  const field = place?.querySelector(CONTROL) ?? document.getElementById(`${id}-add`) ?? place?.querySelector("button");
  field?.focus();
}

function arrived() {
  if (pointed) delete settings()?.dataset.fresh;
  pointed = "";
  tellWrong();
}

// What is wrong is told beside a field; the field itself says so too.
function tellWrong() {
  for (const said of settings()?.querySelectorAll(".said") ?? []) {
    const wrong = Boolean(said.querySelector(".complaint.error"));
    for (const field of settings().querySelectorAll(`[aria-describedby~="${CSS.escape(said.id)}"]`)) {
      if (wrong) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }
}

// A fresh form complains about a field once it was left, or when somebody was sent to it.
on("focusout", ({ target }) => target.closest?.(".part")?.setAttribute("data-left", ""), panel);
on("click", ({ target }) => { pointed = target.closest?.("[data-goto][data-field]")?.dataset.field ?? ""; });
for (const event of ["flow:open", "flow:show"]) on(event, ({ detail }) => { pointed = detail.field ?? pointed; });
on("htmx:before:morph:attr", (event) => {
  const { target, detail } = event;
  if (mine(target) && ["open", "data-left"].includes(detail.attrName)) event.preventDefault();
});

// Not stored: say so, and try again; a session that is over is renewed in place.
on("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  const { status } = ctx.response;
  if (!mine(ctx.sourceElement) || (status < 500 && ![401, 403, 408, 429].includes(status))) return;
  if (status === 403 && ctx.sourceElement.dataset.renewed) return;
  event.preventDefault();
  if (status === 401) lost(ctx.sourceElement, askToSignIn());
  else if (status === 403) {
    ctx.sourceElement.dataset.renewed = "";
    lost(ctx.sourceElement, renewToken());
  } else lost(ctx.sourceElement);
});
on("htmx:error", ({ detail: { ctx } }) => { if (mine(ctx?.sourceElement)) lost(ctx.sourceElement); });
on("beforeunload", (event) => { if (unsaved.size) event.preventDefault(); }, window);

async function lost(source, until = new Promise((done) => { setTimeout(done, AGAIN_MS); })) {
  unsaved.add(source);
  const state = document.querySelector("[data-save-state]");
  if (state) state.textContent = "Not saved. Trying again…";
  await until;
  if (!source.isConnected || !unsaved.has(source)) return void unsaved.delete(source);
  if (source.matches("button")) source.click();
  else source.querySelector(`${CONTROL}[name]`)?.dispatchEvent(new Event("change", { bubbles: true }));
}

// Somebody else, undo or a button of the panel changed the draft: show the form as it is now.
on("flow:changed", ({ detail }) => {
  newest = Math.max(newest, Number(detail?.version) || 0); // answers may overtake one another
  clearTimeout(renewing);
  renewing = setTimeout(renew, RENEW_MS);
});

function renew() {
  const form = settings();
  if (!form || Number(form.dataset.version) >= newest) return;
  const { step } = form.dataset;
  if (!canvas.querySelector(`[data-step="${CSS.escape(step)}"]`)) {
    panel.querySelector("[data-close-panel]")?.click();
    return;
  }
  const { base, opens = `${base}/panel/step/{}` } = canvas.dataset;
  htmx.ajax("GET", opens.replace("{}", encodeURIComponent(step)), { source: form, target: "#panel", swap: "innerMorph" });
}

// In a large automation the first exit lists the steps for all of them.
function borrow({ target }) {
  const lender = document.getElementById(target.dataset?.optionsFrom ?? "");
  if (!lender) return;
  const { value } = target;
  delete target.dataset.optionsFrom;
  for (const one of target.querySelectorAll('option:not([value=""])')) one.remove();
  target.append(...[...lender.querySelectorAll("optgroup")].map((group) => group.cloneNode(true)));
  target.value = value;
}
on("pointerdown", borrow, panel);
on("focusin", borrow, panel);

// Counters, searches and the menu of variables.
on("input", ({ target }) => {
  const counter = document.getElementById(target.dataset?.counter ?? "");
  if (counter) {
    const { limit } = counter.dataset;
    const length = [...target.value].length;
    counter.textContent = `${length}/${limit}`;
    counter.classList.toggle("over", length > Number(limit));
  }
  if (target.dataset?.filter) filter(document.getElementById(target.dataset.filter), target.value);
});

function filter(list, words) {
  const wanted = words.trim().toLowerCase();
  for (const one of list.querySelectorAll("li")) one.hidden = !one.textContent.toLowerCase().includes(wanted);
  for (const group of list.querySelectorAll("[data-filtered]")) group.hidden = !group.querySelector("li:not([hidden])");
}

on("click", ({ target }) => {
  const opener = target.closest?.("[data-variables]");
  const menu = document.getElementById("variables");
  if (opener && menu) {
    insertInto = document.getElementById(opener.dataset.variables);
    const { left, bottom } = opener.getBoundingClientRect();
    menu.showPopover();
    const { offsetWidth: width, offsetHeight: height } = menu;
    menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    menu.style.top = `${Math.max(8, Math.min(bottom + 4, innerHeight - height - 8))}px`;
    menu.querySelector("input").focus();
  }
  const words = target.closest?.("[data-insert]")?.dataset.insert;
  if (!words || !insertInto) return;
  menu.hidePopover();
  insertInto.setRangeText(words, insertInto.selectionStart, insertInto.selectionEnd, "end");
  insertInto.focus();
  insertInto.dispatchEvent(new Event("input", { bubbles: true }));
});
