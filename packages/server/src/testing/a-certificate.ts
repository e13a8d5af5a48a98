/** A certificate for a receiver on loopback, signed by itself. */
// The library of certificates needs it to be there before.
import "reflect-metadata"
import { KeyObject, webcrypto } from "node:crypto"
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const dayMs = 86_400_000

/** Key and certificate as PEM. It is judged by the real clock, as every certificate is. */
export async function aCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=syslog.test",
      notBefore: new Date(Date.now() - dayMs),
      notAfter: new Date(Date.now() + dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
    },
    webcrypto,
  )
  const key = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" })
  return { key: String(key), cert: certificate.toString("pem") }
}
