/* Shifts the wall clock of every program that loads this, and nothing else.

   The shift is read at each call from the file below, which holds one signed 64-bit number of
   microseconds: whoever writes there moves the clock of a whole machine at once. Steady clocks,
   sleeps and waits stay as they are. Timers of the wall clock, such as systemd's, are set by the
   shifted one.

   gcc -shared -fPIC -O2 -o wallshift.so wallshift.c; name the result in /etc/ld.so.preload */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SHIFT_FILE "/etc/wallshift"
#define MILLION 1000000LL
#define MOST_FILES 4096
#define NEVER (1LL << 40)

static volatile const int64_t *shift_us;
static volatile char is_wall_timer[MOST_FILES];

__attribute__((constructor)) static void open_shift(void)
{
    int file = open(SHIFT_FILE, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof *shift_us, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        shift_us = page;
}

static int is_wall(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_REALTIME_ALARM;
}

/* Add the shift to a time, or take it away with a sign of -1. */
static void move(struct timespec *at, int sign)
{
    if (!shift_us)
        return;
    int64_t us = sign * *shift_us;
    int64_t ns = at->tv_nsec + us % MILLION * 1000;
    at->tv_sec += us / MILLION;
    if (ns < 0) {
        ns += 1000 * MILLION;
        at->tv_sec -= 1;
    } else if (ns >= 1000 * MILLION) {
        ns -= 1000 * MILLION;
        at->tv_sec += 1;
    }
    at->tv_nsec = ns;
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    int result = syscall(SYS_clock_gettime, id, at);
    if (result == 0 && is_wall(id))
        move(at, 1);
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

int timerfd_create(clockid_t id, int flags)
{
    int file = syscall(SYS_timerfd_create, id, flags);
    if (file >= 0 && file < MOST_FILES)
        is_wall_timer[file] = is_wall(id);
    return file;
}

int timerfd_settime(int file, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    struct itimerspec moved = *new;
    int is_set = moved.it_value.tv_sec || moved.it_value.tv_nsec;
    int is_wall_s = file >= 0 && file < MOST_FILES && is_wall_timer[file];
    if (is_wall_s && is_set && (flags & TFD_TIMER_ABSTIME) && moved.it_value.tv_sec < NEVER)
        move(&moved.it_value, -1);
    return syscall(SYS_timerfd_settime, file, flags, &moved, old);
}
