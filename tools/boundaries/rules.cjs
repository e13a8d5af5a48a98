// Who may import what (ARCHITECTURE.md draws it). Each rule has a fixture under fixtures/ that must fail.
const nodeAndSelf = (name) => `^packages/${name}/`
const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to })
const tests = "(\\.test\\.ts$|/testing/)"

module.exports = [
  rule("no-cycles", "modules form a tree, types included", {}, { circular: true }),
  rule("resolvable", "every import must resolve", {}, { couldNotResolve: true }),
  rule("no-dist", "sources import sources", {}, { path: "^(packages|apps)/.*/dist/" }),
  rule(
    "pure-packages",
    "formats and cryptography know nothing of the product",
    { path: "^packages/(envelope|go-template|project-archive|secret-files|sops-files)/src", pathNot: tests },
    {
      path: "^(packages|apps)/",
      pathNot: "^packages/(envelope|go-template|project-archive|secret-files|sops-files)/",
    },
  ),
  rule(
    "contract-is-schemas",
    "the contract knows only the schema library",
    { path: "^packages/contract/src", pathNot: tests },
    { pathNot: [nodeAndSelf("contract"), "node_modules/zod/"], dependencyTypesNot: ["core"] },
  ),
  rule(
    "client-over-contract",
    "the client knows the contract and nothing else of ours",
    { path: "^packages/client/src", pathNot: tests },
    { path: "^(packages|apps)/", pathNot: "^packages/(client|contract)/" },
  ),
  rule(
    "kube-runtime-knows-no-product",
    "the controller runtime knows no kind of ours",
    { path: "^packages/kube-runtime/src", pathNot: tests },
    { path: "^(packages|apps)/", pathNot: nodeAndSelf("kube-runtime") },
  ),
  rule(
    "control-plane-stands-alone",
    "the control plane is a tool",
    { path: "^packages/control-plane/", pathNot: tests },
    { path: "^(packages|apps)/", pathNot: nodeAndSelf("control-plane") },
  ),
  rule(
    "testkit-only-in-tests",
    "product code never imports the test kit",
    { path: "^(packages|apps)/", pathNot: [tests, nodeAndSelf("testkit")] },
    { path: "^packages/testkit/" },
  ),
  rule(
    "control-plane-only-in-tests-and-demo",
    "product code never starts a control plane",
    {
      path: "^(packages|apps)/",
      pathNot: [tests, nodeAndSelf("testkit"), nodeAndSelf("control-plane"), "/demo/"],
    },
    { path: "^packages/control-plane/" },
  ),
  rule(
    "server-and-operator-are-strangers",
    "each half can be adopted alone",
    { path: "^packages/(server|operator)/src", pathNot: tests },
    { path: "^(packages/(server|operator)|apps)/", pathNot: "^packages/$1/" },
  ),
  rule("packages-know-no-app", "apps compose packages", { path: "^packages/" }, { path: "^apps/" }),
  rule(
    "commands-are-strangers",
    "each command is a composition root",
    { path: "^apps/coffer/src/commands/([^/]+)", pathNot: tests },
    { path: "^apps/coffer/src/commands/", pathNot: "^apps/coffer/src/commands/$1" },
  ),
  rule(
    "features-through-their-face",
    "a feature is reached through its index.ts",
    { path: "^packages/server/src/features/([^/]+)/", pathNot: tests },
    {
      path: "^packages/server/src/features/",
      pathNot: ["^packages/server/src/features/$1/", "^packages/server/src/features/[^/]+/index\\.ts$"],
    },
  ),
  rule(
    "foundations-know-no-feature",
    "http, db, audit, keyring serve every feature",
    { path: "^packages/server/src/(http|db|audit|keyring)/", pathNot: tests },
    { path: "^packages/server/src/features/" },
  ),
  rule(
    "domain-is-pure",
    "domain.ts takes values and now, returns decisions",
    { path: "/domain\\.ts$" },
    {
      path: [
        "^packages/server/src/(db|http|audit|keyring)/",
        "node_modules/(fastify|kysely|pino|pg|undici)/",
      ],
    },
  ),
  rule(
    "routes-know-no-sql",
    "a route calls one use case",
    { path: "^packages/server/src/features/[^/]+/routes\\.ts$" },
    { path: ["node_modules/kysely/", "/store\\.ts$"] },
  ),
  rule(
    "stores-know-no-http",
    "a store speaks SQL and domain types",
    { path: "/store\\.ts$" },
    { path: ["node_modules/fastify/", "^packages/server/src/http/"] },
  ),
  rule(
    "decide-is-pure",
    "decide.ts turns a world into a plan",
    { path: "/decide\\.ts$" },
    { path: ["node_modules/(undici|pino)/"] },
  ),
]
