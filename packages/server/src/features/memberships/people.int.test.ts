import { describePeopleOfProjects } from "./testing/describe-people.ts"

describePeopleOfProjects("postgres")
