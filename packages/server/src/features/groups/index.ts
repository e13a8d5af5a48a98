/**
 * Groups of people. What a group has in a project, each of its members has, beside what is its own; a deny counts
 * whichever way it comes. A group gives no right in the organization.
 *
 *   groups.ts          the groups of an organization and who belongs to them; whoever lets a person into a group hands out
 *                      what the group has in every project, and must hold that
 *   project-groups.ts  which roles a group has in a project, for good or for a time
 *
 * Every change ends the epoch of the members, so no answer made with the old rights leaves any server afterwards.
 */
export { groupRoutes } from "./routes.ts"
export { leaveGroups } from "./store.ts"
