// A step that was just added is quiet about what it lacks, until its form was shown and left.
const panel = document.getElementById("panel");
const kept = `left-${document.getElementById("canvas").dataset.automation}`;
const left = new Set(JSON.parse(sessionStorage.getItem(kept) ?? "[]"));
let shown = "";

function speakUp(step) {
  const card = document.getElementById(`step-${step}`);
  const problem = card?.querySelector(".problem.fresh");
  if (!problem) return;
  card.dataset.problem = problem.dataset.severity;
  const [quiet, plain] = problem.querySelectorAll(".word");
  quiet.hidden = true;
  plain.hidden = false;
}

for (const step of left) speakUp(step);

new MutationObserver(() => {
  const now = panel.querySelector("#settings")?.dataset.step ?? "";
  if (now === shown) return;
  if (shown) {
    left.add(shown);
    sessionStorage.setItem(kept, JSON.stringify([...left]));
    speakUp(shown);
  }
  shown = now;
}).observe(panel, { childList: true, subtree: true });
