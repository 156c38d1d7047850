// A buffer is allocated for the length that a message had, and filled with the length that it has.
#include "racy.h"
#include <atomic>

static volatile unsigned length = 24;
static char text[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static std::atomic<bool> stop{false};

static void *resize(void *) {
    while (!stop) {
        nap_us(100 + random_below(200));
        pthread_mutex_lock(&lock);
        length = 24 + random_below(2000);
        pthread_mutex_unlock(&lock);
    }
    return nullptr;
}

static char *copy() {
    if (is_fixed) {
        pthread_mutex_lock(&lock);
    }
    char *buffer = (char *)malloc(length);
    memcpy(buffer, text, length);
    if (is_fixed) {
        pthread_mutex_unlock(&lock);
    }
    return buffer;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    memset(text, 'y', sizeof text);
    pthread_t thread = start(resize, nullptr);
    for (int i = 0; i < 20; i++) {
        nap_us(100 + random_below(100));
        char *one = copy();
        char *two = copy();
        free(one);
        free(two);
    }
    stop = true;
    pthread_join(thread, nullptr);
}
