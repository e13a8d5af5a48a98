/**
 * Takes projects away without holding anybody up, however large they are.
 *
 *   a deletion: one short write hides the project (store.ts hideProject): it is there for nobody any more, its slug is
 *     free, and its data keys are deleted, so that nothing opens what it held
 *   an import that did not come to its end leaves a project that was never seen
 *
 * What either left is removed in small writes of its own by remover.ts, beside the requests, and again after every start
 * until nothing is left. The row of the project goes last: as long as it is there, the rest is found.
 */
export { ProjectRemover, type Removal, removeRows } from "./remover.ts"
export { hideProject } from "./store.ts"
