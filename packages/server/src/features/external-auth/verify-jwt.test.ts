import { createLocalJWKSet, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose"
import { beforeAll, describe, expect, it } from "vitest"
import { OutboundError } from "../../outbound/index.ts"
import { LoginRefusal } from "./login-refusal.ts"
import { verifyWithKeySet, verifyWithPublicKeys } from "./verify-jwt.ts"

const now = Date.UTC(2026, 0, 1)
const nowSeconds = now / 1_000

type Pair = Awaited<ReturnType<typeof generateKeyPair>>
const pairs: Pair[] = []
const pems: string[] = []

beforeAll(async () => {
  for (let index = 0; index < 12; index += 1) {
    const pair = await generateKeyPair("ES256", { extractable: true })
    pairs.push(pair)
    pems.push(await exportSPKI(pair.publicKey))
  }
})

function signed(claims: JWTPayload, by = 0, header: object = {}): Promise<string> {
  const key = pairs[by]?.privateKey
  if (key === undefined) throw new Error("no such key")
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", ...header }).sign(key)
}

/** Why it is refused, and as what; the subject when it is not. */
async function outcome(verification: Promise<JWTPayload>): Promise<string | undefined> {
  try {
    return (await verification).sub
  } catch (error) {
    if (error instanceof LoginRefusal) return `${error.reasonCode} ${error.error.kind}`
    throw error
  }
}

const alive = { sub: "me", exp: nowSeconds + 60 }

describe("a JWT under public keys", () => {
  it.for([
    { says: "whose time has come and not passed", claims: alive, is: "me" },
    { says: "that ended within the tolerance", claims: { ...alive, exp: nowSeconds - 4 }, is: "me" },
    {
      says: "that ended before",
      claims: { ...alive, exp: nowSeconds - 5 },
      is: "token-expired unauthenticated",
    },
    { says: "that begins within the tolerance", claims: { ...alive, nbf: nowSeconds + 5 }, is: "me" },
    {
      says: "that begins later",
      claims: { ...alive, nbf: nowSeconds + 6 },
      is: "claim-invalid unauthenticated",
    },
    { says: "without an end", claims: { sub: "me" }, is: "claim-invalid unauthenticated" },
  ])("$says: $is", async ({ claims, is }) => {
    expect(await outcome(verifyWithPublicKeys(pems, await signed(claims), now))).toBe(is)
  })

  it("any of the keys may have signed it, and no other", async () => {
    expect(await outcome(verifyWithPublicKeys(pems.slice(0, 3), await signed(alive, 2), now))).toBe("me")
    expect(await outcome(verifyWithPublicKeys(pems.slice(0, 3), await signed(alive, 3), now))).toBe(
      "invalid-signature unauthenticated",
    )
    expect(await outcome(verifyWithPublicKeys([], await signed(alive), now))).toBe(
      "invalid-signature unauthenticated",
    )
  })

  it("that its time has passed says more than that another key did not sign it", async () => {
    const late = await signed({ ...alive, exp: nowSeconds - 60 }, 1)
    for (const keys of [pems.slice(0, 2), pems.slice(0, 2).toReversed()]) {
      expect(await outcome(verifyWithPublicKeys(keys, late, now))).toBe("token-expired unauthenticated")
    }
  })

  it.for([
    ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
  ])("%s is a signature by a private key, and counts, under a key in PEM and in a key set", async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const jwt = await new SignJWT(alive).setProtectedHeader({ alg }).sign(privateKey)
    expect(await outcome(verifyWithPublicKeys([await exportSPKI(publicKey)], jwt, now))).toBe("me")
    const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg }] })
    expect(await outcome(verifyWithKeySet(keys, jwt, now))).toBe("me")
  })

  it("nothing but an asymmetric signature counts, and what is no JWT is told apart", async () => {
    const [header = "", payload = "", signature = ""] = (await signed(alive)).split(".")
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
    const shared = await new SignJWT(alive)
      .setProtectedHeader({ alg: "HS256" })
      .sign(Buffer.from(pems[0] ?? ""))
    for (const jwt of [
      `${encoded({ alg: "none" })}.${payload}.`,
      shared,
      `${encoded({})}.${payload}.${signature}`,
      `${encoded({ alg: 7 })}.${payload}.${signature}`,
      `${encoded(null)}.${payload}.${signature}`,
      `${header}`,
      "",
      "no.jwt.atall",
    ]) {
      expect(await outcome(verifyWithPublicKeys(pems, jwt, now)), jwt).toBe("token-malformed unauthenticated")
    }
    const other = encoded({ ...alive, sub: "you" })
    expect(await outcome(verifyWithPublicKeys(pems, `${header}.${other}.${signature}`, now))).toBe(
      "invalid-signature unauthenticated",
    )
  })
})

describe("a JWT under a key set", () => {
  const keySet = async (count: number, named = false) =>
    createLocalJWKSet({
      keys: await Promise.all(
        pairs.slice(0, count).map(async ({ publicKey }, index) => ({
          ...(await exportJWK(publicKey)),
          alg: "ES256",
          ...(named ? { kid: `k${index}` } : {}),
        })),
      ),
    })

  it("is judged by the key that it names", async () => {
    const keys = await keySet(3, true)
    expect(await outcome(verifyWithKeySet(keys, await signed(alive, 1, { kid: "k1" }), now))).toBe("me")
    for (const kid of ["k0", "k9"]) {
      expect(await outcome(verifyWithKeySet(keys, await signed(alive, 1, { kid }), now))).toBe(
        "invalid-signature unauthenticated",
      )
    }
  })

  it("is tried with each key where keys have no names, with ten at most", async () => {
    const keys = await keySet(12)
    expect(await outcome(verifyWithKeySet(keys, await signed(alive, 9), now))).toBe("me")
    expect(await outcome(verifyWithKeySet(keys, await signed(alive, 10), now))).toBe(
      "invalid-signature unauthenticated",
    )
  })

  it("needs an end, and that its time has not passed, whichever key it is", async () => {
    for (const keys of [await keySet(1), await keySet(3)]) {
      expect(await outcome(verifyWithKeySet(keys, await signed({ sub: "me" }), now))).toBe(
        "claim-invalid unauthenticated",
      )
      const late = await signed({ ...alive, exp: nowSeconds - 5 })
      expect(await outcome(verifyWithKeySet(keys, late, now))).toBe("token-expired unauthenticated")
    }
  })

  it("a shared secret signs nothing, whatever is taken for the key", async () => {
    const secretBytes = Buffer.from("0123456789abcdef0123456789abcdef")
    const jwt = await new SignJWT(alive).setProtectedHeader({ alg: "HS256" }).sign(secretBytes)
    expect(await outcome(verifyWithKeySet(async () => secretBytes, jwt, now))).toBe(
      "invalid-signature unauthenticated",
    )
  })

  it("keys that cannot be fetched are no fault of the token", async () => {
    const away = async () => {
      throw new OutboundError("unreachable", "issuer.test is away")
    }
    expect(await outcome(verifyWithKeySet(away, await signed(alive), now))).toBe(
      "provider-unavailable unavailable",
    )
  })
})
