/* SPDX-License-Identifier: MIT */
/* notify.c - sd_notify(3), and nothing else. */
#include "master/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <systemd/sd-daemon.h>

#include "shm/base/clock.h"

#define STATUS_BYTES 256

void notify_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* The clock is for Type=notify-reload, which tells an old answer from a new one by it. */
void notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_us());
}

void notify_stopping(uint64_t most_us)
{
    (void)sd_notifyf(
        0, "STOPPING=1\nSTATUS=Finishing what is under way\nEXTEND_TIMEOUT_USEC=%" PRIu64, most_us);
}

void notify_status(const char *format, ...)
{
    char status[STATUS_BYTES];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(status, sizeof(status), format, values);
    va_end(values);
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void notify_extend_start(uint64_t more_us)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, more_us);
}

uint64_t notify_watchdog_limit_us(void)
{
    uint64_t limit_us = 0;

    return sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us : 0;
}

void notify_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}
