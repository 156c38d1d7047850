// Two threads clean up the same buffer, each if the other has not.
#include "racy.h"
#include <atomic>

struct Shared {
    char *buffer;
    volatile bool is_released;
    pthread_mutex_t lock;
    std::atomic<int> users;
};

static void release(Shared *shared) {
    if (is_fixed) {
        pthread_mutex_lock(&shared->lock);
    }
    if (!shared->is_released) {
        shared->is_released = true;
        free(shared->buffer);
    }
    if (is_fixed) {
        pthread_mutex_unlock(&shared->lock);
    }
}

static std::atomic<Shared *> current{nullptr};
static std::atomic<bool> stop{false};

static void *other(void *) {
    Shared *last = nullptr;
    while (!stop) {
        Shared *shared = current;
        if (shared == nullptr || shared == last) {
            nap_us(20);
            continue;
        }
        last = shared;
        nap_us(10 + random_below(100));
        release(shared);
        shared->users--;
    }
    return nullptr;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    static Shared all[60];
    pthread_t thread = start(other, nullptr);
    for (Shared &shared : all) {
        shared.buffer = (char *)malloc(100);
        shared.is_released = false;
        pthread_mutex_init(&shared.lock, NULL);
        shared.users = 2;
        current = &shared;
        nap_us(10 + random_below(100));
        release(&shared);
        shared.users--;
        while (shared.users > 0) {
            nap_us(20);
        }
    }
    stop = true;
    pthread_join(thread, nullptr);
}
