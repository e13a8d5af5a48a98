import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance } from "../../testing/test-app.ts"

describeDatabase("postgres", "an access token for some requests", (open) => {
  it("serves as many, however many come at once", async () => {
    const instance = await anInstance(await open())
    const { token } = await aMachine(instance, { settings: { accessTokenNumUsesLimit: 3 } })
    const ask = () => instance.test.call("GET", "/v1/projects", { token })
    const answers = await Promise.all(Array.from({ length: 12 }, ask))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9)
  })
})
