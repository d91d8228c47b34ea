// Proposes the browser's own time zone, where nothing was chosen yet.
const select = document.querySelector("select[data-guess-zone]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (select && [...select.options].some((one) => one.value === zone)) select.value = zone;
