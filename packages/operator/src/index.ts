/**
 * The operator: CRDs, controllers and providers. Its public face; nothing else may be imported from outside.
 */
export {
  ConfigError,
  OPERATOR_FLAGS,
  type OperatorConfig,
  type ParsedConfig,
  parseOperatorFlags,
} from "./config.ts"
export { CUSTOM_RESOURCE_DEFINITIONS } from "./crds/catalogue.ts"
export { type InstallOptions, installCrds } from "./crds/install.ts"
export { type OperatorOptions, runOperator } from "./operator.ts"
export type { CallObserver } from "./providers/infisical/http.ts"
