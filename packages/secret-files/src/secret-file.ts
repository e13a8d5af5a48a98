/** One secret of a file. */
export type FileEntry = {
  /** The folder inside the file: "/" or "/a/b". */
  readonly path: string
  readonly key: string
  readonly value: string
  readonly comment?: string | undefined
}

/** What is wrong with a file. The message names keys and lines, never a value. */
export class SecretFileError extends Error {
  override readonly name = "SecretFileError"
}

/** The path of a folder below another one. */
export function below(path: string, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`
}
