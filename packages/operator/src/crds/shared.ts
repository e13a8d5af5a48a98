/** Building blocks that several kinds share: names, selectors, references, conditions. */
import { list, object, oneOf, type Schema, text, textMap } from "./schema.ts"

const SUBDOMAIN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
const LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

export const objectName = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 253, pattern: SUBDOMAIN })
export const namespaceName = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 63, pattern: LABEL })
export const dataKey = (description: string): Schema =>
  text(description, { minLength: 1, maxLength: 253, pattern: "^[-._a-zA-Z0-9]+$" })
export const duration = (description: string, extra: { default?: string } = {}): Schema =>
  text(`${description} A duration such as 30s, 5m or 1h30m.`, extra)

export const secretKeySelector = (description: string): Schema =>
  object(description, {
    name: objectName("Name of the Secret."),
    namespace: namespaceName("Namespace of the Secret; only a cluster-wide store may name another one."),
    key: dataKey("Key inside the Secret."),
  })

export const serviceAccountSelector = (description: string): Schema =>
  object(description, {
    "name!": objectName("Name of the ServiceAccount."),
    namespace: namespaceName(
      "Namespace of the ServiceAccount; only a cluster-wide store may name another one.",
    ),
    audiences: list("Audiences that the requested token is meant for.", { type: "string" }),
  })

export const caBundle: Schema = text(
  "PEM certificates (base64) that the server's certificate is checked against.",
  {
    format: "byte",
  },
)

export const caProvider: Schema = object("Where to read the certificates from, when not given inline.", {
  "type!": oneOf("Kind of object that holds the certificates.", ["Secret", "ConfigMap"]),
  "name!": objectName("Name of the object."),
  key: dataKey("Key inside the object."),
  namespace: namespaceName("Namespace of the object; needed for a cluster-wide store."),
})

export const labelSelector = (description: string): Schema =>
  object(
    description,
    {
      matchExpressions: list(
        "Requirements that must all hold.",
        object("One requirement.", {
          "key!": text("Label key."),
          "operator!": text("In, NotIn, Exists or DoesNotExist."),
          values: list("Values for In and NotIn.", { type: "string" }),
        }),
      ),
      matchLabels: textMap("Labels that must have exactly these values."),
    },
    { "x-kubernetes-map-type": "atomic" },
  )

export const storeRef = (description: string): Schema =>
  object(description, {
    name: objectName("Name of the store."),
    kind: oneOf("Kind of the store; SecretStore when absent.", ["SecretStore", "ClusterSecretStore"]),
  })

export const NAMESPACED_GENERATORS = [
  "ACRAccessToken",
  "BeyondtrustWorkloadCredentialsDynamicSecret",
  "CloudsmithAccessToken",
  "ECRAuthorizationToken",
  "Fake",
  "GCRAccessToken",
  "GithubAccessToken",
  "GitlabDeployToken",
  "QuayAccessToken",
  "Password",
  "SSHKey",
  "STSSessionToken",
  "UUID",
  "VaultDynamicSecret",
  "Webhook",
  "Grafana",
  "MFA",
] as const

export const generatorRef = (description: string): Schema =>
  object(description, {
    apiVersion: text("API version of the generator.", { default: "generators.external-secrets.io/v1alpha1" }),
    "kind!": oneOf("Kind of the generator.", [...NAMESPACED_GENERATORS, "ClusterGenerator"]),
    "name!": objectName("Name of the generator."),
  })

const conditionTime = text("When the status last changed.", { format: "date-time" })

export const conditions = (types?: readonly string[]): Schema =>
  list(
    "What is known about this object now.",
    object("One condition.", {
      "type!": types ? oneOf("What the condition is about.", types) : text("What the condition is about."),
      "status!": text("True, False or Unknown."),
      reason: text("Short machine-readable reason."),
      message: text("The same for people."),
      lastTransitionTime: conditionTime,
    }),
  )

export const refreshTime: Schema = text("When the last successful refresh began.", {
  format: "date-time",
  nullable: true,
})
