/**
 * The API document: OpenAPI 3.1 at /api/docs/json and a page to read it at /api/docs.
 *
 * Flow: routes are registered with their schemas (`endpoint`) -> `http/` notes each in the catalogue -> `document.ts`
 * translates the catalogue when the document is first asked for -> `page.ts` shows it with a library of our own origin.
 * To add a route: give `endpoint` a summary and the schemas; nothing here changes.
 */
export { openApiRoutes } from "./routes.ts"
