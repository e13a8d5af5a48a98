import { describeWarmAnswers } from "./testing/describe-warm-answers.ts"

describeWarmAnswers("postgres")
