/** The pages that a browser sees after a login. They load nothing, run nothing, and repeat nothing of the request. */

import { escapeHtml } from "../../http/index.ts"

/** @param of plain text */
export function page(of: { readonly title: string; readonly text: string; readonly link?: string }): string {
  const link = of.link === undefined ? "" : `\n<p><a href="${escapeHtml(of.link)}">Continue</a></p>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(of.title)} - Coffer</title>
</head>
<body>
<main>
<h1>${escapeHtml(of.title)}</h1>
<p>${escapeHtml(of.text)}</p>${link}
</main>
</body>
</html>
`
}
