/* A disk that can be made to forget. Preloaded into a node, this notes for every file below $POWER_ROOT what was written
 * since it was last synced, and what stood there before, in the file $POWER_LOG. After the process was killed the test
 * takes everything back that no fsync or fdatasync has covered: what a power cut may do, and kill -9 does not.
 *
 * With $POWER_SYNC_MS alone it only makes syncs slow: each takes between none and so many milliseconds more, so that
 * more is under way whenever the process dies.
 *
 * A note is the struct below and `bytes` bytes of data. A sync covers what was noted before it began, so its note says
 * where the log ended then. Notes and what they tell of are made under one lock: their order is the order of things. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITTEN = 1, SHORTENED = 2, SYNCED = 3, BORN = 4, GONE = 5, RENAMED = 6 };

struct note {
    uint32_t kind;
    uint32_t bytes;  /* of data that follow */
    uint64_t inode;
    uint64_t at;     /* WRITTEN, SHORTENED: offset; SYNCED: end of the log when it began; BORN, RENAMED: the folder */
    uint64_t length; /* WRITTEN: bytes written; SHORTENED: size before */
};

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int log_file = -1;
static uint64_t log_end;
static char root[PATH_MAX];
static size_t root_length;
static long sync_ms;

/* Goes around our own functions. */
static void append(const void *data, size_t size) {
    const char *rest = data;
    while (size > 0) {
        ssize_t written = syscall(SYS_write, log_file, rest, size);
        if (written <= 0) abort();
        rest += written;
        size -= (size_t)written;
        log_end += (uint64_t)written;
    }
}

static void note(enum kind kind, uint64_t inode, uint64_t at, uint64_t length, const void *data, size_t size) {
    struct note head = { kind, (uint32_t)size, inode, at, length };
    append(&head, sizeof head);
    append(data, size);
}

static void start(void) {
    const char *log = getenv("POWER_LOG"), *below = getenv("POWER_ROOT"), *slow = getenv("POWER_SYNC_MS");
    if (slow) sync_ms = atol(slow);
    if (!log || !below) return;
    root_length = strlen(below);
    if (root_length >= sizeof root) abort();
    memcpy(root, below, root_length + 1);
    log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) abort();
}

static int watching(void) {
    pthread_once(&once, start);
    return log_file >= 0;
}

static int below_root(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/* What an open file is, if it is one of those that are watched. */
static int watched(int fd, struct stat *state) {
    if (!watching() || fd == log_file || fstat(fd, state) != 0 || !(S_ISREG(state->st_mode) || S_ISDIR(state->st_mode)))
        return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below_root(path);
}

static size_t without_zeroes(const char *data, size_t size) {
    while (size > 0 && data[size - 1] == 0) size--;
    return size;
}

/* Notes what stands in a range of the file before it is changed. */
static void note_before(enum kind kind, int fd, const struct stat *state, off_t from, size_t length, uint64_t told) {
    char *before = malloc(length ? length : 1), path[64];
    if (!before) abort();
    /* The file may be open for writing only. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int readable = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t found = readable < 0 ? 0 : pread(readable, before, length, from);
    if (readable >= 0) syscall(SYS_close, readable);
    note(kind, state->st_ino, (uint64_t)from, told, before, without_zeroes(before, found > 0 ? (size_t)found : 0));
    free(before);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    struct stat state;
    if (!watched(fd, &state)) return real(fd, data, size);
    pthread_mutex_lock(&order);
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    fstat(fd, &state);
    note_before(WRITTEN, fd, &state, appends ? state.st_size : lseek(fd, 0, SEEK_CUR), size, size);
    ssize_t written = real(fd, data, size);
    pthread_mutex_unlock(&order);
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    struct stat state;
    if (!watched(fd, &state)) return real(fd, parts, count);
    /* One part at a time is a legal short write. */
    for (int part = 0; part < count; part++)
        if (parts[part].iov_len > 0) return write(fd, parts[part].iov_base, parts[part].iov_len);
    return 0;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t from) {
    REAL(pwrite64);
    struct stat state;
    if (!watched(fd, &state)) return real(fd, data, size, from);
    pthread_mutex_lock(&order);
    note_before(WRITTEN, fd, &state, from, size, size);
    ssize_t written = real(fd, data, size, from);
    pthread_mutex_unlock(&order);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t from) { return pwrite64(fd, data, size, from); }

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    struct stat state;
    if (!watched(fd, &state)) return real(fd, size);
    pthread_mutex_lock(&order);
    fstat(fd, &state);
    /* A file that grew by zeroes may stay so. */
    if (state.st_size > size)
        note_before(SHORTENED, fd, &state, size, (size_t)(state.st_size - size), (uint64_t)state.st_size);
    int done = real(fd, size);
    pthread_mutex_unlock(&order);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static void dawdle(void) {
    pthread_once(&once, start);
    if (sync_ms <= 0) return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long micros = (now.tv_nsec / 1000) % (sync_ms * 1000);
    struct timespec rest = { micros / 1000000, micros % 1000000 * 1000 };
    nanosleep(&rest, NULL);
}

static int synced(int fd, int (*real)(int)) {
    struct stat state;
    int ours = watched(fd, &state);
    pthread_mutex_lock(&order);
    uint64_t began = log_end;
    pthread_mutex_unlock(&order);
    dawdle();
    int done = real(fd);
    if (ours && done == 0) {
        pthread_mutex_lock(&order);
        note(SYNCED, state.st_ino, began, 0, "", 0);
        pthread_mutex_unlock(&order);
    }
    return done;
}

int fsync(int fd) {
    REAL(fsync);
    return synced(fd, real);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    return synced(fd, real);
}

static uint64_t folder_of(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    struct stat state;
    if (!slash || (size_t)(slash - path) >= sizeof folder) return 0;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    return stat(folder, &state) == 0 ? state.st_ino : 0;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    struct stat state;
    int makes = watching() && (flags & O_CREAT) && below_root(path);
    if (!makes) return (int)syscall(SYS_openat, folder, path, flags, mode);
    pthread_mutex_lock(&order);
    int is_new = stat(path, &state) != 0;
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    int reason = errno;
    if (fd >= 0 && is_new && fstat(fd, &state) == 0)
        note(BORN, state.st_ino, folder_of(path), 0, path, strlen(path) + 1);
    pthread_mutex_unlock(&order);
    errno = reason;
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name, ...) \
    int name(__VA_ARGS__, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = mode_of(flags, rest); \
        va_end(rest); \
        return opened(OPEN_IN, path, flags, mode); \
    }
#define OPEN_IN AT_FDCWD
OPEN(open, const char *path)
OPEN(open64, const char *path)
#undef OPEN_IN
#define OPEN_IN folder
OPEN(openat, int folder, const char *path)
OPEN(openat64, int folder, const char *path)

static void gone(const char *path) {
    struct stat state;
    if (lstat(path, &state) == 0) note(GONE, state.st_ino, 0, 0, "", 0);
}

int unlink(const char *path) {
    REAL(unlink);
    if (!watching() || !below_root(path)) return real(path);
    pthread_mutex_lock(&order);
    gone(path);
    int done = real(path);
    pthread_mutex_unlock(&order);
    return done;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    struct stat state, replaced;
    if (!watching() || !below_root(to) || stat(from, &state) != 0) return real(from, to);
    char names[2 * PATH_MAX];
    size_t first = strlen(from) + 1, second = strlen(to) + 1;
    if (first + second > sizeof names) abort();
    memcpy(names, from, first);
    memcpy(names + first, to, second);
    pthread_mutex_lock(&order);
    /* One that takes another file's place is not taken back: that one is no more. */
    int replaces = stat(to, &replaced) == 0;
    gone(to);
    int done = real(from, to);
    if (done == 0 && !replaces) note(RENAMED, state.st_ino, folder_of(to), 0, names, first + second);
    pthread_mutex_unlock(&order);
    return done;
}
