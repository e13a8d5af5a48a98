import { describeSearch } from "./testing/describe-search.ts"

describeSearch("sqlite")
