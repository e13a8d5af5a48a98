import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      "e2e/**/*.test.ts",
      "tools/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/dist/**"],
    setupFiles: ["packages/testkit/src/seeded-properties.ts"],
    // Tests of whole programs start dozens of processes, each of which takes seconds on a machine that is busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Of what happens at once, and late on a machine that is busy.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    pool: "forks",
    // Most of the time a test waits: for a disk, a process, another server.
    maxWorkers: "100%",
  },
})
