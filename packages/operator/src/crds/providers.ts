/** Schemas of the providers that stores may name; those that we don't ship keep whatever they hold. */
import { exactlyOne, flag, integer, list, object, openObject, type Schema, text, textMap } from "./schema.ts"
import {
  caBundle,
  caProvider,
  duration,
  namespaceName,
  secretKeySelector as selector,
  serviceAccountSelector,
} from "./shared.ts"

const FOREIGN_PROVIDERS = [
  ..."akeyless aws azurekv barbican beyondtrust beyondtrustworkloadcredentials bitwardensecretsmanager chef".split(
    " ",
  ),
  ..."cloudrusm conjur crd delinea doppler dvls fortanix gcpsm github gitlab ibm keepersecurity".split(" "),
  ..."nebiusmysterybox ngrok onboardbase onepassword onepasswordSDK openBao oracle ovh passbolt".split(" "),
  ..."passworddepot previder pulumi scaleway secretserver senhasegura vault volcengine".split(" "),
  ..."yandexcertificatemanager yandexlockbox".split(" "),
]

const identityId = selector("Identity to log in as.")

const infisicalAuth: Schema = object("How to log in. The first method that is set is used.", {
  universalAuthCredentials: object("Client id and client secret of a machine identity.", {
    "clientId!": selector("Client id."),
    "clientSecret!": selector("Client secret."),
  }),
  azureAuthCredentials: object("Azure identity of the pod.", {
    "identityId!": identityId,
    resource: selector("Resource that the token is asked for."),
  }),
  gcpIdTokenAuthCredentials: object("Google identity of the pod.", { "identityId!": identityId }),
  gcpIamAuthCredentials: object("Google service account key.", {
    "identityId!": identityId,
    "serviceAccountKeyFilePath!": selector("Path of the key file inside the operator's pod."),
  }),
  jwtAuthCredentials: object("A signed JWT.", { "identityId!": identityId, "jwt!": selector("The JWT.") }),
  ldapAuthCredentials: object("An LDAP user.", {
    "identityId!": identityId,
    "ldapPassword!": selector("Password."),
    "ldapUsername!": selector("User name."),
  }),
  ociAuthCredentials: object("An Oracle Cloud API key.", {
    "identityId!": identityId,
    "privateKey!": selector("Private key."),
    privateKeyPassphrase: selector("Passphrase of the private key."),
    "fingerprint!": selector("Fingerprint of the key."),
    "userId!": selector("User."),
    "tenancyId!": selector("Tenancy."),
    "region!": selector("Region."),
  }),
  kubernetesAuthCredentials: object("The operator's own service account.", {
    "identityId!": identityId,
    serviceAccountTokenPath: selector("Path of the token file inside the operator's pod."),
  }),
  awsAuthCredentials: object("AWS credentials of the pod.", { "identityId!": identityId }),
  tokenAuthCredentials: object("An access token made beforehand.", {
    "accessToken!": selector("The token."),
  }),
})

const infisical: Schema = object("Coffer or Infisical.", {
  "auth!": infisicalAuth,
  hostAPI: text("Address of the API.", { default: "https://app.infisical.com/api" }),
  caBundle,
  caProvider,
  "secretsScope!": object("Which folder to read.", {
    "projectSlug!": text("Slug of the project (not its display name)."),
    "environmentSlug!": text("Slug of the environment."),
    organizationSlug: text("Slug of the organization."),
    secretsPath: text("Folder.", { default: "/" }),
    recursive: flag("Whether a find looks into sub-folders.", { default: false }),
    expandSecretReferences: flag("Whether references in values are expanded.", { default: true }),
  }),
})

const fake: Schema = object("Values written in the store itself, for tests.", {
  "data!": list(
    "The secrets.",
    object("One secret.", {
      "key!": text("Key."),
      "value!": text("Value."),
      version: text("Version."),
    }),
  ),
  validationResult: integer("Outcome of the validation: 0 ready, 1 unknown, 2 error."),
})

const kubernetes: Schema = object("Secrets of a Kubernetes cluster.", {
  server: object("The cluster.", {
    url: text("Address of the API server.", { default: "kubernetes.default" }),
    caBundle,
    caProvider,
  }),
  auth: object(
    "How to log in.",
    {
      cert: object("Client certificate.", {
        "clientCert!": selector("Certificate."),
        "clientKey!": selector("Private key."),
      }),
      token: object("Bearer token.", { "bearerToken!": selector("The token.") }),
      serviceAccount: serviceAccountSelector("Service account to ask a token for."),
    },
    exactlyOne,
  ),
  authRef: selector("A kubeconfig."),
  remoteNamespace: { ...namespaceName("Namespace to read."), default: "default" },
})

const webhookBase = (result: Schema, secretRef: Schema, requiresResult: boolean): Record<string, Schema> => ({
  "url!": text("Address; a template."),
  method: text("HTTP method; GET for reads and POST for writes when absent."),
  headers: textMap("Headers; the values are templates."),
  body: text("Body; a template."),
  timeout: duration("Time allowed for the answer."),
  [requiresResult ? "result!" : "result"]: result,
  secrets: list(
    "Secrets that the templates may use.",
    object("One secret.", { "name!": text("Name in the templates."), "secretRef!": secretRef }),
  ),
  caBundle,
  caProvider,
  auth: object(
    "How to log in.",
    {
      ntlm: object("NTLM.", {
        "usernameSecret!": selector("User name."),
        "passwordSecret!": selector("Password."),
      }),
    },
    exactlyOne,
  ),
})

const jsonPathResult = object("What to take from the answer.", { jsonPath: text("JSON path; a template.") })

const webhookProvider: Schema = object(
  "Any HTTP endpoint.",
  webhookBase(jsonPathResult, selector("The Secret."), false),
)

export const webhookGeneratorSpec: Schema = object(
  "Values from any HTTP endpoint.",
  webhookBase(
    jsonPathResult,
    object("The Secret.", { name: text("Name of the Secret."), key: text("Key inside the Secret.") }),
    true,
  ),
)

export const provider: Schema = object(
  "Where the secrets are; exactly one provider.",
  {
    ...Object.fromEntries(
      FOREIGN_PROVIDERS.map((name) => [
        name,
        openObject("A provider that Coffer does not ship: left untouched."),
      ]),
    ),
    fake,
    infisical,
    kubernetes,
    webhook: webhookProvider,
  },
  exactlyOne,
)
