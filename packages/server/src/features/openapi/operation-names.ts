/** How operations are called, from their method and Fastify's pattern of the path. */

const parameter = /:([A-Za-z]+)/g

/** `/api/v1/folders/:folderId` -> `/api/v1/folders/{folderId}` */
export function templateOf(url: string): string {
  return url.replace(parameter, "{$1}")
}

/** The names of the path's parameters, in their order. */
export function parametersOf(url: string): readonly string[] {
  return [...url.matchAll(parameter)].map((match) => match[1] ?? "")
}

/** `GET /api/v1/folders/:folderId` -> `getV1FoldersByFolderId`: unique because method and pattern are. */
export function operationIdOf(method: string, url: string): string {
  const words = segmentsOf(url).map((segment) =>
    segment.startsWith(":") ? `By${pascalCase(segment.slice(1))}` : pascalCase(segment),
  )
  return `${method.toLowerCase()}${words.join("")}`
}

function segmentsOf(url: string): readonly string[] {
  return url.split("/").filter((segment) => segment !== "" && segment !== "api")
}

function pascalCase(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("")
}
