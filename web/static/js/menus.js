// Puts a menu (popover) beside the button that opened it, inside the window; arrow keys walk in it.
const GAP = 4;

function place(menu) {
  const button = document.querySelector(`[popovertarget="${menu.id}"]`);
  if (!button) return;
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const below = bottom + GAP + menu.offsetHeight <= innerHeight;
  const wanted = left + menu.offsetWidth <= innerWidth ? left : right - menu.offsetWidth;
  menu.style.left = `${Math.max(GAP, wanted)}px`;
  menu.style.top = `${Math.max(GAP, below ? bottom + GAP : top - GAP - menu.offsetHeight)}px`;
}

// “toggle” comes a moment too late, when the menu was seen in the corner already.
document.addEventListener(
  "beforetoggle",
  ({ target: menu, newState }) => {
    if (newState === "open" && menu.matches?.(".menu[popover]")) {
      requestAnimationFrame(() => place(menu));
    }
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const menu = step && event.target.closest?.(".menu[popover]:popover-open");
  const opener = step && event.target.closest?.("[popovertarget]");
  const open = menu ?? opener?.popoverTargetElement;
  if (!open?.matches?.(".menu:popover-open")) return;
  const items = [...open.querySelectorAll("a[href], button:not(:disabled)")];
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
  event.preventDefault();
});
