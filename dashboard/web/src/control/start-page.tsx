/** The start page: what a run is set up to be, the command that does the same, and past runs. */
import { describeParam } from '../../../../lab/workload/params.ts'
import type { Catalogue, ScenarioEntry } from '../../../catalogue.ts'
import { paramDefault, paramText, problemOfOption, problemOfParam, withParam } from './draft.ts'
import { Field, Tick } from './fields.tsx'
import { PastRunList } from './past-runs.tsx'
import { change, setup } from './session.ts'
import { StartPanel } from './start-panel.tsx'
import { Variants } from './variants.tsx'

export function StartPage({ catalogue }: { readonly catalogue: Catalogue }) {
  return (
    <>
      <div class="start">
        <form
          class="start-form"
          aria-label="Setup of a run"
          onSubmit={(event) => event.preventDefault()}
        >
          <WhatRuns catalogue={catalogue} />
          <Variants catalogue={catalogue} />
          <OnWhat catalogue={catalogue} />
        </form>
        <StartPanel catalogue={catalogue} />
      </div>
      <PastRunList />
    </>
  )
}

function WhatRuns({ catalogue: { scenarios } }: { readonly catalogue: Catalogue }) {
  const chosen = scenarios.find(({ name }) => name === setup.value.scenario)
  return (
    <section class="view first" aria-labelledby="scenario-title">
      <header class="view-head">
        <div>
          <h2 id="scenario-title">What runs?</h2>
          <p class="look-for">
            A scenario: what the threads of a program ask of its allocator, op by op.
          </p>
        </div>
      </header>
      <fieldset class="scenarios">
        <legend class="visually-hidden">Scenario</legend>
        {scenarios.map(({ name, summary }) => (
          <label key={name} class="scenario">
            <input
              type="radio"
              name="scenario"
              value={name}
              checked={name === setup.value.scenario}
              // Parameters are the scenario's own: another one has others.
              onChange={() => change({ scenario: name, params: [] })}
            />
            <span>
              <b>{name}</b>
              <span class="meaning">{summary}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {chosen !== undefined && (
        <>
          <p class="scenario-summary">{chosen.summary}</p>
          <Params scenario={chosen} />
        </>
      )}
    </section>
  )
}

function Params({ scenario }: { readonly scenario: ScenarioEntry }) {
  const { params } = setup.value
  const entries = Object.entries(scenario.params)
  if (entries.length === 0) return null
  return (
    <div class="fields">
      {entries.map(([name, spec]) => {
        const value = paramText(params, name)
        return (
          <Field
            key={`${scenario.name}-${name}`}
            id={`param-${name}`}
            name={name}
            value={value}
            placeholder={paramDefault(spec)}
            problem={problemOfParam(scenario, name, value)}
            meaning={`${spec.meaning} (${describeParam(spec)})`}
            {...(typeof spec.default === 'boolean' ? { choices: ['true', 'false'] } : {})}
            onValue={(text) => change({ params: withParam(params, name, text) })}
          />
        )
      })}
    </div>
  )
}

const OPTIONS = [
  ['memoryLimit', 'memory limit', 'none', 'OOM kill above so much RSS, as memory.max.'],
  ['addressSpaceLimit', 'address space', 'none', 'malloc fails beyond it, as ulimit -v.'],
  ['seconds', 'seconds', 'to its end', 'The run ends after so long, such as 10s.'],
  ['seed', 'seed', '1', 'Of all random choices: the same seed asks for the same ops.'],
] as const

function OnWhat({ catalogue }: { readonly catalogue: Catalogue }) {
  const now = setup.value
  const machine = catalogue.machines.find(({ name }) => name === now.machine)
  return (
    <section class="view" aria-labelledby="machine-title">
      <header class="view-head">
        <div>
          <h2 id="machine-title">On what?</h2>
          <p class="look-for">The machine, and the limits of the modelled process.</p>
        </div>
      </header>
      <div class="fields">
        <Field
          id="option-machine"
          name="machine"
          value={now.machine === 'threads' ? '' : now.machine}
          placeholder="threads"
          problem=""
          meaning={sentence(machine?.summary ?? 'not on this server')}
          choices={catalogue.machines.map(({ name }) => name).filter((name) => name !== 'threads')}
          onValue={(value) => change({ machine: value === '' ? 'threads' : value })}
        />
        <Field
          id="option-cores"
          name="cores"
          value={now.cores}
          placeholder={`${catalogue.cores}`}
          problem={problemOfOption('cores', now.cores)}
          meaning="CPUs that the modelled process sees: glibc allows 8 arenas for each."
          onValue={(cores) => change({ cores: cores.trim() })}
        />
        {OPTIONS.map(([option, name, placeholder, meaning]) => (
          <Field
            key={option}
            id={`option-${option}`}
            name={name}
            value={now[option]}
            placeholder={placeholder}
            problem={problemOfOption(option, now[option])}
            meaning={meaning}
            onValue={(value) => change({ [option]: value.trim() })}
          />
        ))}
      </div>
      <div class="ticks">
        <Tick
          label="In lock-step by phase."
          meaning="All designs run at once, and wait for each other at each phase mark."
          checked={now.lockstep && now.variants.length > 1}
          disabled={now.variants.length < 2}
          onChange={(lockstep) => change({ lockstep })}
        />
        <Tick
          label="Keep each lock wait."
          meaning="The trace for ui.perfetto.dev then shows who waited for whom, wait by wait."
          checked={now.traceWaits}
          onChange={(traceWaits) => change({ traceWaits })}
        />
      </div>
    </section>
  )
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`
