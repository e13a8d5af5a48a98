/** Schemas of SecretStore and ClusterSecretStore, which are the same. */
import { provider } from "./providers.ts"
import { integer, list, object, type Schema, text } from "./schema.ts"
import { conditions, labelSelector, namespaceName } from "./shared.ts"

export const secretStoreSpec: Schema = object("Where secrets are and how to reach them.", {
  controller: text("Controller class that handles this store."),
  "provider!": provider,
  retrySettings: object("Retries, for providers that support them.", {
    maxRetries: integer("How often to retry.", { format: "int32" }),
    retryInterval: text("Pause between retries."),
  }),
  refreshInterval: {
    description: "How often the store is checked: seconds as a number, or a duration as text.",
    anyOf: [{ type: "integer" }, { type: "string" }],
    "x-kubernetes-int-or-string": true,
  },
  conditions: list(
    "Which namespaces may use a cluster-wide store; one match is enough.",
    object("One rule.", {
      namespaceSelector: labelSelector("Namespaces by label."),
      namespaces: list("Namespaces by name.", namespaceName("Name of a namespace.")),
      namespaceRegexes: list("Namespaces by regular expression (RE2, not anchored).", { type: "string" }),
    }),
  ),
})

export const secretStoreStatus: Schema = object("What the operator found.", {
  capabilities: text("ReadOnly, WriteOnly or ReadWrite."),
  conditions: conditions(),
})
