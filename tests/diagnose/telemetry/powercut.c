/* Models a power cut: keeps a copy of whatever was synced, by inode, and of nothing else.
 *
 * With LD_PRELOAD, each fsync or fdatasync of a file below $POWERCUT_ROOT copies its content to
 * $POWERCUT_SHADOW/files/INODE, each of a folder writes its names to $POWERCUT_SHADOW/folders/INODE.
 * What the disk would hold after a cut is put together from these alone.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void keep(int fd) {
    const char *root = getenv("POWERCUT_ROOT"), *shadow = getenv("POWERCUT_SHADOW");
    char link[64], path[PATH_MAX], draft[PATH_MAX], target[PATH_MAX];
    struct stat state;
    if (!root || !shadow || fstat(fd, &state)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (strncmp(path, root, strlen(root))) return;
    int folder = S_ISDIR(state.st_mode);
    snprintf(target, sizeof target, "%s/%s/%lu", shadow, folder ? "folders" : "files",
             (unsigned long)state.st_ino);
    snprintf(draft, sizeof draft, "%s.%ld", target, (long)syscall(SYS_gettid));
    FILE *out = fopen(draft, "wb");
    if (!out) abort();
    if (folder) {
        DIR *names = opendir(path);
        struct dirent *entry;
        while (names && (entry = readdir(names)))
            if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
                fprintf(out, "%lu %c %s\n", (unsigned long)entry->d_ino,
                        entry->d_type == DT_DIR ? 'd' : 'f', entry->d_name);
        if (names) closedir(names);
    } else {
        static __thread char buffer[1 << 16];
        int in = open(path, O_RDONLY);
        ssize_t got;
        while (in >= 0 && (got = read(in, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, got, out);
        if (in >= 0) close(in);
    }
    if (fclose(out) || rename(draft, target)) abort();
}

int fsync(int fd) {
    int result = (int)syscall(SYS_fsync, fd);
    if (!result) keep(fd);
    return result;
}

int fdatasync(int fd) {
    int result = (int)syscall(SYS_fdatasync, fd);
    if (!result) keep(fd);
    return result;
}
