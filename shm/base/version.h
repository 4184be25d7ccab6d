/* SPDX-License-Identifier: MIT */
/* version.h - what `ctfg --version`, the log, the page and /metrics call this build. */
#pragma once

/* make VERSION=... has the last word. */
#ifndef CTFG_VERSION
#define CTFG_VERSION "1.0.0"
#endif
