/* SPDX-License-Identifier: MIT */
/* sandbox.c - the table of calls a worker may make, and the BPF program made of it. */
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "conf/settings.h"
#include "shm/base/check.h"
#include "shm/base/log.h"

#ifndef __has_feature /* gcc says it by macros of its own */
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_ARCH 0 /* they read /proc, start programs and write reports */
#elif defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#else
#define SANDBOX_ARCH 0
#endif

#define X32_BIT 0x40000000u /* the other numbering of an x86-64 kernel: nothing of ours uses it */
#define RULE_INSTRUCTIONS 6 /* at most: see add_rule() */
#define EXTRA_INSTRUCTIONS 8

/* An abstract address the kernel chose: family, NUL, five digits (unix(7), "Autobind").  No Internet
 * address is so short, so that no socket, not even a player's, can be connected elsewhere. */
#define DB_ADDRESS_BYTES 8

enum when {
    ALWAYS,
    IF,         /* the argument, masked, is the value */
    UNLESS,     /* it is not */
    IF_OURSELF, /* it is the number of this process */
};

/* What is right of a call's number, for one of its arguments.  Rules of a call are read in order, the
 * first that applies decides; when none does, the call is answered ENOSYS. */
struct rule {
    uint32_t call;
    uint32_t verdict;
    enum when when;
    uint32_t field; /* where in struct seccomp_data */
    uint32_t mask;
    uint32_t value;
};

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS

/* An argument's lower half, which is all of an int: little-endian. */
#define LOW(n) ((uint32_t)offsetof(struct seccomp_data, args) + 8u * (n))
#define ALL UINT32_MAX
#define NO_WAIT (MSG_NOSIGNAL | MSG_DONTWAIT)

/* clang-format off */
static const struct rule rules[] = {
    /* The loop: sockets that are open already, and those that are accepted. */
    {SYS_read,              ALLOW, ALWAYS, 0, 0, 0},
    {SYS_write,             ALLOW, ALWAYS, 0, 0, 0},
    {SYS_writev,            ALLOW, ALWAYS, 0, 0, 0},
    {SYS_readv,             ALLOW, ALWAYS, 0, 0, 0},
    {SYS_epoll_pwait,       ALLOW, ALWAYS, 0, 0, 0},
    {SYS_epoll_ctl,         ALLOW, ALWAYS, 0, 0, 0},
    {SYS_accept4,           ALLOW, ALWAYS, 0, 0, 0},
    {SYS_close,             ALLOW, ALWAYS, 0, 0, 0},
    {SYS_shutdown,          ALLOW, ALWAYS, 0, 0, 0},
    {SYS_recvmsg,           ALLOW, ALWAYS, 0, 0, 0},
    {SYS_recvfrom,          ALLOW, ALWAYS, 0, 0, 0},
    {SYS_getsockname,       ALLOW, ALWAYS, 0, 0, 0},
    {SYS_getpeername,       ALLOW, ALWAYS, 0, 0, 0},
    {SYS_getsockopt,        ALLOW, ALWAYS, 0, 0, 0},
    {SYS_ppoll,             ALLOW, ALWAYS, 0, 0, 0},
    {SYS_ioctl,             ALLOW, IF,     LOW(1), ALL, FIONBIO},
    {SYS_ioctl,             ALLOW, IF,     LOW(1), ALL, FIOCLEX},
    {SYS_fcntl,             ALLOW, IF,     LOW(1), ALL, F_GETFL},
    {SYS_fcntl,             ALLOW, IF,     LOW(1), ALL, F_SETFL},
    {SYS_fcntl,             ALLOW, IF,     LOW(1), ALL, F_GETFD},
    {SYS_fcntl,             ALLOW, IF,     LOW(1), ALL, F_SETFD},
    {SYS_fcntl,             ALLOW, IF,     LOW(1), ALL, F_DUPFD_CLOEXEC},
    {SYS_fcntl,             ALLOW, IF,     LOW(1), ALL, F_GET_SEALS},
    {SYS_sendto,            ALLOW, IF,     LOW(3), ALL, NO_WAIT}, /* to the journal: by address */
    {SYS_sendto,            ALLOW, IF,     LOW(3), ALL, NO_WAIT | MSG_MORE},
    {SYS_sendto,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_sendmsg,           ALLOW, IF,     LOW(2), ALL, NO_WAIT}, /* MSG_FASTOPEN would connect */
    {SYS_sendmsg,           KILL,  ALWAYS, 0, 0, 0},

    /* A large answer, from a file of memory that is open already. */
    {SYS_sendfile,          ALLOW, ALWAYS, 0, 0, 0},
    {SYS_ftruncate,         ALLOW, IF,     LOW(1), ALL, 0},
    {SYS_pwrite64,          ALLOW, ALWAYS, 0, 0, 0},

    /* To db, when it has died: a stream socket of this machine, to a nameless address. */
    {SYS_socket,            KILL,  UNLESS, LOW(0), ALL, AF_UNIX},
    {SYS_socket,            ALLOW, IF,     LOW(1), 0xf, SOCK_STREAM},
    {SYS_socket,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_connect,           ALLOW, IF,     LOW(2), ALL, DB_ADDRESS_BYTES},
    {SYS_connect,           KILL,  ALWAYS, 0, 0, 0},

    /* Memory.  Code is made by PCRE2 alone, in memory without a file. */
    {SYS_brk,               ALLOW, ALWAYS, 0, 0, 0},
    {SYS_munmap,            ALLOW, ALWAYS, 0, 0, 0},
    {SYS_madvise,           ALLOW, ALWAYS, 0, 0, 0},
    {SYS_mremap,            ALLOW, ALWAYS, 0, 0, 0},
    {SYS_mprotect,          ALLOW, IF,     LOW(2), PROT_EXEC, 0},
    {SYS_mprotect,          KILL,  ALWAYS, 0, 0, 0},
    {SYS_mmap,              ALLOW, IF,     LOW(2), PROT_EXEC, 0},
    {SYS_mmap,              ALLOW, IF,     LOW(3), MAP_ANONYMOUS, MAP_ANONYMOUS},
    {SYS_mmap,              KILL,  ALWAYS, 0, 0, 0},
    {SYS_fstat,             ALLOW, ALWAYS, 0, 0, 0}, /* of a passed descriptor */
    {SYS_newfstatat,        ALLOW, IF,     LOW(3), ALL, AT_EMPTY_PATH}, /* fstat() of glibc */

    /* Threads of the pool, no processes.  clone3() hides its flags: ENOSYS makes glibc use clone(). */
    {SYS_clone,             ALLOW, IF,     LOW(0), CLONE_THREAD, CLONE_THREAD},
    {SYS_clone,             KILL,  ALWAYS, 0, 0, 0},
    {SYS_futex,             ALLOW, ALWAYS, 0, 0, 0},
    {SYS_set_robust_list,   ALLOW, ALWAYS, 0, 0, 0},
#ifdef SYS_rseq
    {SYS_rseq,              ALLOW, ALWAYS, 0, 0, 0},
#endif
    {SYS_gettid,            ALLOW, ALWAYS, 0, 0, 0},
    {SYS_sched_yield,       ALLOW, ALWAYS, 0, 0, 0},
    {SYS_sched_getaffinity, ALLOW, ALWAYS, 0, 0, 0},
    {SYS_getrusage,         ALLOW, ALWAYS, 0, 0, 0}, /* /metrics: time, and memory by */
    {SYS_pread64,           ALLOW, ALWAYS, 0, 0, 0}, /* /proc/self/statm, open already */
    {SYS_sysinfo,           ALLOW, ALWAYS, 0, 0, 0}, /* qsort(): how much may it copy? */
    {SYS_setpriority,       ALLOW, IF,     LOW(1), ALL, 0}, /* of this thread */
    {SYS_prctl,             ALLOW, IF,     LOW(0), ALL, PR_SET_NAME},
    {SYS_prctl,             ALLOW, IF,     LOW(0), ALL, PR_SET_PDEATHSIG}, /* an upgrade's rest: */
    {SYS_setitimer,         ALLOW, ALWAYS, 0, 0, 0}, /* to end with the master, or in time */
    {SYS_prlimit64,         ALLOW, IF,     LOW(0), ALL, 0},

    /* Time, chance, signals, the end. */
    {SYS_clock_gettime,     ALLOW, ALWAYS, 0, 0, 0},
    {SYS_clock_nanosleep,   ALLOW, ALWAYS, 0, 0, 0},
    {SYS_gettimeofday,      ALLOW, ALWAYS, 0, 0, 0},
    {SYS_getrandom,         ALLOW, ALWAYS, 0, 0, 0},
    {SYS_getpid,            ALLOW, ALWAYS, 0, 0, 0},
    {SYS_rt_sigaction,      ALLOW, ALWAYS, 0, 0, 0},
    {SYS_rt_sigprocmask,    ALLOW, ALWAYS, 0, 0, 0},
    {SYS_rt_sigreturn,      ALLOW, ALWAYS, 0, 0, 0},
    {SYS_sigaltstack,       ALLOW, ALWAYS, 0, 0, 0},
    {SYS_restart_syscall,   ALLOW, ALWAYS, 0, 0, 0},
    {SYS_tgkill,            ALLOW, IF_OURSELF, LOW(0), ALL, 0}, /* abort() */
    {SYS_tgkill,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_exit,              ALLOW, ALWAYS, 0, 0, 0},
    {SYS_exit_group,        ALLOW, ALWAYS, 0, 0, 0},

    /* The old names x86-64 has besides. */
#ifdef SYS_epoll_wait
    {SYS_epoll_wait,        ALLOW, ALWAYS, 0, 0, 0},
    {SYS_poll,              ALLOW, ALWAYS, 0, 0, 0},
    {SYS_time,              ALLOW, ALWAYS, 0, 0, 0},
    {SYS_fork,              KILL,  ALWAYS, 0, 0, 0},
    {SYS_vfork,             KILL,  ALWAYS, 0, 0, 0},
#endif

    /* Nobody but an intruder. */
    {SYS_execve,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_execveat,          KILL,  ALWAYS, 0, 0, 0},
    {SYS_ptrace,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_process_vm_readv,  KILL,  ALWAYS, 0, 0, 0},
    {SYS_process_vm_writev, KILL,  ALWAYS, 0, 0, 0},
    {SYS_pidfd_open,        KILL,  ALWAYS, 0, 0, 0},
    {SYS_pidfd_getfd,       KILL,  ALWAYS, 0, 0, 0},
    {SYS_kill,              KILL,  ALWAYS, 0, 0, 0},
    {SYS_tkill,             KILL,  ALWAYS, 0, 0, 0},
    {SYS_socketpair,        KILL,  ALWAYS, 0, 0, 0},
    {SYS_bind,              KILL,  ALWAYS, 0, 0, 0},
    {SYS_listen,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_unshare,           KILL,  ALWAYS, 0, 0, 0},
    {SYS_setns,             KILL,  ALWAYS, 0, 0, 0},
    {SYS_mount,             KILL,  ALWAYS, 0, 0, 0},
    {SYS_chroot,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_bpf,               KILL,  ALWAYS, 0, 0, 0},
    {SYS_perf_event_open,   KILL,  ALWAYS, 0, 0, 0},
    {SYS_userfaultfd,       KILL,  ALWAYS, 0, 0, 0},
    {SYS_keyctl,            KILL,  ALWAYS, 0, 0, 0},
    {SYS_add_key,           KILL,  ALWAYS, 0, 0, 0},
    {SYS_init_module,       KILL,  ALWAYS, 0, 0, 0},
    {SYS_finit_module,      KILL,  ALWAYS, 0, 0, 0},
};
/* clang-format on */

struct program {
    uint16_t count;
    struct sock_filter instructions[ARRAY_LEN(rules) * RULE_INSTRUCTIONS + EXTRA_INSTRUCTIONS];
};

static void add(struct program *program, uint16_t code, uint32_t value, uint8_t if_true,
                uint8_t if_false)
{
    CHECK(program->count < ARRAY_LEN(program->instructions));
    program->instructions[program->count++] =
        (struct sock_filter){.code = code, .jt = if_true, .jf = if_false, .k = value};
}

static void add_load(struct program *program, uint32_t field)
{
    add(program, BPF_LD | BPF_W | BPF_ABS, field, 0, 0);
}

static void add_return(struct program *program, uint32_t verdict)
{
    add(program, BPF_RET | BPF_K, verdict, 0, 0);
}

/* The accumulator holds the call's number before and after. */
static void add_rule(struct program *program, const struct rule *rule)
{
    bool turned = rule->when == UNLESS;
    uint32_t value = rule->when == IF_OURSELF ? (uint32_t)getpid() : rule->value;

    if (rule->when == ALWAYS) {
        add(program, BPF_JMP | BPF_JEQ | BPF_K, rule->call, 0, 1);
        add_return(program, rule->verdict);
        return;
    }
    add(program, BPF_JMP | BPF_JEQ | BPF_K, rule->call, 0, RULE_INSTRUCTIONS - 1);
    add_load(program, rule->field);
    add(program, BPF_ALU | BPF_AND | BPF_K, rule->mask, 0, 0);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, value, turned ? 1 : 0, turned ? 0 : 1);
    add_return(program, rule->verdict);
    add_load(program, offsetof(struct seccomp_data, nr));
}

/* Only the numbering that the rules are written in. */
static void add_head(struct program *program)
{
    add_load(program, offsetof(struct seccomp_data, arch));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, SANDBOX_ARCH, 1, 0);
    add_return(program, KILL);
    add_load(program, offsetof(struct seccomp_data, nr));
    add(program, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    add_return(program, KILL);
}

static void build(struct program *program)
{
    add_head(program);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        add_rule(program, &rules[i]);
    }
    add_return(program, SECCOMP_RET_ERRNO | ENOSYS);
}

static bool install(struct program *program, unsigned flags)
{
    struct sock_fprog all = {.len = program->count, .filter = program->instructions};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return false;
    }
    /* TSYNC: threads that run already. */
    long result =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | flags, &all);
    if (result > 0) { /* a thread that has other filters */
        errno = ESRCH;
    }
    return result == 0;
}

void sandbox_forbid_rings(const struct settings *settings)
{
    const struct rule no_ring = {SYS_io_uring_setup, SECCOMP_RET_ERRNO | ENOSYS, ALWAYS, 0, 0, 0};
    struct program program = {0};

    if (SANDBOX_ARCH == 0 || str_equal(settings->sandbox, STR("off"))) {
        return;
    }
    add_head(&program);
    add_rule(&program, &no_ring);
    add_return(&program, ALLOW);
    (void)!install(&program, 0); /* sandbox_start() meets the same refusal and says so */
}

bool sandbox_enter(void)
{
    struct program program = {0};

    if (SANDBOX_ARCH == 0) {
        errno = ENOTSUP;
        return false;
    }
    build(&program);
    /* LOG: the kernel's log names what was refused. */
    return install(&program, SECCOMP_FILTER_FLAG_LOG);
}

bool sandbox_start(const struct settings *settings)
{
    if (str_equal(settings->sandbox, STR("off")) || sandbox_enter()) {
        return true;
    }
    if (str_equal(settings->sandbox, STR("auto"))) {
        LOG(LOG_LEVEL_WARN, "a worker runs without its sandbox: process.sandbox is auto",
            LOG_ERRNO(errno));
        return true;
    }
    LOG(LOG_LEVEL_ERROR,
        "no sandbox for a worker: set process.sandbox to auto to run without where need be",
        LOG_ERRNO(errno));
    return false;
}
