/* SPDX-License-Identifier: MIT */
/*
 * sandbox_test.c - tries from inside: a child enters the real sandbox, then makes one call.
 *
 * A build with a sanitizer has no sandbox: there the one test is that it says so.
 */
#include "worker/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>
#include <uv.h>

#include <cmocka.h>

#include "conf/flag.h"
#include "conf/settings.h"
#include "shm/base/compiler.h"
#include "shm/control.h"

#define FINE 0
#define UNEXPECTED 1
#define NO_SANDBOX 2

/* What is open before, as in a worker. */
static struct world {
    int db_fd; /* listens */
    struct sockaddr_un db_address;
    socklen_t db_address_len;
    int tcp_fd; /* listens */
    struct sockaddr_in tcp_address;
    int player_fd; /* connected to tcp_fd */
    int control[2];
    int memory_fd;
    int answer_fd; /* of blob_file.h */
} world;

typedef int (*attempt)(void); /* in the child: FINE or UNEXPECTED */

/* Waits for a child; its exit status, or minus the signal that ended it. */
static int run_in_child(attempt what, bool is_inside)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (is_inside && !sandbox_enter()) {
            _exit(NO_SANDBOX);
        }
        _exit(what());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_inside(attempt what)
{
    return run_in_child(what, true);
}

static int fine_if(bool is_fine)
{
    return is_fine ? FINE : UNEXPECTED;
}

static int is_unknown(long result)
{
    return fine_if(result == -1 && errno == ENOSYS);
}

/* ---- files: the kernel does not know such calls ---- */

static int open_a_file(void)
{
    return is_unknown(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int make_a_file(void)
{
    return is_unknown(open("/tmp/ctfg-sandbox-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int remove_a_file(void)
{
    return is_unknown(unlink("/tmp/ctfg-sandbox-test"));
}

static int make_memory_with_a_name(void)
{
    return is_unknown(memfd_create("x", MFD_CLOEXEC));
}

static int type_into_the_terminal(void)
{
    char letter = 'x';

    return is_unknown(ioctl(STDERR_FILENO, TIOCSTI, &letter));
}

static int set_a_limit(void)
{
    const struct rlimit limit = {0, 0};

    return is_unknown(syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, &limit, NULL));
}

static int ask_for_a_ring(void)
{
    return is_unknown(syscall(SYS_io_uring_setup, 8, NULL));
}

/* ---- what only an intruder does: the process ends ---- */

static int run_a_program(void)
{
    char *const arguments[] = {(char[]){"true"}, NULL};

    return execve("/bin/true", arguments, NULL);
}

static int make_a_process(void)
{
    return fork() == 0 ? FINE : UNEXPECTED;
}

static int make_an_internet_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_a_datagram_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int call_a_named_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/x"};

    return connect(fd, (const struct sockaddr *)&address, sizeof(address));
}

static int turn_a_players_socket_elsewhere(void)
{
    return connect(world.player_fd, (const struct sockaddr *)&world.tcp_address,
                   sizeof(world.tcp_address));
}

static int send_to_an_address(void)
{
    return (int)sendto(world.player_fd, "x", 1, MSG_NOSIGNAL | MSG_FASTOPEN,
                       (const struct sockaddr *)&world.tcp_address, sizeof(world.tcp_address));
}

static int send_a_message_to_an_address(void)
{
    struct msghdr header = {.msg_name = &world.tcp_address,
                            .msg_namelen = sizeof(world.tcp_address)};

    return (int)sendmsg(world.player_fd, &header, MSG_NOSIGNAL | MSG_FASTOPEN);
}

static int listen_somewhere(void)
{
    return listen(world.control[0], 1);
}

static int trace_the_parent(void)
{
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static int read_the_parents_memory(void)
{
    return (int)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static int kill_the_parent(void)
{
    return kill(getppid(), SIGCONT);
}

static int kill_a_thread_of_the_parent(void)
{
    return (int)syscall(SYS_tgkill, getppid(), getppid(), SIGCONT);
}

static int turn_data_into_code(void)
{
    return mprotect((void *)((uintptr_t)&world & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC);
}

static int run_code_of_a_file(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, world.memory_fd, 0);
    return FINE;
}

/* ---- what a worker does: works ---- */

static void *on_thread(void *answer)
{
    void *block = malloc(32u << 20);

    memset(block, 1, 32u << 20);
    free(block);
    *(int *)answer = setpriority(PRIO_PROCESS, 0, 10) == 0 ? FINE : UNEXPECTED;
    return NULL;
}

static int begin_a_thread(void)
{
    pthread_t thread;
    int answer = UNEXPECTED;

    return pthread_create(&thread, NULL, on_thread, &answer) == 0 && pthread_join(thread, NULL) == 0
               ? answer
               : UNEXPECTED;
}

static int check_a_password(void)
{
    char hash[crypto_pwhash_STRBYTES];

    return fine_if(crypto_pwhash_str(hash, "secret", 6, crypto_pwhash_OPSLIMIT_MIN,
                                     crypto_pwhash_MEMLIMIT_MIN) == 0 &&
                   crypto_pwhash_str_verify(hash, "secret", 6) == 0);
}

static int compile_a_pattern(void)
{
    char problem[128];
    size_t offset;
    struct flag *flag = flag_compile(STR("^flag\\{[0-9]+\\}$"), problem, sizeof(problem), &offset);
    bool is_right = flag != NULL && flag_matches_once(flag, STR("flag{42}"));

    flag_free(flag);
    return fine_if(is_right);
}

static int reach_db_anew(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    return fine_if(fd >= 0 &&
                   connect(fd, (const struct sockaddr *)&world.db_address, world.db_address_len) ==
                       0 &&
                   ioctl(fd, FIONBIO, &on) == 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
}

static int take_a_client_in(void)
{
    int fd = accept4(world.tcp_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    return fine_if(fd >= 0 && send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 &&
                   shutdown(fd, SHUT_WR) == 0 && close(fd) == 0);
}

static int take_a_descriptor_and_map_it(void)
{
    struct control_message message;
    int fd = -1;

    if (!control_send(world.control[0], CONTROL_RELOAD, 1, world.memory_fd) ||
        control_receive(world.control[1], &message, &fd) != CONTROL_MESSAGE) {
        return UNEXPECTED;
    }
    struct stat facts;
    void *piece = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return fine_if(fstat(fd, &facts) == 0 && facts.st_size == 4096 && fcntl(fd, F_GET_SEALS) >= 0 &&
                   piece != MAP_FAILED && munmap(piece, 4096) == 0);
}

static int send_a_large_answer(void)
{
    static char page[4096];
    off_t at = 0;

    /* Read by nobody: a few kilobytes have room on their way. */
    return fine_if(ftruncate(world.answer_fd, 0) == 0 &&
                   pwrite(world.answer_fd, page, sizeof(page), 0) == (ssize_t)sizeof(page) &&
                   send(world.player_fd, "x", 1, MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL) == 1 &&
                   sendfile(world.player_fd, world.answer_fd, &at, sizeof(page)) ==
                       (ssize_t)sizeof(page));
}

static int grow_a_file(void)
{
    return is_unknown(ftruncate(world.answer_fd, 4096));
}

static int write_to_the_log(void)
{
    return fine_if(write(STDERR_FILENO, "", 0) == 0);
}

/* ---- */

struct case_inside {
    const char *name;
    attempt what;
};

static const struct case_inside unknown[] = {
    {"open", open_a_file},
    {"create", make_a_file},
    {"unlink", remove_a_file},
    {"memfd_create", make_memory_with_a_name},
    {"TIOCSTI", type_into_the_terminal},
    {"prlimit of another", set_a_limit},
    {"io_uring", ask_for_a_ring},
    {"ftruncate to a size", grow_a_file},
};

static const struct case_inside deadly[] = {
    {"execve", run_a_program},
    {"fork", make_a_process},
    {"socket AF_INET", make_an_internet_socket},
    {"socket datagram", make_a_datagram_socket},
    {"connect to a path", call_a_named_socket},
    {"connect of a player's socket", turn_a_players_socket_elsewhere},
    {"sendto an address", send_to_an_address},
    {"sendmsg to an address", send_a_message_to_an_address},
    {"listen", listen_somewhere},
    {"ptrace", trace_the_parent},
    {"process_vm_readv", read_the_parents_memory},
    {"kill", kill_the_parent},
    {"tgkill", kill_a_thread_of_the_parent},
    {"mprotect to code", turn_data_into_code},
    {"mmap of code from a file", run_code_of_a_file},
};

static const struct case_inside allowed[] = {
    {"thread", begin_a_thread},
    {"argon2id", check_a_password},
    {"PCRE2 with JIT", compile_a_pattern},
    {"connect to db", reach_db_anew},
    {"accept", take_a_client_in},
    {"a passed descriptor", take_a_descriptor_and_map_it},
    {"a large answer", send_a_large_answer},
    {"log", write_to_the_log},
};

static void expect_all(const struct case_inside *cases, size_t count, int expected)
{
    for (size_t i = 0; i < count; i++) {
        int got = run_inside(cases[i].what);

        if (got != expected) {
            fail_msg("%s: %d, not %d", cases[i].name, got, expected);
        }
    }
}

static void a_file_is_a_call_the_kernel_does_not_know(void **state)
{
    (void)state;
    expect_all(unknown, ARRAY_LEN(unknown), FINE);
}

static void what_only_an_intruder_does_ends_the_process(void **state)
{
    (void)state;
    expect_all(deadly, ARRAY_LEN(deadly), -SIGSYS);
}

static void what_a_worker_does_works(void **state)
{
    (void)state;
    expect_all(allowed, ARRAY_LEN(allowed), FINE);
}

static int abort_in_order(void)
{
    abort();
}

static void a_broken_invariant_still_ends_by_its_own_signal(void **state)
{
    (void)state;
    assert_int_equal(run_inside(abort_in_order), -SIGABRT);
}

static int enter_twice(void)
{
    return fine_if(!sandbox_enter());
}

static void there_is_no_way_to_change_it_from_inside(void **state)
{
    (void)state;
    assert_int_equal(run_inside(enter_twice), FINE);
}

static void end_the_loop(uv_async_t *wake)
{
    uv_close((uv_handle_t *)wake, NULL);
}

/* As a worker does it; newer libuv makes a ring with the loop where it can. */
static int make_a_loop_and_enter(void)
{
    const struct settings automatic = {.sandbox = STR("auto")};
    uv_loop_t loop;
    uv_async_t wake;

    sandbox_forbid_rings(&automatic);
    if (ask_for_a_ring() != FINE || open_a_file() == FINE) {
        return UNEXPECTED; /* rings alone are refused so far */
    }
    if (uv_loop_init(&loop) != 0 || uv_async_init(&loop, &wake, end_the_loop) != 0 ||
        !sandbox_enter() || uv_async_send(&wake) != 0) {
        return UNEXPECTED;
    }
    return fine_if(uv_run(&loop, UV_RUN_DEFAULT) == 0);
}

static void a_loop_made_without_a_ring_runs_inside(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(make_a_loop_and_enter, false), FINE);
}

static void a_build_without_a_list_says_so(void **state)
{
    const struct settings automatic = {.sandbox = STR("auto")};
    const struct settings must = {.sandbox = STR("on")};

    (void)state;
    errno = 0;
    assert_false(sandbox_enter());
    assert_int_equal(errno, ENOTSUP);
    assert_true(sandbox_start(&automatic));
    assert_false(sandbox_start(&must));
}

static int open_everything(void **state)
{
    struct sockaddr_un nameless = {.sun_family = AF_UNIX};
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t tcp_len = sizeof(world.tcp_address);

    (void)state;
    world.db_address_len = sizeof(world.db_address);
    world.tcp_address = loopback;
    world.db_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    world.tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    world.player_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    world.memory_fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    world.answer_fd = memfd_create("ctfg-sandbox-test", MFD_CLOEXEC);
    if (bind(world.db_fd, (struct sockaddr *)&nameless, sizeof(nameless.sun_family)) != 0 ||
        getsockname(world.db_fd, (struct sockaddr *)&world.db_address, &world.db_address_len) !=
            0 ||
        listen(world.db_fd, 8) != 0 ||
        bind(world.tcp_fd, (struct sockaddr *)&world.tcp_address, sizeof(loopback)) != 0 ||
        getsockname(world.tcp_fd, (struct sockaddr *)&world.tcp_address, &tcp_len) != 0 ||
        listen(world.tcp_fd, 8) != 0 ||
        connect(world.player_fd, (struct sockaddr *)&world.tcp_address, tcp_len) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, world.control) != 0) {
        return -1;
    }
    return ftruncate(world.memory_fd, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_a_call_the_kernel_does_not_know),
        cmocka_unit_test(what_only_an_intruder_does_ends_the_process),
        cmocka_unit_test(what_a_worker_does_works),
        cmocka_unit_test(a_broken_invariant_still_ends_by_its_own_signal),
        cmocka_unit_test(there_is_no_way_to_change_it_from_inside),
        cmocka_unit_test(a_loop_made_without_a_ring_runs_inside),
    };
    const struct CMUnitTest tests_without[] = {
        cmocka_unit_test(a_build_without_a_list_says_so),
    };

    if (sodium_init() < 0) {
        return 1;
    }
    if (open_everything(NULL) == 0 && run_inside(write_to_the_log) == NO_SANDBOX) {
        return cmocka_run_group_tests(tests_without, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, open_everything, NULL);
}
