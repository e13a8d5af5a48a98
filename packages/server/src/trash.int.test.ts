import { describeTrash } from "./testing/describe-trash.ts"

describeTrash("postgres")
