/** A project with many secrets, made through the API in batches. */
import { type CofferServer, createProject } from "./coffer-server.ts"

const KEYS_PER_FOLDER = 1_000
const VALUE = "postgres://app:password@db.internal:5432/app"

export type Dataset = {
  readonly slug: string
  readonly projectId: string
  /** Folder paths; each holds {@link keyOf} 0 to 999, or fewer in a small project. */
  readonly folders: readonly string[]
  readonly keysPerFolder: number
}

export const keyOf = (index: number) => `KEY_${String(index).padStart(4, "0")}`

/** Makes a project with `size` secrets in folders of a thousand, in the environment prod. */
export async function createDataset(server: CofferServer, size: number): Promise<Dataset> {
  const slug = `bench-${size}`
  const projectId = await createProject(server, slug)
  const keysPerFolder = Math.min(size, KEYS_PER_FOLDER)
  const folders: string[] = []
  for (let index = 0; index < size / keysPerFolder; index++) {
    const name = `f${index}`
    const place = { projectId, environment: "prod" }
    await server.call("POST", "/api/v2/folders", { ...place, name, path: "/" }, server.adminToken)
    const secrets = Array.from({ length: keysPerFolder }, (_, key) => ({
      secretKey: keyOf(key),
      secretValue: `${VALUE}?${index}-${key}`,
    }))
    const body = { ...place, secretPath: `/${name}`, secrets }
    await server.call("POST", "/api/v4/secrets/batch", body, server.adminToken)
    folders.push(`/${name}`)
  }
  return { slug, projectId, folders, keysPerFolder }
}

/** Places spread over the whole project, the same in every run. */
export function sample(dataset: Dataset, count: number): { readonly folder: string; readonly key: string }[] {
  const total = dataset.folders.length * dataset.keysPerFolder
  return Array.from({ length: count }, (_, index) => {
    const at = Math.floor((index * total) / count)
    const folder = dataset.folders[Math.floor(at / dataset.keysPerFolder)] ?? "/"
    return { folder, key: keyOf((at * 7919) % dataset.keysPerFolder) }
  })
}
