// Keeps the open page current and sends its forms without a reload.
// One rule: what is shown comes from the server; parts marked data-sync are replaced by their
// newer selves, children that did not change keep their place, focus and open dialogs.

const said = document.getElementById("said");
const log = document.querySelector(".log");
const asRendered = new WeakMap();
const { chat, phone } = document.body.dataset;

for (const part of document.querySelectorAll("[data-sync]")) {
  for (const child of part.children) asRendered.set(child, child.outerHTML);
}

function put(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const atEnd = log && log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  for (const part of document.querySelectorAll("[data-sync]")) {
    const newer = fresh.getElementById(part.id);
    if (!newer) continue;
    if (part.tagName === "OL") putItems(part, newer);
    else if (part.innerHTML !== newer.innerHTML) putNodes(part, newer);
  }
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function putNodes(part, newer) {
  const held = part.contains(document.activeElement);
  part.replaceChildren(...newer.childNodes);
  if (held) part.querySelector("a, button")?.focus({ preventScroll: true });
}

function putItems(list, newer) {
  const old = new Map([...list.children].map((item) => [item.id, item]));
  let place = list.firstElementChild;
  for (const item of [...newer.children]) {
    const html = item.outerHTML;
    let kept = old.get(item.id);
    old.delete(item.id);
    if (kept && asRendered.get(kept) !== html && !kept.querySelector("dialog[open]")) {
      if (place === kept) place = item;
      const held = kept.contains(document.activeElement);
      kept.replaceWith(item);
      kept = item;
      if (held) item.querySelector("a, button:not(:disabled)")?.focus({ preventScroll: true });
    }
    if (!kept) {
      kept = item;
      announce(item);
    }
    if (!asRendered.has(kept)) asRendered.set(kept, html);
    if (kept !== place) list.insertBefore(kept, place);
    place = kept.nextElementSibling;
  }
  for (const gone of old.values()) gone.remove();
}

function announce(item) {
  const text = item.classList.contains("theirs") && item.querySelector(".text, .stub");
  if (text) said.textContent = `New message: ${text.textContent}`;
}

let asking = false;
let askAgain = false;
async function refresh() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    const answer = await fetch(location.href);
    if (answer.ok) put(await answer.text());
  } catch {
    said.textContent = "The sandbox does not answer.";
  }
  asking = false;
  if (askAgain) {
    askAgain = false;
    refresh();
  }
}

// A stream that is open means that somebody looks at the chat, so a hidden tab closes it.
let stream = null;
function watch() {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else if (!stream) {
    stream = new EventSource(`/live?${new URLSearchParams(chat ? { chat, phone } : {})}`);
    stream.onmessage = refresh;
  }
}
document.addEventListener("visibilitychange", watch);
window.addEventListener("pagehide", () => stream?.close());
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
watch();

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("quiet" in form.dataset)) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  form.closest("dialog")?.close();
  const answer = await fetch(form.action, { method: "POST", body });
  if (!answer.ok) {
    said.textContent = "That was not sent.";
    return;
  }
  form.reset();
  log.scrollTop = log.scrollHeight;
  refresh();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
  if (event.target.tagName === "DIALOG") event.target.close();
});

if (log) log.scrollTop = log.scrollHeight;
if (chat && matchMedia("(min-width: 700px)").matches) {
  document.getElementById("text").focus({ preventScroll: true });
}
