import { describeProjects } from "./testing/describe-projects.ts"

describeProjects("sqlite")
