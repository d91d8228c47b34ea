// What changes while the page is open: numbers, others' changes, who is here. One connection; none
// while nobody looks, so that a browser's few are not used up. It comes back by itself.
const AGAIN_MS = 30_000; // after a refusal, such as a session that is over
const place = document.getElementById("counts");
const { live, looking, still, nobody } = place?.dataset ?? {};
let source = null;
let again = 0;
let others = [];

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

function open() {
  clearTimeout(again);
  if (!live || document.hidden || source) return;
  source = new EventSource(live);
  hear("counts", (counts) => {
    if (nobody !== undefined) location.reload(); // the first has come
    else if (still === undefined) tell("flow-counts", counts);
  });
  hear("draft", (draft) => looking === undefined && tell("flow:remote", draft));
  hear("status", status);
  hear("here", here);
  hear("over", close);
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
    close();
    again = setTimeout(open, AGAIN_MS);
  });
}

function close() {
  source?.close();
  source = null;
}

function hear(name, deed) {
  source.addEventListener(name, ({ data }) => deed(JSON.parse(data)));
}

/** Somebody published, paused or archived it: the bar is drawn anew, and the cards with it. */
let known = "";
function status(now) {
  const before = known;
  known = JSON.stringify(now);
  if (!before || before === known || looking !== undefined) return;
  const canvas = document.querySelector("[data-base][data-version]");
  if (canvas) htmx.ajax("GET", `${canvas.dataset.base}/draft/patches?since=${canvas.dataset.version}`, { source: canvas, swap: "none" });
}

function here(names) {
  const slot = document.getElementById("here");
  const more = names.length - 2;
  const list = names.slice(0, more > 0 ? 1 : 2).join(" and ") + (more > 0 ? ` and ${more + 1} others` : "");
  if (slot) {
    slot.textContent = names.length ? `${list} ${names.length > 1 ? "are" : "is"} here too` : "";
    slot.title = names.join(", ");
  }
  const fresh = names.filter((name) => !others.includes(name));
  if (fresh.length) tell("flow:say", { text: `${fresh.join(", ")} opened this automation too` });
  others = names;
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", open);
