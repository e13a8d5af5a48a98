import { describeProjectRemoval } from "./testing/describe-project-removal.ts"

describeProjectRemoval("postgres")
