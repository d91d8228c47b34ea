// Opens and closes the page's own <dialog>s: data-opens="id" on a button, data-closes inside.
document.addEventListener("click", ({ target }) => {
  const opener = target.closest?.("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  const closer = target.closest?.("[data-closes]");
  if (closer) closer.closest("dialog")?.close();
});
