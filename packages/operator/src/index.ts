/**
 * The operator: CRDs, controllers and providers. Its public face; nothing else may be imported from outside.
 */
export { CUSTOM_RESOURCE_DEFINITIONS } from "./crds/catalogue.ts"
export { type InstallOptions, installCrds } from "./crds/install.ts"
