/** The text in which a password hash is kept: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, RFC 9106 and the PHC string format. */

/** argon2id with 19 MiB, two passes: the minimum that OWASP advises. The parameters travel with the hash. */
export const currentParameters = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const

export type Argon2Parameters = {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  /** Bytes. */
  readonly tagLength: number
}

export type PasswordHash = {
  readonly parameters: Argon2Parameters
  readonly saltBytes: Uint8Array
  readonly tagBytes: Uint8Array
}

export function formatPasswordHash({ parameters, saltBytes, tagBytes }: PasswordHash): string {
  const { memory, passes, parallelism } = parameters
  const encoded = [saltBytes, tagBytes].map((bytes) =>
    Buffer.from(bytes).toString("base64").replace(/=+$/, ""),
  )
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${encoded.join("$")}`
}

const pattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,128})\$([A-Za-z0-9+/]{22,128})$/

/** `undefined` for a text that is no such hash; the empty text of a user without a password is none. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, memory = "", passes = "", parallelism = "", salt = "", tag = ""] = pattern.exec(text) ?? []
  if (memory === "") return undefined
  const tagBytes = Buffer.from(tag, "base64")
  const numbers = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  return {
    parameters: { ...numbers, tagLength: tagBytes.length },
    saltBytes: Buffer.from(salt, "base64"),
    tagBytes,
  }
}
