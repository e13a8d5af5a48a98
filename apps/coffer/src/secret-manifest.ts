/** A Kubernetes Secret as text, ready for `kubectl apply -f -`. */
import { stringify } from "yaml"
import { CommandError } from "./command-error.ts"

export type SecretName = { readonly name: string; readonly namespace: string | undefined }

export function renderSecretManifest(
  target: SecretName,
  stringData: Readonly<Record<string, string>>,
): string {
  return stringify({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: target.name,
      ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
    },
    type: "Opaque",
    stringData,
  }).trimEnd()
}

/** `name` or `name/namespace`, both as Kubernetes allows them. @throws CommandError "invalid" naming `flag` */
export function parseSecretName(flag: string, text: string): SecretName {
  const [name = "", namespace, ...rest] = text.split("/")
  const isValid =
    rest.length === 0 && isDnsName(name, 253) && (namespace === undefined || isDnsName(namespace, 63))
  if (!isValid) {
    throw new CommandError(
      "invalid",
      `${flag}: expected name/namespace, such as infisical-credentials/external-secrets`,
    )
  }
  return { name, namespace }
}

function isDnsName(text: string, maxLength: number): boolean {
  return text.length <= maxLength && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)
}
