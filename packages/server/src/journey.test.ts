import { describeJourney } from "./testing/describe-journey.ts"

describeJourney("sqlite")
