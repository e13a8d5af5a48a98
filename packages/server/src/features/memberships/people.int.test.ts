import { describeEnteringProjects, describePeopleOfProjects } from "./testing/describe-people.ts"

describePeopleOfProjects("postgres")
describeEnteringProjects("postgres")
