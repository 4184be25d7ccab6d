/* SPDX-License-Identifier: MIT */
/* Where the page begins. */
import { render } from 'preact'
import { App } from './app'
import { startAway } from './away'
import { startKeys } from './keys'
import { startRouting } from './route'
import { start } from './start'
import { startTheme } from './theme'

startTheme()
startRouting()
startKeys()
startAway()
void start()
const host = document.getElementById('app')
if (host !== null) render(<App />, host)
