/* SPDX-License-Identifier: MIT */
/* user.c - getpwnam(3) in the master, setresuid(2) in the child. */
#include "master/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shm/base/log.h"

#define USER_NAME_BYTES 65

bool user_find(struct str name, struct user *ret_user, char *ret_error, size_t error_bytes)
{
    struct user user = {.drops = true, .group_count = USER_GROUPS_MAX};
    char text[USER_NAME_BYTES];

    if (geteuid() != 0) {
        *ret_user = (struct user){.drops = false};
        return true;
    }
    if (name.len == 0) {
        LOG(LOG_LEVEL_WARN, "running as root: name a user of its own with --user");
        *ret_user = (struct user){.drops = false};
        return true;
    }
    (void)str_copy(name, text, sizeof(text));
    errno = 0;
    const struct passwd *found = getpwnam(text);
    if (found == NULL) {
        (void)snprintf(ret_error, error_bytes, "there is no user %s: %s", text,
                       errno != 0 ? log_errno_text(errno) : "make one, or name another by --user");
        return false;
    }
    user.uid = found->pw_uid;
    user.gid = found->pw_gid;
    if (getgrouplist(text, user.gid, user.groups, &user.group_count) < 0) {
        (void)snprintf(ret_error, error_bytes, "the user %s is in more than %d groups", text,
                       USER_GROUPS_MAX);
        return false;
    }
    *ret_user = user;
    return true;
}

bool user_become(const struct user *user)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return false;
    }
    if (user->drops && (setgroups((size_t)user->group_count, user->groups) != 0 ||
                        setresgid(user->gid, user->gid, user->gid) != 0 ||
                        setresuid(user->uid, user->uid, user->uid) != 0)) {
        return false;
    }
    /* No core dump and no debugger of the same user: memory holds passwords and tokens. */
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}
