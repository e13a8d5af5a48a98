/** A Kubernetes Secret as text, ready for `kubectl apply -f -`. */
import type { Command } from "commander"
import { stringify } from "yaml"
import { CommandError } from "./command-error.ts"

export type ManifestFlags = { readonly k8SecretName: string; readonly k8SecretNamespace?: string }
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

/** The flags of every command that can print a Secret, spelt as in the Infisical CLI. */
export function addManifestOptions(command: Command, defaultName: string): Command {
  return command
    .option("--k8-secret-name <name>", "name of the Secret that --output k8-secret prints", defaultName)
    .option("--k8-secret-namespace <namespace>", "its namespace; where kubectl puts it if left out")
}

/** Both as Kubernetes allows them. @throws CommandError "invalid" that names the flag */
export function readSecretName(flags: ManifestFlags): SecretName {
  const { k8SecretName: name, k8SecretNamespace: namespace } = flags
  if (name.length > 253 || !name.split(".").every(isLabel)) {
    throw new CommandError("invalid", "--k8-secret-name: expected a name such as infisical-credentials")
  }
  if (namespace !== undefined && !isLabel(namespace)) {
    throw new CommandError("invalid", "--k8-secret-namespace: expected a name such as external-secrets")
  }
  return { name, namespace }
}

function isLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)
}
