/* SPDX-License-Identifier: MIT */
/* The screens that only watch: one file of the build, loaded with the first look at one of them. */
export { PlayerView } from './player'
export { RoomView } from './room'
export { ScoreboardView } from './scoreboard'
