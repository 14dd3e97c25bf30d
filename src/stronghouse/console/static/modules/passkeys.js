// Passkeys: has the browser answer a challenge of ours, and sends the answer with a form, or as a fresh proof.
import { secret } from "./binding.js";
import { say } from "./say.js";

const able = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);

async function post(address, fields = {}) {
  const body = new URLSearchParams({ binding: secret(), ...fields });
  const answer = await fetch(address, { method: "POST", body, redirect: "manual" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer;
}

// The answer of an authenticator to the challenge at an address: the fields that go back.
async function ceremony(address, makes) {
  const { options, challenge } = await (await post(address)).json();
  const credential = makes
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return { challenge, answer: JSON.stringify(credential.toJSON()) };
}

function tell(element, sentence) {
  element.hidden = false;
  element.textContent = sentence;
  say(sentence);
}

const ENDED = "The browser made no passkey answer. Try again, or use another way.";

// A form whose answer is a passkey's: it is held back until there is one. Before `binding.js` sees it.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.passkey || form.elements.answer.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  try {
    const fields = await ceremony(form.dataset.passkey, form.hasAttribute("data-makes"));
    for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
    form.requestSubmit();
  } catch {
    tell(form.querySelector("[data-passkey-said]"), ENDED);
  }
}, true);

// A fresh proof: once a passkey gave it, the form beside the button needs no other.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-prove]");
  if (!button) return;
  const proof = button.closest("[data-proof]");
  try {
    await post("/account/factors/proof", await ceremony("/account/factors/proof/challenge", false));
    const said = document.createElement("p");
    said.textContent = "Proved with your passkey.";
    proof.replaceChildren(said);
    say(said.textContent);
  } catch {
    tell(proof.querySelector("[data-passkey-said]"), ENDED);
  }
});

if (able) for (const one of document.querySelectorAll("[data-needs-passkeys]")) one.hidden = false;
