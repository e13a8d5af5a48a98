import { argon2 } from "node:crypto"
import { promisify } from "node:util"
import type { Random } from "../../random.ts"

/** argon2id with 19 MiB, two passes: the minimum that OWASP advises. The parameters travel with the hash. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const
const saltLength = 16
const derive = promisify(argon2)

/** `$argon2id$v=19$m=…,t=…,p=…$salt$tag`. Slow on purpose: never inside a transaction. */
export async function hashPassword(password: string, random: Random): Promise<string> {
  const nonce = random.bytes(saltLength)
  const tag = await derive("argon2id", { ...parameters, message: password, nonce })
  const { memory, passes, parallelism } = parameters
  const encoded = [nonce, tag].map((bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, ""))
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${encoded.join("$")}`
}
