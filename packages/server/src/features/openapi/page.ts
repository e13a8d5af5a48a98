/** The page that shows the API document: three files of a library, a start script of our own, nothing from elsewhere. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

/** Scripts, styles and requests of this origin only. The library sets styles on elements and draws icons from data. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ")

export type PageFile = { readonly contentType: string; readonly content: Uint8Array }

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Coffer API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/files/swagger-ui.css">
</head>
<body>
<main id="document"></main>
<noscript>This page needs JavaScript; the document itself is at docs/json.</noscript>
<script src="docs/files/swagger-ui-bundle.js"></script>
<script src="docs/files/start.js"></script>
</body>
</html>
`

/** Addresses are relative to the page, so that a server below a path prefix works; no validator of another host. */
const startScript = `window.SwaggerUIBundle({
  url: new URL("docs/json", document.baseURI).href,
  dom_id: "#document",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  filter: true,
})
`

const libraryFiles: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}

export function htmlPage(): PageFile {
  return { contentType: "text/html; charset=utf-8", content: Buffer.from(page) }
}

/** A file that the page loads, or `undefined` for any other name. Read anew each time: it is asked for rarely. */
export function pageFile(name: string): PageFile | undefined {
  if (name === "start.js") {
    return { contentType: "text/javascript; charset=utf-8", content: Buffer.from(startScript) }
  }
  const contentType = Object.hasOwn(libraryFiles, name) ? libraryFiles[name] : undefined
  if (contentType === undefined) return undefined
  return { contentType, content: readFileSync(join(libraryFolder(), name)) }
}

function libraryFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"))
}
