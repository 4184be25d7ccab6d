/* SPDX-License-Identifier: MIT */
/* proc.c - the role of this process, its title over the memory of argv, and what it uses. */
#include "shm/base/proc.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

extern char **environ;

#define PROC_LARGE_BLOCK_BYTES (256 << 10)

static struct {
    enum proc_role role;
    char *title;        /* where the kernel reads the command line from; NULL: unknown */
    size_t title_bytes; /* room there, with the NUL */
    char **environment; /* the copy of environ, pointers and texts; NULL: never moved */
    int statm_fd;       /* /proc/self/statm of this process; -1: there is none */
} proc = {.statm_fd = -1};

/*
 * Large blocks (a game, a rebuild's events) are mapped one by one and go back to the system when they
 * are freed.  Left to itself malloc raises its threshold to 32 MiB after the first of them and keeps
 * what each thread of the pool has ever used: twenty reloads were a hundred megabytes.
 */
static void return_large_blocks(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, PROC_LARGE_BLOCK_BYTES); /* fails for no value in range */
}

/* Anew in each process, before it may open no file any more: what was inherited tells of the parent. */
static void open_statm(void)
{
    if (proc.statm_fd >= 0) {
        (void)close(proc.statm_fd);
    }
    proc.statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

void proc_set_role(enum proc_role role)
{
    proc.role = role;
    return_large_blocks();
    open_statm();
}

enum proc_role proc_role(void)
{
    return proc.role;
}

const char *proc_role_name(enum proc_role role)
{
    switch (role) {
    case PROC_MASTER:
        return "master";
    case PROC_WORKER:
        return "worker";
    case PROC_DB:
        return "db";
    case PROC_TOOL:
        return "tool";
    case PROC_TEST:
        return "test";
    }
    return "unknown";
}

/*
 * Copies the environment elsewhere, so that a title may run over its first home.  false: no memory;
 * everything is as it was.  The copy is one piece and lives as long as the process: getenv() hands
 * out pointers into it, and unsetenv() only forgets them.
 */
static bool environment_move(void)
{
    size_t count = 0;
    size_t text_bytes = 0;

    while (environ != NULL && environ[count] != NULL) {
        text_bytes += strlen(environ[count]) + 1;
        count++;
    }
    proc.environment = calloc(1, (count + 1) * sizeof(char *) + text_bytes);
    if (proc.environment == NULL) {
        return false;
    }
    char *text = (char *)(proc.environment + count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(environ[i]) + 1;

        proc.environment[i] = memcpy(text, environ[i], bytes);
        text += bytes;
    }
    environ = proc.environment;
    return true;
}

/* Moves `end` behind `text` if that is where `text` begins: one unbroken stretch of memory. */
static char *stretch_over(char *end, char *text)
{
    return text == end ? text + strlen(text) + 1 : end;
}

void proc_title_init(int argc, char **argv)
{
    if (argc < 1 || argv == NULL || argv[0] == NULL || proc.title != NULL) {
        return;
    }
    /* The kernel lays argv's and then environ's strings one behind the other. */
    char *end = argv[0];
    for (int i = 0; i < argc && argv[i] != NULL; i++) {
        end = stretch_over(end, argv[i]);
    }
    char *end_of_environment = end;
    for (size_t i = 0; environ != NULL && environ[i] != NULL; i++) {
        end_of_environment = stretch_over(end_of_environment, environ[i]);
    }
    if (end_of_environment != end && environment_move()) {
        end = end_of_environment;
    }
    proc.title = argv[0];
    proc.title_bytes = (size_t)(end - argv[0]);
}

void proc_title_set(const char *title)
{
    /* comm holds 15 bytes: "worker 1" says more there than "ctfg: worker 1" cut.  It cannot fail. */
    const char *colon = strstr(title, ": ");
    (void)prctl(PR_SET_NAME, colon != NULL ? colon + 2 : title, 0, 0, 0);

    if (proc.title == NULL || proc.title_bytes == 0) {
        return;
    }
    size_t len = strnlen(title, proc.title_bytes - 1);
    memcpy(proc.title, title, len);
    memset(proc.title + len, 0, proc.title_bytes - len);
}

/* ---- what it uses ---- */

bool proc_memory_bytes(uint64_t *ret_bytes)
{
    char text
        [128]; /* "size resident shared ..." in pages: the kernel answers from memory, at once */
    ssize_t len = pread(proc.statm_fd, text, sizeof(text) - 1, 0);

    if (len <= 0) {
        return false;
    }
    text[len] = '\0';
    const char *resident = strchr(text, ' ');
    if (resident == NULL) {
        return false;
    }
    *ret_bytes = strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

static uint64_t us_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

uint64_t proc_cpu_us(void)
{
    struct rusage usage;

    /* fails for no constant of these */
    return getrusage(RUSAGE_SELF, &usage) == 0 ? us_of(&usage.ru_utime) + us_of(&usage.ru_stime)
                                               : 0;
}
