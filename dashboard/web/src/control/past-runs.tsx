/** Runs of the past: each opens as a page with the same views. */
import type { PastRun } from '../../../catalogue.ts'
import { bytes, digits } from '../format.ts'
import { outcomeText } from '../words.ts'
import { pastRuns } from './session.ts'

export function PastRunList() {
  const { runs, left } = pastRuns.value
  return (
    <section class="view" aria-labelledby="runs-title">
      <header class="view-head">
        <div>
          <h2 id="runs-title">What ran before?</h2>
          <p class="look-for">Newest first. A run opens with the views it had while it went on.</p>
        </div>
      </header>
      {runs.length === 0 ? (
        <p class="meaning">Nothing yet: runs of this folder appear here.</p>
      ) : (
        <ul class="runs">
          {runs.map((run) => (
            <Row key={run.name} run={run} />
          ))}
        </ul>
      )}
      {left > 0 && (
        <p class="meaning">
          {`${left} older ones: `}
          <code>arena-lab list runs</code>
        </p>
      )}
    </section>
  )
}

function Row({ run }: { readonly run: PastRun }) {
  const { ended } = run
  const isKnown = run.query !== ''
  return (
    <li class="run">
      <p class="run-name">
        {isKnown ? <a href={`/run/${run.name}`}>{run.scenario}</a> : <b>{run.scenario}</b>}
        <time dateTime={new Date(run.startedAt * 1000).toISOString()}>{when(run.startedAt)}</time>
      </p>
      <dl class="run-variants">
        {ended ? (
          run.variants.map((variant, place) => (
            <div key={place}>
              <dt>{variant.label}</dt>
              <dd class={variant.outcome === 'completed' ? 'outcome good' : 'outcome bad'}>
                {outcomeText(variant.outcome)}
              </dd>
              <dd class="figure">{`${bytes(variant.rssMax)} peak`}</dd>
              <dd class="figure">
                {variant.rssPerLive > 0 ? `${digits(variant.rssPerLive)} × live` : ''}
              </dd>
            </div>
          ))
        ) : (
          <div>
            <dt>{run.asked.join(', ')}</dt>
            <dd class="outcome">under way, or did not end properly</dd>
          </div>
        )}
      </dl>
      <p class="run-links">{isKnown && <a href={`/#${run.query}`}>Set up again</a>}</p>
    </li>
  )
}

/** `21 Nov, 07:36`, by the clock on the wall. */
function when(seconds: number): string {
  const at = new Date(seconds * 1000)
  const two = (value: number): string => `${value}`.padStart(2, '0')
  const month = at.toLocaleString('en', { month: 'short' })
  return `${at.getDate()} ${month}, ${two(at.getHours())}:${two(at.getMinutes())}`
}
