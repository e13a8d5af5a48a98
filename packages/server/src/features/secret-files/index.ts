/**
 * Secrets as files: a file is read into a folder in one transaction, or only compared with it; a folder is written as a
 * file. The formats are the work of the package `secret-files`.
 */
export { secretFileRoutes } from "./routes.ts"
