// Opens and closes the page's own <dialog>s: data-opens="id" on a button, data-closes inside.
// One that an answer puts into #dialog opens by itself, and goes when it is closed.
document.addEventListener("click", ({ target }) => {
  const opener = target.closest?.("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  const closer = target.closest?.("[data-closes]");
  if (closer) closer.closest("dialog")?.close();
  target.closest?.("[data-dismisses]")?.closest(".notice")?.remove();
});

const place = document.getElementById("dialog");
let opener = null; // has the focus again when the dialog is gone

if (place) {
  new MutationObserver(() => {
    const dialog = place.querySelector("dialog");
    if (dialog && !dialog.open) {
      if (document.activeElement !== document.body) opener ??= document.activeElement;
      dialog.addEventListener("close", () => dialog.remove());
      dialog.showModal();
    } else if (!dialog && opener) {
      const back = opener.isConnected ? opener : opener.id && document.getElementById(opener.id);
      if (document.activeElement === document.body) back?.focus?.({ preventScroll: true });
      opener = null;
    }
  }).observe(place, { childList: true });
}
