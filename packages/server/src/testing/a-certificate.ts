/** Certificates for servers on loopback: signed by themselves, or by an authority made for the test. */
// The library of certificates needs it to be there before.
import "reflect-metadata"
import { KeyObject, webcrypto } from "node:crypto"
import {
  BasicConstraintsExtension,
  type JsonGeneralNames,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const dayMs = 86_400_000

/** Key and certificate as PEM. */
export type KeyedCertificate = { readonly key: string; readonly cert: string }
export type Authority = {
  readonly name: string
  readonly cert: string
  readonly keys: webcrypto.CryptoKeyPair
}

/** For 127.0.0.1, signed by itself. */
export async function aCertificate(): Promise<KeyedCertificate> {
  const keys = await newKeys()
  const extensions = [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])]
  return { key: pemOf(keys), cert: await signBySelf("CN=syslog.test", keys, extensions) }
}

/** Whose certificates verify against `cert`. */
export async function anAuthority(who: string): Promise<Authority> {
  const [name, keys] = [`CN=${who} authority`, await newKeys()]
  return { name, keys, cert: await signBySelf(name, keys, [new BasicConstraintsExtension(true)]) }
}

/** @param names where the server may be */
export async function aCertificateOf(
  authority: Authority,
  names: JsonGeneralNames,
): Promise<KeyedCertificate> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.create(
    {
      subject: "CN=database",
      issuer: authority.name,
      publicKey: keys.publicKey,
      signingKey: authority.keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [new SubjectAlternativeNameExtension(names)],
      ...validity(),
    },
    webcrypto,
  )
  return { key: pemOf(keys), cert: certificate.toString("pem") }
}

async function signBySelf(
  name: string,
  keys: webcrypto.CryptoKeyPair,
  extensions: readonly (SubjectAlternativeNameExtension | BasicConstraintsExtension)[],
): Promise<string> {
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name, keys, signingAlgorithm: algorithm, extensions: [...extensions], ...validity() },
    webcrypto,
  )
  return certificate.toString("pem")
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
}

/** Judged by the real clock, as every certificate is. */
function validity() {
  return { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) }
}

function pemOf({ privateKey }: webcrypto.CryptoKeyPair): string {
  return String(KeyObject.from(privateKey).export({ type: "pkcs8", format: "pem" }))
}
