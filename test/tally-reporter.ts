/**
 * Closes a test run with one plain line, `N passed, N failed`, and says what was left out and why.
 */
import type { Reporter, TestModule } from 'vitest/node'

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tally = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      const before = tally.passed + tally.failed + tally.skipped
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') tally.passed++
        else if (state === 'failed') tally.failed++
        else tally.skipped++
      }
      // A file that could not be loaded, or whose hooks failed, has no test to blame.
      const found = tally.passed + tally.failed + tally.skipped
      if (!module.ok() && found === before) tally.failed++
    }
    const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''
    process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed${skipped}\n`)
  }
}
