/** Looking at rights from outside: why may X read Y. Deciding is the work of `authorization/`, granting of `roles/`, `privileges/` and `memberships/`. */
export { accessRoutes } from "./routes.ts"
