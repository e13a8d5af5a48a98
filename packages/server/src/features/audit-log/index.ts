/** Looking at the audit log. Who looks is in the log too. Writing it is the work of `use-case/`, keeping it of `audit/`. */
export { auditLogRoutes } from "./routes.ts"
