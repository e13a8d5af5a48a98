import { describeLargeDeletions } from "./testing/describe-large-deletions.ts"

describeLargeDeletions("postgres")
