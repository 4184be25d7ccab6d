/* SPDX-License-Identifier: MIT */
/* compiler.h - the few compiler attributes this project uses, under names that read well. */
#pragma once

#include <stddef.h>

/* The caller must look at the returned value. */
#define MUST_USE __attribute__((warn_unused_result))

/* The function takes a printf format at argument `at`, its values from argument `first`. */
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* A parameter or function that one build (a lint, a test) does not use. */
#define MAYBE_UNUSED __attribute__((unused))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* x86-64 and most arm64: two writers on one line triple the price of an atomic add. */
#define CACHE_LINE_BYTES 64

/* Between two looks at a word that another core is about to change. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
