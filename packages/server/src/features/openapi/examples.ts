/** What fields look like, by their names, which mean the same wherever they are: for who reads the document. */
const examples: Readonly<Record<string, string | number>> = {
  accessTokenMaxTTL: 2_592_000,
  accessTokenTTL: 2_592_000,
  clientId: "1c546735-81b5-48a8-afb7-2839945cbb97",
  email: "ann@example.com",
  environment: "prod",
  environmentId: "5f0e0a6c-6c1d-4c0e-9d57-1b3c9a3f7a10",
  environmentSlug: "prod",
  expiresIn: 2_592_000,
  identityId: "3c78608a-0c32-482a-9a58-4cc97b3dc6da",
  organization: "Acme",
  organizationSlug: "acme-4f2k",
  path: "/app",
  position: 1,
  projectId: "d0ad7f57-96f8-45bd-8266-e07354894786",
  projectName: "Billing API",
  projectSlug: "billing-api",
  reqId: "req-Ab3dEf6hIj9kLm",
  secretComment: "Rotated by the database team",
  secretKey: "DATABASE_URL",
  secretName: "DATABASE_URL",
  secretPath: "/",
  secretValue: "postgres://app@db/billing",
  statusCode: 400,
  tagSlugs: "database,shared",
  version: 3,
  webhookUrl: "https://ci.example.com/hook",
  workspaceId: "d0ad7f57-96f8-45bd-8266-e07354894786",
  workspaceSlug: "billing-api",
}

/** An example of the field, or `undefined` where its name says nothing. */
export function exampleOf(name: string): string | number | undefined {
  return Object.hasOwn(examples, name) ? examples[name] : undefined
}
