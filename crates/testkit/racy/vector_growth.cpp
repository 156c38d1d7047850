// A reader walks over a vector that a writer makes grow, which frees the elements under it.
#include "racy.h"
#include <atomic>
#include <vector>

struct Item {
    unsigned weight;
};

static std::vector<Item *> items;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static std::atomic<bool> stop{false};

static void *read_all(void *) {
    static volatile unsigned sum;
    while (!stop) {
        nap_us(200 + random_below(200));
        if (is_fixed) {
            pthread_mutex_lock(&lock);
        }
        for (Item *item : items) {
            sum = sum + item->weight;
        }
        if (is_fixed) {
            pthread_mutex_unlock(&lock);
        }
    }
    return nullptr;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    static Item item = {1};
    pthread_t reader = start(read_all, nullptr);
    for (int i = 0; i < 40; i++) {
        nap_us(100 + random_below(300));
        if (is_fixed) {
            pthread_mutex_lock(&lock);
        }
        items.push_back(&item);
        if (is_fixed) {
            pthread_mutex_unlock(&lock);
        }
    }
    stop = true;
    pthread_join(reader, nullptr);
}
