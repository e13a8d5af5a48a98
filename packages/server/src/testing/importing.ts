import type { Workbench } from "./workbench.ts"

/** An import as a list shows it. */
export type ShownImport = {
  readonly secretPath: string
  readonly environment: string
  readonly secrets: readonly ImportedItem[]
}
export type ImportedItem = { readonly secretKey: string; readonly secretValue: string }

/** Lets a folder of `prod` import another one. */
export async function importInto(bench: Workbench, path: string, from: string, environment = "prod") {
  const body = { path, import: { environment, path: from } }
  return (await bench.ok("POST", "/v2/secret-imports", body)).secretImport
}

/** `environment:path KEY=value ...` of every import that a list shows. */
export async function importsOf(bench: Workbench, path: string, more = ""): Promise<readonly string[]> {
  const { body } = await bench.list(`&secretPath=${path}${more}`)
  return body.imports.map((one: ShownImport) =>
    [
      `${one.environment}:${one.secretPath}`,
      ...one.secrets.map((s) => `${s.secretKey}=${s.secretValue}`),
    ].join(" "),
  )
}
