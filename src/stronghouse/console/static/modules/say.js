// Tells what happened to those who do not see it.
export function say(text) {
  const region = document.getElementById("said");
  if (region) region.textContent = text;
}
