/**
 * What tests share: real servers that end with the test (PostgreSQL, a Kubernetes control plane), the rule
 * for tools that may be missing, builders, fake clock and database harness.
 *
 * Nothing here runs in production, and no production code may import it. What only one package's tests
 * need stays in that package.
 */
export { aClock, type FakeClock, seededRandom } from "./clock.ts"
export {
  describeDatabase,
  type OpenTestStorage,
  type TestStorage,
  type TestStorageOptions,
} from "./database.ts"
export { postgresTool } from "./find-postgres.ts"
export {
  controllerManagerTool,
  controlPlaneTool,
  describeWithControlPlane,
  KubectlError,
  kubectl,
  kubectlTool,
} from "./kubernetes.ts"
export { aLog, type LogEntry, type RecordingLog } from "./log.ts"
export { describeWithPostgres, type Postgres, startPostgres } from "./postgres.ts"
export { describeWithTools, programOnPath, type Tool } from "./tools.ts"
export { trialSeed } from "./trial-seed.ts"
