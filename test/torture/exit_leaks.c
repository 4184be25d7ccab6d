/* SPDX-License-Identifier: MIT */
/* exit_leaks.c - in a server built with SAN=address, who leaves by _exit() is looked over for leaks too. */
#include <sanitizer/lsan_interface.h>

/* The linker's names (--wrap=_exit): the first is what the program calls, the second what it meant. */
_Noreturn void __wrap__exit(int status);
_Noreturn void __real__exit(int status);

void __wrap__exit(int status)
{
    __lsan_do_leak_check(); /* ends the process with a report when there is something to say */
    __real__exit(status);
}
