import { describeFollowing } from "./testing/describe-following.ts"

describeFollowing("sqlite")
