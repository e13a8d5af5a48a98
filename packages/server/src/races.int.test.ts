import { describeRaces } from "./testing/describe-races.ts"

describeRaces("postgres")
