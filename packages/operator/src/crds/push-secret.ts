/** Schemas of PushSecret and ClusterPushSecret. */
import { anyJson, exactlyOne, list, mapOf, object, oneOf, type Schema, text, textMap } from "./schema.ts"
import { conditions, duration, generatorRef, labelSelector, objectName, refreshTime } from "./shared.ts"
import { template } from "./template.ts"

const storeRef = object("A store to push to.", {
  name: objectName("Name of the store."),
  labelSelector: labelSelector("Stores by label."),
  kind: oneOf("Kind of the store.", ["SecretStore", "ClusterSecretStore"], { default: "SecretStore" }),
})

const conversionStrategy = oneOf(
  "How keys are turned back into the provider's names.",
  ["None", "ReverseUnicode"],
  {
    default: "None",
  },
)

const pushedEntry: Schema = object("One value.", {
  "match!": object("Which value goes where.", {
    secretKey: text("Key in the Secret; the whole Secret when absent."),
    "remoteRef!": object("Where it goes.", {
      "remoteKey!": text("Key at the provider."),
      property: text("Property inside the value."),
    }),
  }),
  metadata: anyJson("Settings of the provider."),
  conversionStrategy,
})

const bulkRewrite = object(
  "One change.",
  {
    regexp: object("Replaces what a regular expression matches.", {
      "source!": text("Expression to look for (RE2)."),
      "target!": text("Replacement."),
    }),
    transform: object("Renders a template for each key.", {
      "template!": text("Template; .value is the key."),
    }),
  },
  {
    "x-kubernetes-validations": [
      {
        rule: "(has(self.regexp) && !has(self.transform)) || (!has(self.regexp) && has(self.transform))",
        message: "exactly one of regexp or transform must be set",
      },
    ],
  },
)

const bulkEntry: Schema = object(
  "Many values at once.",
  {
    storeRef,
    remoteKey: text("One key at the provider that receives all values as JSON."),
    match: object("Which keys.", { regexp: text("Expression that keys must match (RE2).") }),
    rewrite: list("Changes to the keys, applied in order.", bulkRewrite),
    metadata: anyJson("Settings of the provider."),
    conversionStrategy,
  },
  {
    "x-kubernetes-validations": [
      {
        rule: "has(self.storeRef) && (has(self.storeRef.name) || has(self.storeRef.labelSelector))",
        message: "storeRef must have a name or a labelSelector",
      },
      {
        rule: "!has(self.remoteKey) || !has(self.rewrite) || size(self.rewrite) == 0",
        message: "remoteKey and rewrite cannot be used together",
      },
    ],
  },
)

export const pushSecretSpec: Schema = object("Which Secret to push where.", {
  refreshInterval: duration("How often the values are pushed again; 0 means once.", { default: "1h0m0s" }),
  "secretStoreRefs!": list("Stores to push to.", storeRef),
  updatePolicy: oneOf("Whether existing values are replaced.", ["Replace", "IfNotExists"], {
    default: "Replace",
  }),
  deletionPolicy: oneOf("What happens at the provider when this object goes.", ["Delete", "None"], {
    default: "None",
  }),
  "selector!": object(
    "What to push.",
    {
      secret: object("A Secret.", {
        name: objectName("Name of the Secret."),
        selector: labelSelector("Secrets by label."),
      }),
      generatorRef: generatorRef("A generator that makes the values."),
    },
    exactlyOne,
  ),
  data: list("Single values.", pushedEntry),
  dataTo: list("Many values at once.", bulkEntry),
  template,
})

export const pushSecretStatus: Schema = object("What the operator did.", {
  refreshTime,
  syncedResourceVersion: text("Generation and hash of labels and annotations at the last success."),
  syncedPushSecrets: mapOf("What was pushed, by store and remote key.", mapOf("By remote key.", pushedEntry)),
  conditions: conditions(),
})

export const clusterPushSecretSpec: Schema = object("The same PushSecret in many namespaces.", {
  "pushSecretSpec!": pushSecretSpec,
  refreshTime: duration("How often the namespaces are looked at again."),
  pushSecretName: text("Name of the PushSecrets; the name of this object when absent."),
  pushSecretMetadata: object("Metadata of the PushSecrets.", {
    labels: textMap("Labels."),
    annotations: textMap("Annotations."),
  }),
  namespaceSelectors: list("Namespaces by label; one match is enough.", labelSelector("One selector.")),
})

export const clusterPushSecretStatus: Schema = object("What the operator did.", {
  failedNamespaces: list(
    "Namespaces where it failed.",
    object("One namespace.", { "namespace!": text("Its name."), reason: text("Why it failed.") }),
  ),
  provisionedNamespaces: list("Namespaces where it worked.", { type: "string" }),
  pushSecretName: text("Name of the PushSecrets made."),
  conditions: conditions(),
})
