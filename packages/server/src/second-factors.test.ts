import { describeSecondFactors } from "./testing/describe-second-factors.ts"

describeSecondFactors("sqlite")
