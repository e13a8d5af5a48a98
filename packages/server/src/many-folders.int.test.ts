import { describeManyFolders } from "./testing/describe-many-folders.ts"

describeManyFolders("postgres")
