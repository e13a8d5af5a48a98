/** Schemas of the generators. Those that no release of ours handles yet keep whatever they hold. */
import { webhookGeneratorSpec } from "./providers.ts"
import {
  anyJson,
  exactlyOne,
  flag,
  integer,
  list,
  object,
  oneOf,
  openObject,
  type Schema,
  text,
  textMap,
} from "./schema.ts"
import { NAMESPACED_GENERATORS, secretKeySelector } from "./shared.ts"

const password = object("Random passwords.", {
  "length!": integer("Length.", { default: 24 }),
  digits: integer("How many digits; a quarter of the length when absent."),
  symbols: integer("How many symbols; a quarter of the length when absent."),
  symbolCharacters: text("Which symbols to choose from."),
  "noUpper!": flag("Whether upper-case letters are left out.", { default: false }),
  "allowRepeat!": flag("Whether a character may occur twice.", { default: false }),
  secretKeys: list("Keys that each receive a password of their own.", { type: "string" }, { minItems: 1 }),
  encoding: oneOf("How the result is encoded.", ["base64", "base64url", "base32", "hex", "raw"], {
    default: "raw",
  }),
})

const sshKey = object("An SSH key pair.", {
  keyType: oneOf("Algorithm.", ["rsa", "ecdsa", "ed25519"], { default: "rsa" }),
  keySize: integer("Size in bits.", { minimum: 256, maximum: 8192 }),
  comment: text("Comment of the public key."),
})

const mfa = object("One-time codes.", {
  "secret!": secretKeySelector("The shared secret."),
  length: integer("Digits of a code."),
  timePeriod: integer("Seconds that a code is valid."),
  algorithm: text("Hash function."),
  when: text("Moment to make the code for; now when absent.", { format: "date-time" }),
})

const githubAccessToken = object("Installation tokens of a GitHub App.", {
  url: text("Address of the API."),
  "appID!": text("The App."),
  "installID!": text("The installation."),
  repositories: list("Repositories that the token is limited to.", { type: "string" }),
  permissions: textMap("Permissions that the token is limited to."),
  "auth!": object("How to log in.", {
    "privateKey!": object("Private key of the App.", {
      "secretRef!": secretKeySelector("Secret that holds it."),
    }),
  }),
})

const KNOWN_SPECS: Readonly<Partial<Record<(typeof NAMESPACED_GENERATORS)[number], Schema>>> = {
  Password: password,
  UUID: openObject("A random UUID; there is nothing to configure."),
  SSHKey: sshKey,
  Fake: object("Fixed values, for tests.", {
    controller: text("Controller class that handles this generator."),
    data: textMap("The values."),
  }),
  Webhook: webhookGeneratorSpec,
  MFA: mfa,
  GithubAccessToken: githubAccessToken,
}

/** The schema of `spec` for each namespaced generator. */
export const GENERATOR_SPECS: ReadonlyMap<string, Schema> = new Map(
  NAMESPACED_GENERATORS.map((kind) => [
    kind,
    KNOWN_SPECS[kind] ?? openObject("A generator that Coffer does not handle yet: left untouched."),
  ]),
)

const SPEC_FIELDS: Readonly<Record<string, string>> = {
  ACRAccessToken: "acrAccessTokenSpec",
  ECRAuthorizationToken: "ecrAuthorizationTokenSpec",
  GCRAccessToken: "gcrAccessTokenSpec",
  SSHKey: "sshKeySpec",
  STSSessionToken: "stsSessionTokenSpec",
  UUID: "uuidSpec",
  MFA: "mfaSpec",
}

const specField = (kind: string): string =>
  SPEC_FIELDS[kind] ?? `${kind.charAt(0).toLowerCase()}${kind.slice(1)}Spec`

export const clusterGeneratorSpec: Schema = object("A generator that every namespace may use.", {
  "kind!": oneOf("Kind of the generator.", NAMESPACED_GENERATORS),
  "generator!": object(
    "Its settings; exactly one.",
    Object.fromEntries([...GENERATOR_SPECS].map(([kind, schema]) => [specField(kind), schema])),
    exactlyOne,
  ),
})

export const generatorStateSpec: Schema = object("What a generator must remember to clean up.", {
  garbageCollectionDeadline: text("When the state may be removed.", { format: "date-time" }),
  "resource!": anyJson("The generator."),
  "state!": anyJson("Its state."),
})

export const generatorStateStatus: Schema = object("What the operator did.", {
  conditions: list(
    "What is known about this object now.",
    object("One condition.", {
      "type!": text("What the condition is about."),
      "status!": text("True, False or Unknown."),
      reason: text("Short machine-readable reason."),
      message: text("The same for people."),
      lastTransitionTime: text("When the status last changed.", { format: "date-time" }),
    }),
  ),
})
