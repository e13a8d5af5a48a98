/** The pages that ask a browser for a passkey. Their words stand here, what they do stands in page-files.ts. */
import { escapeHtml } from "../../http/index.ts"

/** A script, a style and requests of this server; no other host, nothing written into the page, in no frame. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ")

type Waiting = {
  /** Of this page, at the address that passkeys are bound to. */
  readonly url: string
  /** Tells the command that nothing comes. */
  readonly cancelUrl: string
}

/** @param of `check`: what the terminal shows too */
export function loginPage(of: Waiting & { readonly check: string }): string {
  const lead = `<p>A command on this computer waits to be logged in. Go on only if you started it yourself, and it shows <code>${escapeHtml(of.check)}</code>.</p>`
  return document({
    ...of,
    title: "Log in with a passkey",
    lead,
    button: "Use a passkey",
    errand: "login",
    refused:
      "No passkey came: it was cancelled, it took too long, or this device has none for this server. You can try again.",
    last: `<h2 id="last" tabindex="-1">Log in at the command line?</h2>
<p>The command would be logged in as <strong data-fill="email"></strong>. Continue only if it shows <code>${escapeHtml(of.check)}</code>.</p>`,
  })
}

/** @param of `returnUrl`: where the command takes what the browser made */
export function addPage(of: Waiting & { readonly returnUrl: string }): string {
  return document({
    ...of,
    title: "Add a passkey",
    lead: `<p id="for" hidden>The passkey will log in as <strong data-fill="email"></strong>. Go on only if that is you, and you have just run <code>coffer account passkeys add</code> yourself.</p>`,
    button: "Make a passkey",
    errand: "add",
    refused:
      "No passkey was made: it was cancelled, it took too long, or this device did not know you. You can try again.",
    last: `<h2 id="last" tabindex="-1">One more step</h2>
<p>Your device has made a passkey for <strong data-fill="email"></strong>. It counts once you have continued, and typed this at the terminal:</p>
<p><code class="check" data-fill="check"></code></p>`,
  })
}

function document(
  of: Waiting & {
    readonly title: string
    readonly lead: string
    readonly button: string
    readonly errand: "login" | "add"
    /** Browsers tell a page that nothing came, and never why. */
    readonly refused: string
    readonly last: string
    readonly returnUrl?: string
  },
): string {
  const returnTo = of.returnUrl === undefined ? "" : ` data-return="${escapeHtml(of.returnUrl)}"`
  return page(
    of.title,
    `<main data-errand="${of.errand}" data-refused="${escapeHtml(of.refused)}" data-site="${escapeHtml(of.url)}"${returnTo}>
<h1>${escapeHtml(of.title)}</h1>
<div id="first">
${of.lead}
<p><button id="go" type="button" disabled>${escapeHtml(of.button)}</button></p>
</div>
<p id="message" role="alert"></p>
<p id="elsewhere" hidden><a>Open this page at its right address</a></p>
<noscript><p>This page needs JavaScript to ask your browser for a passkey. Its script comes from this server alone.</p></noscript>
<div id="then" hidden>
${of.last}
<p><a id="continue" class="button">Continue</a></p>
</div>
<p class="aside"><a href="${escapeHtml(of.cancelUrl)}">Cancel, and tell the command</a></p>
</main>`,
  )
}

/** What is shown where no passkey can be asked for. */
export function refusalPage(text: string): string {
  return page("No passkeys here", `<main>\n<h1>No passkeys here</h1>\n<p>${escapeHtml(text)}</p>\n</main>`)
}

function page(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} - Coffer</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="files/page.css">
<script type="module" src="files/page.js"></script>
</head>
<body>
<p class="brand">Coffer</p>
${main}
</body>
</html>
`
}
