/**
 * Loaded before `coffer` in every process that the demo or a test starts: when the process that started it is gone,
 * however it went, this one ends at once. The channel that node opens between the two closes by itself in every case.
 * Ending without order is right here: the data is thrown away, and nobody is left to wait.
 */
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"))
process.channel?.unref() // listening to the channel must not keep a finished command alive
