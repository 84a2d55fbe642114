/* Preloaded into a program: from the nth call on, reads or writes of files under one folder fail as a file system would.
 *
 * FAIL_UNDER: folder; FAIL_CALL: "read", "write" or "open" (for writing); FAIL_AFTER: calls that still succeed;
 * FAIL_ERRNO: number of the error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long calls;

static int under(int descriptor) {
    char link[64], path[4096];
    const char *folder = getenv("FAIL_UNDER");
    if (!folder) return 0;
    int end = 0, digits[12], number = descriptor;
    do { digits[end++] = number % 10; number /= 10; } while (number);
    strcpy(link, "/proc/self/fd/");
    size_t at = strlen(link);
    while (end) link[at++] = (char)('0' + digits[--end]);
    link[at] = 0;
    ssize_t size = readlink(link, path, sizeof path - 1);
    return size > 0 && (path[size] = 0, strncmp(path, folder, strlen(folder)) == 0);
}

static int fails(const char *call) {
    const char *wanted = getenv("FAIL_CALL");
    if (!wanted || strcmp(wanted, call)) return 0;
    if (__atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST) < atol(getenv("FAIL_AFTER"))) return 0;
    errno = atoi(getenv("FAIL_ERRNO"));
    return 1;
}

#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t read(int fd, void *to, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    return under(fd) && fails("read") ? -1 : real(fd, to, size);
}
ssize_t pread(int fd, void *to, size_t size, off_t at) {
    REAL(ssize_t, "pread", int, void *, size_t, off_t);
    return under(fd) && fails("read") ? -1 : real(fd, to, size, at);
}
ssize_t pread64(int fd, void *to, size_t size, off64_t at) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    return under(fd) && fails("read") ? -1 : real(fd, to, size, at);
}
ssize_t write(int fd, const void *from, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return under(fd) && fails("write") ? -1 : real(fd, from, size);
}
static int opened(const char *name, const char *path, int flags, mode_t mode) {
    REAL(int, name, const char *, int, ...);
    const char *folder = getenv("FAIL_UNDER");
    if ((flags & O_ACCMODE) != O_RDONLY && folder && strncmp(path, folder, strlen(folder)) == 0 && fails("open")) return -1;
    return real(path, flags, mode);
}
static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }
int open(const char *path, int flags, ...) {
    va_list rest; va_start(rest, flags); mode_t mode = mode_of(flags, rest); va_end(rest);
    return opened("open", path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list rest; va_start(rest, flags); mode_t mode = mode_of(flags, rest); va_end(rest);
    return opened("open64", path, flags, mode);
}
