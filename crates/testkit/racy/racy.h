// What the racy programs share. Each has one real fault, which shows in few of its runs. With the
// argument `fixed` the same work is done without the fault.
#pragma once
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Whether to run without the fault.
static bool is_fixed = false;

static inline void begin(int argc, char **argv) {
    is_fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
}

static inline uint64_t now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// A number below `limit` that differs between threads and runs.
static inline unsigned random_below(unsigned limit) {
    static thread_local uint64_t state = 0;
    if (state == 0) {
        state = now_ns() ^ (uintptr_t)&state ^ ((uint64_t)getpid() << 32);
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 16) % limit);
}

// Computes for a time that is about proportional to `steps`.
static inline void compute(unsigned steps) {
    for (volatile unsigned i = 0; i < steps; i++) {
    }
}

static inline void nap_us(unsigned microseconds) {
    timespec t = {0, (long)microseconds * 1000};
    nanosleep(&t, NULL);
}

static inline pthread_t start(void *(*run)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, argument) != 0) {
        perror("pthread_create");
        _exit(3);
    }
    return thread;
}
