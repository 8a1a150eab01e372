/** The page starts: from the run embedded in it, or by connecting to the server that sent it. */
import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import './style.css'
import './control/control.css'
import { followAddress } from './control/session.ts'
import { embeddedRun } from './feed/embedded.ts'
import { connect, followVisibility } from './feed/live.ts'
import { connection, run } from './state.ts'
import { followTheme } from './theme.ts'
import { App } from './view/app.tsx'

followTheme()
const embedded = embeddedRun()
if (embedded !== undefined) {
  run.value = embedded
  connection.value = 'offline'
} else {
  followAddress()
  connect()
  followVisibility()
}
render(<App />, document.getElementById('app')!)
