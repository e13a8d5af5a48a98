/** Script and style of the pages that ask a browser for a passkey: ours, small, and all that they load. */

/** Writes only text into the page, and follows no link by itself. */
const script = `const main = document.querySelector("main[data-errand]")
const byId = (id) => document.getElementById(id)
const message = byId("message")
const button = byId("go")

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0))
const textOf = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=+$/, "")
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytesOf(one.id) }))

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => undefined)
  if (answer === undefined) throw new Error("The server cannot be reached. Try again.")
  const said = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(said.message ?? "The server could not do this. Try again.")
  return said
}

function presented(credential, response) {
  const { id, type } = credential
  return { id, rawId: id, type, clientExtensionResults: {}, response }
}

async function assertion(options) {
  const publicKey = {
    ...options,
    challenge: bytesOf(options.challenge),
    allowCredentials: named(options.allowCredentials),
  }
  const credential = await navigator.credentials.get({ publicKey })
  const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response
  return presented(credential, {
    clientDataJSON: textOf(clientDataJSON),
    authenticatorData: textOf(authenticatorData),
    signature: textOf(signature),
    userHandle: userHandle === null ? null : textOf(userHandle),
  })
}

async function creation(options) {
  const publicKey = {
    ...options,
    challenge: bytesOf(options.challenge),
    user: { ...options.user, id: bytesOf(options.user.id) },
    excludeCredentials: named(options.excludeCredentials),
  }
  const credential = await navigator.credentials.create({ publicKey })
  const { response } = credential
  return presented(credential, {
    clientDataJSON: textOf(response.clientDataJSON),
    attestationObject: textOf(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  })
}

function fill(name, text) {
  for (const place of document.querySelectorAll("[data-fill=" + name + "]")) place.textContent = text
}

function finish(href) {
  byId("continue").href = href
  byId("first").hidden = true
  byId("then").hidden = false
  byId("last").focus()
}

const sent = new URLSearchParams(location.search)
let addition

const errands = {
  login: {
    begin: async () => {},
    run: async () => {
      const { options, challengeToken } = await ask("options", {})
      const response = await assertion(options)
      const command = Object.fromEntries(["port", "state", "challenge"].map((name) => [name, sent.get(name)]))
      const { email, commandUrl } = await ask("command-code", { challengeToken, response, command })
      fill("email", email)
      finish(commandUrl)
    },
  },
  add: {
    begin: async () => {
      addition = await ask("add-options", { ticket: sent.get("ticket") })
      fill("email", addition.email)
      byId("for").hidden = false
    },
    run: async () => {
      const code = textOf(new TextEncoder().encode(JSON.stringify(await creation(addition.options))))
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(code)))
      const check = Array.from(digest.slice(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join("")
      fill("check", check.slice(0, 4) + "-" + check.slice(4))
      const address = new URL(main.dataset.return)
      address.searchParams.set("code", code)
      finish(address.href)
    },
  },
}

const words = {
  NotAllowedError: main?.dataset.refused,
  InvalidStateError: "This device has a passkey for this account already. Use another device, or cancel.",
  SecurityError: "The browser has no passkeys for the address of this page.",
  NotSupportedError: "This device cannot make a passkey that this server takes. Use another device.",
}

/** Whether it was done; what went wrong is said. */
async function isDone(work) {
  message.textContent = ""
  button.disabled = true
  try {
    await work()
    return true
  } catch (error) {
    message.textContent = words[error.name] ?? error.message
    return false
  }
}

async function start() {
  const site = new URL(main.dataset.site)
  if (site.origin !== location.origin) {
    message.textContent =
      "Passkeys of this server work at " + site.origin + " only, and this page was opened at " + location.origin + "."
    site.search = location.search
    byId("elsewhere").firstChild.href = site.href
    byId("elsewhere").hidden = false
    return
  }
  if (window.PublicKeyCredential === undefined) {
    message.textContent = "This browser has no passkeys. Open this page in another one: copy its address."
    return
  }
  const errand = errands[main.dataset.errand]
  button.addEventListener("click", async () => {
    await isDone(errand.run)
    button.disabled = false
  })
  button.disabled = !(await isDone(errand.begin))
}

if (main !== null) start()
`

const style = `:root {
  color-scheme: light dark;
  --ink: light-dark(#1c2127, #e8ebef);
  --soft: light-dark(#5a6472, #a3adba);
  --paper: light-dark(#f4f5f7, #14171b);
  --card: light-dark(#ffffff, #1d2126);
  --line: light-dark(#d8dce2, #343a42);
  --deed: light-dark(#1d4ed8, #93b4ff);
  --on-deed: light-dark(#ffffff, #10204a);
  --alarm: light-dark(#a61b1b, #ffb4ab);
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto;
  max-width: 34rem;
  padding: 10vh 1.25rem 2rem;
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif;
}
.brand { margin: 0 0 0.75rem; color: var(--soft); font-weight: 600; letter-spacing: 0.02em; }
main { padding: 1.5rem 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; }
h1, h2 { margin: 0 0 0.75rem; font-size: 1.35rem; line-height: 1.3; outline: none; }
#then h2 { font-size: 1.15rem; }
p { margin: 0 0 1rem; }
strong { overflow-wrap: anywhere; }
code { padding: 0.1em 0.35em; background: var(--paper); border-radius: 0.25rem; font: 0.95em ui-monospace, monospace; white-space: nowrap; }
.check { display: inline-block; padding: 0.3em 0.6em; font-size: 1.5rem; letter-spacing: 0.08em; }
button, .button {
  display: inline-block;
  padding: 0.65rem 1.25rem;
  border: 0;
  border-radius: 0.5rem;
  background: var(--deed);
  color: var(--on-deed);
  font: inherit;
  font-weight: 600;
  text-decoration: none;
  cursor: pointer;
}
button:disabled { opacity: 0.45; cursor: default; }
a { color: var(--deed); }
.button { color: var(--on-deed); }
:focus-visible { outline: 3px solid var(--deed); outline-offset: 3px; }
#message { color: var(--alarm); }
#message:empty { display: none; }
.aside { margin: 0; padding-top: 0.75rem; border-top: 1px solid var(--line); font-size: 0.9rem; }
`

type PageFile = { readonly contentType: string; readonly content: string }

const files: Readonly<Record<string, PageFile>> = {
  "page.js": { contentType: "text/javascript; charset=utf-8", content: script },
  "page.css": { contentType: "text/css; charset=utf-8", content: style },
}

/** `undefined` for any other name. */
export function passkeyPageFile(name: string): PageFile | undefined {
  return Object.hasOwn(files, name) ? files[name] : undefined
}
