/**
 * Folders: the tree of each environment. Creating is idempotent and makes what is missing above; deleting takes
 * everything below, secrets first, and leaves tombstones.
 */
export { arrangeFolderRoutes } from "./arrange-routes.ts"
export { authorizeFolder, FolderMaker, parentPathOf } from "./folder-maker.ts"
export { excessOf, maxFolders } from "./limits.ts"
export { type Asking, prepareRemoval } from "./remove-contents.ts"
export { folderRoutes } from "./routes.ts"
export { createRootFolder, type FoldersDeps, foldersOf, removeAllFolders } from "./service.ts"
export { freeFolderNames, insertFolder, removeFolders, updateFolder } from "./store.ts"
