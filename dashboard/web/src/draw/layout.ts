/** Where pictures over time have their axis: the same for all, so that they line up. */

/** Left of every picture: names of rows, ticks of scales. CSS pixels; `--gutter` in style.css. */
export const GUTTER = 76
/** Right of every picture over time: half a tick label. */
export const MARGIN_RIGHT = 14
/** Below a picture over time: ticks and their labels. */
export const AXIS_HEIGHT = 26
