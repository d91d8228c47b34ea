// Light, dark or as the system says: kept in a cookie, so that pages arrive in the right colours.
const YEAR_S = 31_536_000;

document.addEventListener("change", ({ target }) => {
  if (!target.matches?.("select[data-theme-switch]")) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${target.value}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
  if (target.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = target.value;
});
