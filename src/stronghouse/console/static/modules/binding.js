// Proves that forms come from a page of this origin: a secret in storage that belongs to this origin, port and all,
// which whoever answers on another port of this host is not sent, as it is sent the cookie.
const NAME = "stronghouse.binding";
const BEFORE = "stronghouse.binding.before"; // of the session that there was, until another has begun
const RENEW_SECONDS = 25;

function newSecret() {
  const present = localStorage.getItem(NAME);
  if (present && !localStorage.getItem(BEFORE)) localStorage.setItem(BEFORE, present);
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  localStorage.setItem(NAME, value);
  return value;
}

export function secret() {
  return localStorage.getItem(NAME) ?? newSecret();
}

// A page that asks to sign in follows an attempt that failed: the session that there was goes on.
function takeBack() {
  const before = localStorage.getItem(BEFORE);
  if (before) localStorage.setItem(NAME, before);
  localStorage.removeItem(BEFORE);
}

export async function renew() {
  const body = new URLSearchParams({ binding: secret() });
  // It outlives the page: a cookie that was renewed and did not arrive would end the session.
  const answer = await fetch("/session/renew", { method: "POST", body, redirect: "manual", keepalive: true });
  if (answer.status === 204) localStorage.removeItem(BEFORE);
  return answer.status === 204;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  let field = form.elements.namedItem("binding");
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = "binding";
    form.prepend(field); // first, so that a form with files shows it before the files are read
  }
  field.value = form.hasAttribute("data-new-binding") ? newSecret() : secret(); // one for each session
});

let worked = true; // until it is refused; that there is no answer may pass

async function keepFresh() {
  if (worked && document.visibilityState === "visible") worked = await renew().catch(() => true);
}

if (document.querySelector("form[data-new-binding]")) takeBack();
if (document.body.hasAttribute("data-session")) {
  keepFresh();
  setInterval(keepFresh, RENEW_SECONDS * 1000);
  document.addEventListener("visibilitychange", keepFresh);
}

// The page that is shown in place of another until the cookie is renewed.
if (document.body.hasAttribute("data-renewal")) {
  const renewed = await renew().catch(() => false);
  if (renewed) location.reload();
  else location.assign("/sign-in");
}
