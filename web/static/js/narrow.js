// On a narrow screen an automation opens as an outline, unless the canvas was asked for.
const NARROW = "(max-width: 639px)";
const asked = new URL(location.href);

if (matchMedia(NARROW).matches && !["view", "mode", "compare", "revision"].some((one) => asked.searchParams.has(one))) {
  asked.searchParams.set("view", "outline");
  location.replace(asked);
}
