import { describeEnteringProjects, describePeopleOfProjects } from "./testing/describe-people.ts"

describePeopleOfProjects("sqlite")
describeEnteringProjects("sqlite")
